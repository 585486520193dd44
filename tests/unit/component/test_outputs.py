from typing import Any

import pulumi
import pytest

from components import BackendApi
from tests.support.recording import record_component

POLICY = {BackendApi.KGATEWAY: {"tlsPolicyName": "mistral-tls"}, BackendApi.AGENTGATEWAY: {"policyName": "mistral"}}


def test_the_outputs_name_the_provider_and_the_objects(mistral: dict[str, Any], api: BackendApi) -> None:
    assert record_component({**mistral, "model": "mistral-medium-latest"}).component_outputs() == {
        "path": "/mistral",
        "host": "api.mistral.ai",
        "model": "mistral-medium-latest",
        "models": [],
        "namespace": "gloo-system",
        "secretName": "mistral-secret",
        "backendName": "mistral",
        "routeName": "mistral",
        **POLICY[api],
    }


@pytest.mark.parametrize("as_output", [False, True])
@pytest.mark.parametrize(
    ("gateway_url", "route_path", "hostnames", "url"),
    [
        ("https://llm.example.com", "/mistral", [], "https://llm.example.com/mistral/v1"),
        ("http://127.0.0.1:8080/", "/llm/eu", [], "http://127.0.0.1:8080/llm/eu/v1"),
        ("https://example.com/gateway", "/", [], "https://example.com/gateway/v1"),
        ("https://llm.example.com", "/m", ["llm.example.com"], "https://llm.example.com/m/v1"),
        ("https://LLM.example.com", "/m", ["*.example.com"], "https://LLM.example.com/m/v1"),
        ("https://10.0.0.7:8443", "/m", ["*.example.com", "llm.example.com"], "https://llm.example.com:8443/m/v1"),
        ("https://10.0.0.7", "/m", ["*.example.com"], None),
        ("https://example.com", "/m", ["*.example.com"], None),
        (None, "/m", ["llm.example.com"], None),
    ],
)
def test_the_url_is_one_by_which_an_openai_client_reaches_the_route(
    gateway_url: str | None,
    route_path: str,
    hostnames: list[str],
    url: str | None,
    as_output: bool,
    mistral: dict[str, Any],
) -> None:
    def args() -> dict[str, Any]:
        given = pulumi.Output.from_input(gateway_url) if as_output and gateway_url else gateway_url
        return {**mistral, "route_path": route_path, "hostnames": hostnames, "gateway": {"url": given}}

    assert record_component(args).component_outputs().get("url") == url
