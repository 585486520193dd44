"""The manifests for kubectl in pages and examples, against the CRDs with unknown fields refused."""

import copy
from typing import Any

import pytest
import yaml

from tests.contract.schemas import StrictSchemas
from tests.support.external_secret import DEFINITION
from tests.support.pages import EXAMPLE_OBJECTS, block, blocks, manifests

ALLOW_LARGE_REQUESTS = block("docs/troubleshooting.md", "maxBufferSize")

(ALLOWING,) = map(yaml.safe_load, manifests(ALLOW_LARGE_REQUESTS))
WITH_A_LISTENER_FOR_LLMS = yaml.safe_load(block("docs/one-url.md", "# gateway.yaml\n", "yaml"))
WITH_HASHES_OF_KEYS = yaml.safe_load(block("docs/clients.md", "kind: ExternalSecret", "yaml"))
_NAMESPACE, GATEWAY = yaml.safe_load_all(EXAMPLE_OBJECTS)


def test_no_manifest_is_left_out() -> None:
    assert [block for block in blocks("sh") if manifests(block)] == [ALLOW_LARGE_REQUESTS]


@pytest.mark.parametrize(
    "manifest",
    [GATEWAY, WITH_A_LISTENER_FOR_LLMS, ALLOWING],
    ids=["Gateway", "Gateway with a listener for LLMs", "AgentgatewayPolicy"],
)
def test_a_manifest_is_what_the_api_server_takes(manifest: dict[str, Any], schemas: StrictSchemas) -> None:
    assert schemas.problems(manifest) == []


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
