"""The manifests for kubectl in pages and examples, against the CRDs with unknown fields refused."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.control_plane.custom_resource_definitions import AGENTGATEWAY, CRD_FILES, parse
from local.toolchain.go import download_module
from tests.contract.schemas import StrictSchemas
from tests.support.external_secret import DEFINITION
from tests.support.pages import EXAMPLE_OBJECTS, block, blocks, manifests
from tests.support.repository import REPOSITORY

ALLOW_LARGE_REQUESTS = block("docs/troubleshooting.md", "maxBufferSize")

(ALLOWING,) = map(yaml.safe_load, manifests(ALLOW_LARGE_REQUESTS))
WITH_A_LISTENER_FOR_LLMS = yaml.safe_load(block("docs/one-url.md", "# gateway.yaml\n", "yaml"))
WITH_HASHES_OF_KEYS = yaml.safe_load(block("docs/clients.md", "kind: ExternalSecret", "yaml"))
_NAMESPACE, GATEWAY = yaml.safe_load_all(EXAMPLE_OBJECTS)
WITH_HTTPS = yaml.safe_load(block("docs/gateway.md", "# https-gateway.yaml\n", "yaml"))
INTERNAL = list(yaml.safe_load_all(block("docs/gateway.md", "# internal-gateway.yaml\n", "yaml")))
KIND = REPOSITORY / "examples/kind"


def test_no_manifest_is_left_out() -> None:
    assert [block for block in blocks("sh") if manifests(block)] == [ALLOW_LARGE_REQUESTS]


@pytest.mark.parametrize(
    "manifest",
    [GATEWAY, WITH_A_LISTENER_FOR_LLMS, WITH_HTTPS, ALLOWING],
    ids=["Gateway", "Gateway with a listener for LLMs", "Gateway with HTTPS", "AgentgatewayPolicy"],
)
def test_a_manifest_is_what_the_api_server_takes(manifest: dict[str, Any], schemas: StrictSchemas) -> None:
    assert schemas.problems(manifest) == []


def parameters_schemas() -> StrictSchemas:
    """Returns the schema of the objects that say how agentgateway's controller deploys a Gateway."""
    backends = CRD_FILES[AGENTGATEWAY][0]
    return StrictSchemas(list(parse([download_module(AGENTGATEWAY) / _of_parameters(backends)])))


def _of_parameters(backends: str) -> Path:
    return Path(backends.replace("backends", "parameters"))


def test_a_gateway_that_only_the_cluster_reaches_has_fields_that_the_controller_knows(schemas: StrictSchemas) -> None:
    parameters, gateway = INTERNAL
    assert schemas.problems(gateway) == []
    assert parameters_schemas().problems(parameters) == []
    assert gateway["spec"]["infrastructure"]["parametersRef"] == {
        "group": parameters["apiVersion"].partition("/")[0],
        "kind": parameters["kind"],
        "name": parameters["metadata"]["name"],
    }
    assert gateway["metadata"]["namespace"] == parameters["metadata"]["namespace"]
    # The controller patches the Service with this part, which its definition leaves open.
    assert parameters["spec"] == {"service": {"spec": {"type": "ClusterIP"}}}
    misspelt = {**parameters, "spec": {"services": parameters["spec"]["service"]}}
    assert parameters_schemas().problems(misspelt) == ["spec.services: no such field; did you mean service?"]


def test_the_page_has_the_internal_gateway_that_the_script_creates() -> None:
    _namespace, *created = yaml.safe_load_all((KIND / "internal-agentgateway.yaml").read_text())
    assert created == INTERNAL


def test_the_internal_gateway_of_kgateway_names_its_parameters(schemas: StrictSchemas) -> None:
    _namespace, parameters, gateway = yaml.safe_load_all((KIND / "internal-kgateway.yaml").read_text())
    assert schemas.problems(gateway) == []
    assert gateway["spec"]["infrastructure"]["parametersRef"] == {
        "group": parameters["apiVersion"].partition("/")[0],
        "kind": parameters["kind"],
        "name": parameters["metadata"]["name"],
    }
    assert parameters["metadata"]["namespace"] == gateway["metadata"]["namespace"]
    # kgateway's definitions are in no Go module; these fields were compared with those of 2.1 by hand.
    assert parameters["spec"] == {"kube": {"service": {"type": "ClusterIP"}}}


def test_the_external_secret_has_fields_that_the_operator_knows() -> None:
    schemas = StrictSchemas([DEFINITION])
    assert schemas.problems(WITH_HASHES_OF_KEYS) == []
    misspelt = copy.deepcopy(WITH_HASHES_OF_KEYS)
    misspelt["spec"]["target"]["templates"] = misspelt["spec"]["target"].pop("template")
    assert schemas.problems(misspelt) == ["spec.target.templates: no such field; did you mean template?"]


def test_a_misspelt_field_would_be_found(schemas: StrictSchemas) -> None:
    manifest = copy.deepcopy(ALLOWING)
    manifest["spec"]["frontend"]["http"]["maxBuffer"] = 1
    assert schemas.problems(manifest) != []
