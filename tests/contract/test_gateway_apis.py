"""What else has to know each gateway API of `backends/`: the Role, the policy pack, and the local control plane."""

from typing import Any

import pytest
import yaml

from components.openai_compatible_llm import presets
from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import BACKENDS, READERS, BackendReader
from components.openai_compatible_llm.objects import gateway_api
from local.gateway.api import GATEWAY_APIS
from policy.gateway_policies import objects, tls
from tests.support.repository import REPOSITORY

GROUPS = {definition.group for definition in BACKENDS.values()}


@pytest.fixture(params=list(BACKENDS))
def reader(request: pytest.FixtureRequest) -> BackendReader:
    return READERS[request.param]


def test_every_api_has_a_definition_and_its_reader() -> None:
    assert set(BACKENDS) == set(READERS) == set(BackendApi)
    assert [each.definition for each in READERS.values()] == list(BACKENDS.values())
    assert len(GROUPS) == len(BackendApi)


def test_the_role_grants_all_that_the_component_creates() -> None:
    role = next(
        each for each in yaml.safe_load_all((REPOSITORY / "docs/role.yaml").read_text()) if each["kind"] == "Role"
    )
    granted = {(group, kind) for rule in role["rules"] for group in rule["apiGroups"] for kind in rule["resources"]}
    group = gateway_api.API_VERSION.partition("/")[0]
    assert granted == {
        ("", "secrets"),
        (group, "httproutes"),
        (group, "backendtlspolicies"),
        *((each.definition.group, resource) for each in READERS.values() for resource in each.resources.values()),
    }


def test_the_policy_pack_knows_every_backend() -> None:
    assert {each.group: each.kind for each in BACKENDS.values()} == objects.BACKENDS
    assert objects.INLINE_TOKENS.keys() == GROUPS
    assert f"{objects.GATEWAY_API}/v1" == gateway_api.API_VERSION
    assert tls.HTTPS_PORT == presets.HTTPS_PORT


def test_the_local_control_plane_serves_every_backend_and_policy(
    reader: BackendReader, crds: dict[str, dict[str, Any]]
) -> None:
    served = {
        (crd["spec"]["group"], version["name"], crd["spec"]["names"]["kind"], crd["spec"]["names"]["plural"])
        for crd in crds.values()
        for version in crd["spec"]["versions"]
        if version["served"]
    }
    definition = reader.definition
    assert set(reader.resources) == {definition.kind, definition.policy_kind}
    for kind, resource in reader.resources.items():
        assert (definition.group, definition.version, kind, resource) in served


def test_the_local_control_plane_can_run_the_gateways_of_every_api() -> None:
    assert set(GATEWAY_APIS) == set(BackendApi)
