"""The manifests that the pages hand to kubectl, against the CRDs with unknown fields refused."""

import pytest
import yaml

from tests.contract.schemas import StrictSchemas
from tests.pages import ALLOW_LARGE_REQUESTS, CREATE_GATEWAY, blocks, manifests


def test_no_manifest_is_left_out() -> None:
    assert [block for block in blocks("sh") if manifests(block)] == [CREATE_GATEWAY, ALLOW_LARGE_REQUESTS]


@pytest.mark.parametrize("block", [CREATE_GATEWAY, ALLOW_LARGE_REQUESTS], ids=["Gateway", "AgentgatewayPolicy"])
def test_a_manifest_is_what_the_api_server_takes(block: str, schemas: StrictSchemas) -> None:
    (manifest,) = map(yaml.safe_load, manifests(block))
    assert schemas.problems(manifest) == []


def test_a_misspelt_field_would_be_found(schemas: StrictSchemas) -> None:
    (manifest,) = map(yaml.safe_load, manifests(ALLOW_LARGE_REQUESTS))
    manifest["spec"]["frontend"]["http"]["maxBuffer"] = 1
    assert schemas.problems(manifest) != []
