"""The BackendTLSPolicy's spec, and when there is none."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components import BackendApi, InvalidArguments
from tests import seed
from tests.unit.recording import record_component


def test_a_preset_gives_the_whole_spec(mistral: dict[str, Any], backend_kind: str, backend_group: str) -> None:
    target = {"name": "mistral", "kind": backend_kind, "group": backend_group}
    expected = {**seed.MISTRAL["BackendTLSPolicy"]["spec"], "targetRefs": [target]}
    assert record_component(mistral).spec("BackendTLSPolicy") == expected


def test_the_certificate_must_be_for_the_host_that_was_given(mistral: dict[str, Any]) -> None:
    spec = record_component({**mistral, "host": "eu.example.com"}).spec("BackendTLSPolicy")
    assert spec["validation"]["hostname"] == "eu.example.com"


def test_the_certificate_may_have_another_name_and_authority(host: dict[str, Any]) -> None:
    tls = {"hostname": "llm.internal", "ca_certificate_configmap": "house-ca"}
    assert record_component({**host, "host": "10.0.0.7", "tls": tls}).spec("BackendTLSPolicy")["validation"] == {
        "hostname": "llm.internal",
        "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "house-ca"}],
    }


@pytest.mark.parametrize(
    "args",
    [
        {"base_url": "http://vllm.models:8000/v1"},
        {"host": "vllm.models", "port": 8000, "tls": {"disabled": True}},
    ],
)
def test_plain_http_creates_no_tls_policy(
    args: dict[str, Any], api: BackendApi, api_key: str, backend_kind: str
) -> None:
    recording = record_component({**args, "api_key": api_key, "api": api})
    assert recording.kinds() == ["Secret", backend_kind, "HTTPRoute"]
    assert "tlsPolicyName" not in recording.component_outputs()


def test_tls_that_is_not_disabled_is_the_default(mistral: dict[str, Any]) -> None:
    explicit = record_component({**mistral, "tls": {"disabled": False}})
    assert explicit.objects() == record_component(mistral).objects()


def late_base_url(url: str, **args: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {"base_url": pulumi.Output.from_input(url), **args}


def test_a_base_url_that_is_an_output_must_be_https_unless_tls_is_disabled(api: BackendApi, api_key: str) -> None:
    args = {"api_key": api_key, "api": api}
    https = record_component(late_base_url("https://vllm:8443/v1", **args))
    assert https.kinds().count("BackendTLSPolicy") == 1
    disabled = record_component(late_base_url("http://vllm:8000/v1", tls={"disabled": True}, **args))
    assert disabled.kinds().count("BackendTLSPolicy") == 0
    with pytest.raises(InvalidArguments, match="base_url: an output that turned out to be http"):
        record_component(late_base_url("http://vllm:8000/v1", **args))
