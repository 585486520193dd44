"""What else has to know each gateway API of `backends/`: the Role, the policy pack, and the local control plane."""

from typing import Any

import pytest
import yaml

from components.openai_compatible_llm import presets
from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import BACKENDS, READERS, BackendReader
from components.openai_compatible_llm.objects import gateway_api
from local.gateway.api import GATEWAY_APIS
from policy.gateway_policies import apis, objects, tls
from policy.gateway_policies import gateway_api as policy_gateway_api
from tests.support.recording import record_component
from tests.support.repository import REPOSITORY

GROUPS = {definition.group for definition in BACKENDS.values()}


@pytest.fixture(params=list(BACKENDS))
def reader(request: pytest.FixtureRequest) -> BackendReader:
    return READERS[request.param]


@pytest.fixture
def record(reader: BackendReader) -> apis.GatewayApi:
    """The policy pack's record of the API."""
    return next(each for each in apis.APIS if each.group == reader.definition.group)


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


def test_the_policy_pack_has_a_record_of_every_api() -> None:
    kinds = [(each.group, each.kind, each.policy_kind) for each in BACKENDS.values()]
    assert [(each.group, each.backend, each.policy) for each in apis.APIS] == kinds
    assert f"{policy_gateway_api.GROUP}/v1" == gateway_api.API_VERSION
    assert tls.HTTPS_PORT == presets.HTTPS_PORT


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key_secret": {"name": "shared"}},
        {"api_key_secret": {"name": "shared"}, "tls": {"hostname": "llm.internal"}, "port": 8443},
        {"api_key_secret": {"name": "shared"}, "tls": {"disabled": True}, "port": 8000},
        {"passthrough": True},
    ],
    ids=str,
)
def test_the_policy_pack_reads_a_backend_as_the_component_does(
    reader: BackendReader, record: apis.GatewayApi, arguments: dict[str, Any]
) -> None:
    api = next(each for each in BACKENDS if BACKENDS[each] is reader.definition)
    recording = record_component({"host": "llm.example.com", "api": api, **arguments})
    backend = recording.one(f":{reader.definition.kind}").inputs
    (provider,) = reader.read_providers(backend)
    found = objects.kubernetes_object("urn", backend)
    assert found is not None
    (upstream,) = tls.upstreams([found])
    assert (upstream.host, upstream.port, upstream.tls) == (provider.host, provider.port, provider.tls)
    auth = [value for path, value, _ in objects.walk(found.spec) if path[-1] == record.auth]
    assert [objects.get(each, record.secret, "name") for each in auth] == [provider.secret_name]
    field, setting = record.passthrough
    assert [objects.get(each, field) == setting for each in auth] == [provider.gets_callers_token]
    assert {path[-1] for path, _, _ in objects.walk(found.spec)} >= {record.llm, record.keyless}


def test_the_policy_pack_names_fields_that_a_backend_has(
    reader: BackendReader, record: apis.GatewayApi, crds: dict[str, dict[str, Any]]
) -> None:
    crd = crds[f"{reader.resources[record.backend]}.{record.group}"]
    fields = {path[-1] for path, _, _ in objects.walk(crd["spec"]["versions"]) if "properties" in path}
    named = {record.llm, record.host, record.port, record.section, record.auth, record.inline_key, record.keyless}
    assert fields >= {*named, *record.tls_hostname, record.passthrough[0]}


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
