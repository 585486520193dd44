"""A chat completion through the real gateways: what reaches the provider, and what comes back."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from tests.gateway.deployment import KEY, SECONDS_BETWEEN_TRIES, TRIES, Deployment
from tests.gateway.openai_provider import Exchange, completion_events
from tests.support.question import QUESTION

agentgateway_only = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)


def test_the_walk_through_for_mistral_ends_in_a_completion(deployment: Deployment) -> None:
    deployment.up(preset="mistral")
    for path in ("", "/v1/chat/completions"):
        answered = deployment.ask(path)
        assert answered.status == 200, answered.data
        assert answered.json()["choices"][0]["message"]["content"] == "Hello, world!"
    assert len(deployment.provider.requests) == 2
    for request in deployment.provider.requests:
        assert (request.path, request.server_name) == ("/v1/chat/completions", "localhost")
        assert (request.authorization, request.json["model"]) == (f"Bearer {KEY}", "configured")
        assert request.host.partition(":")[0] == "localhost"


@pytest.mark.parametrize("api", ["kgateway"], indirect=True)
def test_the_walk_through_for_deepseek_leaves_the_gateways_host_to_the_provider(deployment: Deployment) -> None:
    deployment.up(preset="deepseek", rewriteHost=False)
    assert deployment.ask("").status == 200
    (request,) = deployment.provider.requests
    assert request.host == deployment.gateway.url.removeprefix("http://")
    assert (request.path, request.authorization) == ("/v1/chat/completions", f"Bearer {KEY}")


def test_without_a_model_the_requests_own_goes_to_the_provider(deployment: Deployment) -> None:
    deployment.up(model=None)
    assert deployment.ask().json()["model"] == "asked"
    assert deployment.provider.requests[0].json["model"] == "asked"


def test_a_token_is_streamed_before_the_next_one_is_there(deployment: Deployment) -> None:
    first_token_read = threading.Event()

    def stream(exchange: Exchange) -> None:
        def events() -> Iterator[str]:
            first, *others = completion_events(exchange.request_)
            yield first
            assert first_token_read.wait(20), "nobody read the first token"
            yield from others

        exchange.stream(events())

    deployment.up()
    deployment.provider.behaviour = stream
    with urllib3.PoolManager(retries=False, timeout=30) as pool:
        answer = pool.request("POST", deployment.url, json={**QUESTION, "stream": True}, preload_content=False)
        lines = (line for line in answer if line.startswith(b"data:"))
        assert b"Hello" in next(lines)
        first_token_read.set()
        assert b"[DONE]" in list(lines)[-1]


@agentgateway_only
def test_a_key_in_a_header_of_its_own_goes_there_and_the_callers_authorization_nowhere(deployment: Deployment) -> None:
    deployment.up(authHeader={"headerName": "api-key"})
    assert deployment.ask(headers={"Authorization": "Bearer the-callers"}).status == 200
    (request,) = deployment.provider.requests
    assert (request.headers["api-key"], request.authorization) == (KEY, None)


@agentgateway_only
def test_a_prefix_of_its_own_stands_before_the_key(deployment: Deployment) -> None:
    deployment.up(authHeader={"prefix": "Token"})
    assert deployment.ask().status == 200
    assert deployment.provider.keys() == {f"Token {KEY}"}


def test_with_passthrough_the_callers_token_reaches_the_provider(deployment: Deployment) -> None:
    deployment.up(apiKey=None, passthrough=True)
    assert deployment.ask(headers={"Authorization": "Bearer the-callers"}).status == 200
    assert deployment.provider.keys() == {"Bearer the-callers"}


def test_a_route_answers_to_its_hostnames_at_its_listener_and_to_no_others(deployment: Deployment) -> None:
    gateway = {"name": deployment.gateway.name, "namespace": deployment.gateway.namespace, "sectionName": "http"}
    deployment.up(hostnames=["llm.example.com"], gateway=gateway)
    assert deployment.ask(headers={"Host": "llm.example.com"}).status == 200
    assert deployment.ask(headers={"Host": "other.example.com"}).status == 404
    deployment.up(hostnames=["llm.example.com"], gateway={**gateway, "sectionName": "https"})
    deployment.until(404, headers={"Host": "llm.example.com"})


def test_a_longer_path_goes_before_a_shorter_one_and_a_host_name_before_any_path(deployment: Deployment) -> None:
    outer, host = f"{deployment.route_path}/outer", f"{deployment.namespace}.example.com"
    places: dict[str, dict[str, Any]] = {
        "outer": {"routePath": outer},
        "inner": {"routePath": f"{outer}/inner"},
        "named": {"hostnames": [host]},
    }
    deployment.write({name: deployment.config(model=name, endpoints="chat", **place) for name, place in places.items()})
    deployment.project.up()

    def is_answered_by(model: str, path: str, **headers: str) -> None:
        for _ in range(TRIES):
            deployment.until(200, path=f"{path}/v1/chat/completions", headers=headers)
            answered = deployment.provider.requests[-1].json["model"]
            if answered == model:
                return
            time.sleep(SECONDS_BETWEEN_TRIES)
        raise AssertionError(f"{path} {headers}: answered by {answered}")

    is_answered_by("outer", "/outer")
    is_answered_by("outer", "/outer/inner2")
    is_answered_by("inner", "/outer/inner")
    is_answered_by("named", "/outer/inner", Host=host)
