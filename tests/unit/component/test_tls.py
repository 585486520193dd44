"""TLS to the provider: kgateway's BackendTLSPolicy, and what agentgateway has in the backend itself."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components import BackendApi
from tests.support import seed
from tests.support.recording import Recording, record_component
from tests.unit.example_component import invalid_arguments

KGATEWAY, AGENTGATEWAY = BackendApi.KGATEWAY, BackendApi.AGENTGATEWAY


def tls(recording: Recording, api: BackendApi) -> Any:
    """What the provider's certificate is checked against; None without TLS."""
    if api is AGENTGATEWAY:
        assert "BackendTLSPolicy" not in recording.kinds()
        assert "tlsPolicyName" not in recording.component_outputs()
        return recording.spec("AgentgatewayBackend")["policies"].get("tls")
    if "BackendTLSPolicy" not in recording.kinds():
        assert "tlsPolicyName" not in recording.component_outputs()
        return None
    return recording.spec("BackendTLSPolicy")["validation"]


@pytest.mark.parametrize("api", [KGATEWAY])
def test_a_preset_gives_the_whole_spec_of_the_policy(
    mistral: dict[str, Any], backend_kind: str, backend_group: str
) -> None:
    target = {"name": "mistral", "kind": backend_kind, "group": backend_group}
    expected = {**seed.MISTRAL["BackendTLSPolicy"]["spec"], "targetRefs": [target]}
    assert record_component(mistral).spec("BackendTLSPolicy") == expected


def test_the_certificate_must_be_for_the_host_that_was_given(mistral: dict[str, Any], api: BackendApi) -> None:
    expected = {
        KGATEWAY: {"hostname": "eu.example.com", "wellKnownCACertificates": "System"},
        AGENTGATEWAY: {"sni": "eu.example.com"},
    }
    assert tls(record_component({**mistral, "host": "eu.example.com"}), api) == expected[api]


def test_the_certificate_may_have_another_name_and_authority(host: dict[str, Any], api: BackendApi) -> None:
    given = {"hostname": "llm.internal", "ca_certificate_configmap": "house-ca"}
    expected = {
        KGATEWAY: {
            "hostname": "llm.internal",
            "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "house-ca"}],
        },
        AGENTGATEWAY: {"sni": "llm.internal", "caCertificateRefs": [{"name": "house-ca"}]},
    }
    assert tls(record_component({**host, "host": "10.0.0.7", "tls": given}), api) == expected[api]


@pytest.mark.parametrize(
    "args",
    [
        {"base_url": "http://vllm.models:8000/v1"},
        {"host": "vllm.models", "port": 8000, "tls": {"disabled": True}},
    ],
)
def test_plain_http_has_no_tls_and_on_agentgateway_is_http_1_1_whatever_the_client_speaks(
    args: dict[str, Any], api: BackendApi, api_key: str, backend_kind: str
) -> None:
    recording = record_component({**args, "api_key": api_key, "api": api})
    assert tls(recording, api) is None
    http = {KGATEWAY: None, AGENTGATEWAY: {"version": "HTTP1"}}
    assert recording.spec(backend_kind).get("policies", {}).get("http") == http[api]


def test_a_provider_by_tls_negotiates_its_version_of_http(mistral: dict[str, Any], backend_kind: str) -> None:
    assert "http" not in record_component(mistral).spec(backend_kind).get("policies", {})


def test_tls_that_is_not_disabled_is_the_default(mistral: dict[str, Any]) -> None:
    explicit = record_component({**mistral, "tls": {"disabled": False}})
    assert explicit.objects() == record_component(mistral).objects()


def late_base_url(url: str, **args: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {"base_url": pulumi.Output.from_input(url), **args}


def test_a_base_url_that_is_an_output_has_tls_by_its_scheme(api: BackendApi, api_key: str) -> None:
    args = {"api_key": api_key, "api": api}
    assert tls(record_component(late_base_url("https://vllm:8443/v1", **args)), api)
    assert tls(record_component(late_base_url("http://vllm:8000/v1", tls={"disabled": True}, **args)), api) is None


@pytest.mark.parametrize("api", [AGENTGATEWAY])
def test_on_agentgateway_a_base_url_may_turn_out_to_be_http(api: BackendApi, api_key: str) -> None:
    late = record_component(late_base_url("http://vllm:8000/v1", api_key=api_key, api=api))
    known = record_component({"base_url": "http://vllm:8000/v1", "api_key": api_key, "api": api})
    assert late.objects() == known.objects()


@pytest.mark.parametrize("api", [KGATEWAY])
def test_on_kgateway_a_base_url_that_turns_out_to_be_http_is_refused_because_the_policy_is_decided(
    api: BackendApi, api_key: str
) -> None:
    error = invalid_arguments(late_base_url("http://vllm:8000/v1", api_key=api_key, api=api))
    assert str(error).split("\n  - ", 1)[1] == (
        "base_url: an output that turned out to be http when TLS was already set up; give `host`, `port`, `path` and "
        "`tls.disabled` instead"
    )
