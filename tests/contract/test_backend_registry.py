"""What is kept outside the registry of gateway APIs, and must name the same groups, versions and kinds."""

from typing import Any

import pytest
import yaml

from components.openai_compatible_llm import gateway_api
from components.openai_compatible_llm.backends import BACKENDS, BackendDefinition
from components.openai_compatible_llm.presets import HTTPS_PORT
from local.gateway.api import GATEWAY_APIS
from policy.gateway_policies import objects, tls
from tests.unit.recording import REPOSITORY

GATEWAY_API_GROUP = gateway_api.API_VERSION.partition("/")[0]
DEFINITIONS = [pytest.param(definition, id=api.value) for api, definition in BACKENDS.items()]


@pytest.fixture(scope="module")
def rules() -> dict[tuple[str, str], list[str]]:
    """The verbs of `docs/role.yaml`, by API group and resource."""
    manifests = yaml.safe_load_all((REPOSITORY / "docs/role.yaml").read_text())
    (role,) = (each for each in manifests if each["kind"] == "Role")
    return {
        (group, resource): rule["verbs"]
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def installed(definition: BackendDefinition, crds: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The CustomResourceDefinition of an API's backend."""
    (crd,) = (
        crd
        for crd in crds.values()
        if (crd["spec"]["group"], crd["spec"]["names"]["kind"]) == (definition.group, definition.kind)
    )
    return crd


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_the_local_control_plane_serves_the_backend(
    definition: BackendDefinition, crds: dict[str, dict[str, Any]]
) -> None:
    versions = installed(definition, crds)["spec"]["versions"]
    assert definition.version in [each["name"] for each in versions if each["served"]]


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_the_role_grants_for_the_backend_what_it_grants_for_secrets(
    definition: BackendDefinition, crds: dict[str, dict[str, Any]], rules: dict[tuple[str, str], list[str]]
) -> None:
    plural = installed(definition, crds)["spec"]["names"]["plural"]
    assert rules[definition.group, plural] == rules["", "secrets"]


def test_the_role_names_no_other_api_group_and_no_resource_that_does_not_exist(
    crds: dict[str, dict[str, Any]], rules: dict[tuple[str, str], list[str]]
) -> None:
    assert {group for group, _ in rules} == {"", GATEWAY_API_GROUP, *(each.group for each in BACKENDS.values())}
    served = {(crd["spec"]["group"], crd["spec"]["names"]["plural"]) for crd in crds.values()}
    assert set(rules) - {("", "secrets")} <= served


def test_the_policy_pack_knows_every_backend_and_where_it_may_hold_a_key() -> None:
    assert {each.group: each.kind for each in BACKENDS.values()} == objects.BACKENDS
    assert set(objects.INLINE_TOKENS) == {each.group for each in BACKENDS.values()}
    assert (objects.GATEWAY_API, tls.HTTPS_PORT) == (GATEWAY_API_GROUP, HTTPS_PORT)


def test_the_local_control_plane_can_run_a_gateway_of_each_api() -> None:
    assert set(GATEWAY_APIS) == {api.value for api in BACKENDS}
