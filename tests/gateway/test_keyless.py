"""Providers that take no key, on the real agentgateway: they get none, and not the caller's either."""

from typing import Any

import pytest

from tests.gateway.clients import WEB, bearer, clients
from tests.gateway.deployment import KEY, Deployment
from tests.gateway.openai_provider import OpenAIProvider, failing
from tests.gateway.test_fallbacks import SECOND_KEY, fallback

pytestmark = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)

THE_CALLERS = {"Authorization": "Bearer the-callers"}
PLAIN_HTTP: dict[str, Any] = {"tls": {"disabled": True}}
KEYLESS: dict[str, Any] = {"apiKey": None, "keyless": True}


def without_key(fallback: dict[str, Any]) -> dict[str, Any]:
    return {**{name: value for name, value in fallback.items() if name != "apiKey"}, "keyless": True}


@pytest.mark.parametrize("endpoints", ["chat", "all"])
def test_a_provider_without_a_key_gets_none_and_not_the_callers(deployment: Deployment, endpoints: str) -> None:
    deployment.provider.tls = None
    deployment.up(**KEYLESS, **PLAIN_HTTP, endpoints=endpoints)
    for path in ("", "/v1/chat/completions"):
        assert deployment.ask(path, headers=THE_CALLERS).status == 200
    assert deployment.provider.keys() == {None}
    chat = deployment.project.chat()
    assert chat.returncode == 0, chat.stderr


def test_a_client_needs_its_key_for_a_provider_that_takes_none(deployment: Deployment) -> None:
    deployment.up(**KEYLESS, clients=clients(web=WEB))
    deployment.until(401)
    assert deployment.until(200, headers=bearer(WEB)).status == 200
    assert deployment.provider.keys() == {None}


def test_it_may_be_the_first_of_two_of_which_the_second_has_a_key_and_tls(
    deployment: Deployment, other_provider: OpenAIProvider
) -> None:
    deployment.provider.tls = None
    deployment.up(**KEYLESS, **PLAIN_HTTP, fallbacks=[fallback(other_provider)])
    assert deployment.ask(headers=THE_CALLERS).json()["model"] == "configured"
    deployment.provider.behaviour = failing(500)
    assert deployment.ask(headers=THE_CALLERS).json()["model"] == "of-second"
    assert deployment.provider.keys() == {None}
    assert other_provider.keys() == {f"Bearer {SECOND_KEY}"}
    assert other_provider.requests[0].server_name == "localhost"


def test_it_may_be_the_second_of_two(deployment: Deployment, other_provider: OpenAIProvider) -> None:
    other_provider.tls = None
    deployment.up(fallbacks=[without_key(fallback(other_provider, **PLAIN_HTTP))])
    assert deployment.ask(headers=THE_CALLERS).json()["model"] == "configured"
    deployment.provider.behaviour = failing(500)
    assert deployment.ask(headers=THE_CALLERS).json()["model"] == "of-second"
    assert deployment.provider.keys() == {f"Bearer {KEY}"}
    assert other_provider.keys() == {None}
