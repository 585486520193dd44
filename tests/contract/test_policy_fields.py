"""The fields that the policy pack looks for, against the CRDs: a rule about a misspelt one would never refuse."""

import pytest

from tests.contract.schemas import StrictSchemas
from tests.refused import REFUSED, Manifest

OBJECTS = [
    pytest.param(each, id=f"{rule}: {name}")
    for rule, cases in REFUSED.items()
    for name, objects in cases.items()
    for each in objects
]


@pytest.mark.parametrize("obj", OBJECTS)
def test_what_is_refused_is_what_the_api_server_would_take(obj: Manifest, schemas: StrictSchemas) -> None:
    assert schemas.problems(obj) == []
