"""The policy pack's rules are about fields that exist; a rule about a misspelt field would never refuse anything."""

import pytest

from tests.contract.schemas import StrictSchemas
from tests.support.refused import REFUSED, Manifest

OBJECTS = [
    pytest.param(each, id=f"{rule}: {name}")
    for rule, cases in REFUSED.items()
    for name, objects in cases.items()
    for each in objects
]


@pytest.mark.parametrize("obj", OBJECTS)
def test_the_api_server_would_accept_what_the_policy_pack_refuses(obj: Manifest, schemas: StrictSchemas) -> None:
    assert schemas.problems(obj) == []
