"""The size of the component's state, compared with a flat program that creates the same objects."""

import json
from typing import Any

import pytest

from bench import programs
from tests.e2e import inline_stack

pytestmark = [*inline_stack.pytestmark, pytest.mark.slow]

PROVIDERS = 3
MOST_BYTES_OVER_FLAT = 1.3


def test_a_component_adds_one_resource_and_at_most_a_third_more_bytes_to_the_state(
    stack: inline_stack.Stack, namespace: str
) -> None:
    keys = programs.keys(PROVIDERS, rotated=False)
    sizes = {}
    for name, per_provider in (("component", 5), ("flat", 4)):
        stack.up(programs.PROGRAMS[name](namespace, keys))
        deployment: Any = stack.stack.export_stack().deployment
        providers, own = 1, 1
        assert len(deployment["resources"]) == PROVIDERS * per_provider + providers + own
        sizes[name] = len(json.dumps(deployment["resources"]))
        stack.destroy()
    assert 1 < sizes["component"] / sizes["flat"] < MOST_BYTES_OVER_FLAT
