"""The HTTPRoute's spec."""

from typing import Any

import pytest

from components import BackendApi
from tests.support import seed
from tests.support.recording import Recording, record_component

REMOVE_AUTHORIZATION = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["Authorization"]}}


def route(recording: Recording) -> Any:
    return recording.spec("HTTPRoute")


def test_a_preset_and_a_key_give_the_whole_spec(
    mistral: dict[str, Any], api: BackendApi, backend_kind: str, backend_group: str
) -> None:
    expected = seed.MISTRAL["HTTPRoute"]["spec"]
    (rule,) = expected["rules"]
    backend_ref = {"name": "mistral", "namespace": "gloo-system", "group": backend_group, "kind": backend_kind}
    rules = [rule]
    if api is BackendApi.AGENTGATEWAY:
        # Its proxy sets the provider's host, and knows a chat completion by its path.
        chat, below = (
            {"type": "ReplaceFullPath", "replaceFullPath": "/v1/chat/completions"},
            {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"},
        )
        (match,) = rule["matches"]
        exact = {"path": {"type": "Exact", "value": match["path"]["value"]}}
        rules = [
            {"matches": [exact], "filters": [{"type": "URLRewrite", "urlRewrite": {"path": chat}}]},
            {"matches": [match], "filters": [{"type": "URLRewrite", "urlRewrite": {"path": below}}]},
        ]
    spec = route(record_component(mistral))
    assert spec == {**expected, "rules": [{**each, "backendRefs": [backend_ref]} for each in rules]}


def test_the_route_and_the_backend_share_the_components_namespace(mistral: dict[str, Any]) -> None:
    spec = route(record_component({**mistral, "namespace": "llm"}))
    assert spec["parentRefs"][0]["namespace"] == "llm"
    assert spec["rules"][0]["backendRefs"][0]["namespace"] == "llm"


@pytest.mark.parametrize(
    ("gateway", "parent"),
    [
        ({"name": "edge", "namespace": "gateways"}, {"name": "edge", "namespace": "gateways"}),
        ({"name": "edge"}, {"name": "edge", "namespace": "llm"}),
        ({"section_name": "https"}, {"name": "agentgateway", "namespace": "llm", "sectionName": "https"}),
    ],
)
def test_the_route_attaches_to_the_gateway(
    gateway: dict[str, str], parent: dict[str, str], mistral: dict[str, Any]
) -> None:
    assert route(record_component({**mistral, "namespace": "llm", "gateway": gateway}))["parentRefs"] == [parent]


def test_the_route_matches_its_host_names(mistral: dict[str, Any]) -> None:
    assert route(record_component({**mistral, "hostnames": ["llm.example.com"]}))["hostnames"] == ["llm.example.com"]


@pytest.mark.parametrize(("given", "prefix"), [({}, "/eu"), ({"route_path": "/llm/mistral"}, "/llm/mistral")])
def test_the_route_path_is_the_components_name_by_default(
    given: dict[str, str], prefix: str, mistral: dict[str, Any]
) -> None:
    *_, rule = route(record_component({**mistral, **given}, "eu"))["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": prefix}}]


@pytest.mark.parametrize("api", [BackendApi.KGATEWAY])
def test_the_host_header_is_rewritten_to_the_host_that_was_given(mistral: dict[str, Any]) -> None:
    (rule,) = route(record_component({**mistral, "host": "eu.example.com"}))["rules"]
    assert rule["filters"] == [{"type": "URLRewrite", "urlRewrite": {"hostname": "eu.example.com"}}]


@pytest.mark.parametrize("api", [BackendApi.KGATEWAY])
def test_without_rewriting_the_route_has_no_filters(mistral: dict[str, Any]) -> None:
    assert "filters" not in route(record_component({**mistral, "rewrite_host": False}))["rules"][0]


@pytest.mark.parametrize(
    ("args", "removed"),
    [
        ({}, False),
        ({"auth_header": {"prefix": "Token"}}, False),
        ({"auth_header": {"header_name": "authorization"}}, False),
        ({"auth_header": {"header_name": "api-key"}}, True),
        ({"api_key": None, "passthrough": True}, False),
    ],
)
@pytest.mark.parametrize("api", [BackendApi.AGENTGATEWAY])
def test_with_the_key_in_another_header_the_callers_authorization_is_removed(
    args: dict[str, Any], removed: bool, mistral: dict[str, Any]
) -> None:
    filters = route(record_component({**mistral, **args}))["rules"][0]["filters"]
    assert (REMOVE_AUTHORIZATION in filters) is removed


@pytest.mark.parametrize(
    ("args", "host"),
    [
        ({"base_url": "http://10.0.0.7:8000/v1"}, "10.0.0.7"),
        ({"base_url": "https://10.0.0.7:8443/v1", "tls": {"hostname": "llm.internal"}}, "llm.internal"),
        ({"host": "10.0.0.7", "port": 8000, "tls": {"disabled": True}, "endpoints": "chat"}, "10.0.0.7"),
        ({"base_url": "http://vllm.models:8000/v1"}, None),
        ({"base_url": "http://10.example:8000/v1"}, None),
    ],
)
@pytest.mark.parametrize("api", [BackendApi.AGENTGATEWAY])
def test_a_provider_given_by_its_address_gets_its_own_host_in_the_one_rewrite_of_each_rule(
    args: dict[str, Any], host: str | None, api: BackendApi, api_key: str
) -> None:
    for key in ({"api_key": api_key}, {"keyless": True}):
        rules = route(record_component({**args, **key, "api": api}))["rules"]
        rewrites = [[each["urlRewrite"] for each in rule["filters"] if each["type"] == "URLRewrite"] for rule in rules]
        assert [len(each) for each in rewrites] == [1, 1]
        assert [each.get("hostname") for (each,) in rewrites] == [host, host]
        assert [each["path"]["type"] for (each,) in rewrites] == ["ReplaceFullPath", "ReplacePrefixMatch"]
