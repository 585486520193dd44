"""The manifests that the pages hand to kubectl, against the CRDs with unknown fields refused."""

from typing import Any

import pytest
import yaml

from local.custom_resource_definitions import AGENTGATEWAY, module_folder, parse
from tests.contract.schemas import StrictSchemas
from tests.pages import ALLOW_LARGE_REQUESTS, CREATE_GATEWAY, blocks, manifests

POLICIES = "agentgateway.dev_agentgatewaypolicies.yaml"


@pytest.fixture(scope="session")
def schemas(crds: dict[str, dict[str, Any]]) -> StrictSchemas:
    """Those of the local control plane, and the policies of agentgateway, which it doesn't install."""
    (file,) = module_folder(print, AGENTGATEWAY).rglob(f"templates/{POLICIES}")
    others = [crd for crd in parse([file]) if crd["metadata"]["name"] not in crds]
    return StrictSchemas([*crds.values(), *others])


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
