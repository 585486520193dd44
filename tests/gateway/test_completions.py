"""A chat completion through the real gateways: what reaches the provider, and what comes back."""

from typing import Any

import pytest
import urllib3

from tests.gateway.installation import Installation
from tests.gateway.openai_provider import OpenAIProvider
from tests.gateway.project import Project

APIS = ("kgateway", "agentgateway")
KEY = "sk-canary-gateway-5c1d"
QUESTION = {"model": "asked", "messages": [{"role": "user", "content": "hi"}]}


def settings(installation: Installation, api: str, namespace: str) -> dict[str, Any]:
    """The stack's, for the gateway of this API."""
    gateway = installation.gateways[api]
    return {
        "api": api,
        "namespace": namespace,
        "gateway": {"name": gateway.name, "namespace": gateway.namespace, "url": gateway.url},
    }


def ask(url: str, **more: Any) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(retries=False, timeout=20) as pool:
        return pool.request("POST", url, json={**QUESTION, **more.pop("body", {})}, **more)


@pytest.mark.parametrize("api", APIS)
def test_a_walk_through_ends_in_a_completion(
    api: str, project: Project, installation: Installation, namespace: str, provider: OpenAIProvider
) -> None:
    mistral = {
        "host": "localhost",
        "port": provider.port,
        "preset": "mistral",
        "model": "m",
        "apiKey": KEY,
        "routePath": f"/{namespace}",
    }
    project.write({"mistral": mistral}, **settings(installation, api, namespace))
    project.up()
    gateway = installation.gateways[api].url
    for path in ("", "/v1/chat/completions"):
        answered = ask(f"{gateway}/{namespace}{path}")
        assert answered.status == 200, answered.data
        assert answered.json()["choices"][0]["message"]["content"] == "Hello, world!"
    for request in provider.requests:
        assert (request.path, request.server_name, request.json["model"]) == ("/v1/chat/completions", "localhost", "m")
        assert request.authorization == f"Bearer {KEY}"
        assert request.host.partition(":")[0] == "localhost"
