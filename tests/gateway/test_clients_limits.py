"""Limits of clients that the real agentgateway counts by itself: a bucket for each client on each route."""

from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from tests.gateway.clients import CRON, LIMITED, NEW, OTHER, TOKENS_OF_AN_ANSWER, WEB, bearer, client
from tests.gateway.deployment import Deployment
from tests.gateway.load import Load
from tests.gateway.one_url import OneUrl
from tests.gateway.openai_provider import OpenAIProvider
from tests.gateway.test_endpoints import whole_api
from tests.support.question import ask

agentgateway_only = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)

BATCH = "canary-client-batch-2f9b61d7c8"
LIMITS: dict[str, tuple[str, dict[str, Any], int]] = {
    "web": (WEB, {"requests": 3, "per": "hour"}, 3),
    "cron": (CRON, {"requests": 2, "per": "hour", "burst": 3}, 5),
    # The answer that uses the tokens up is still given.
    "batch": (BATCH, {"tokens": 2 * TOKENS_OF_AN_ANSWER + 1, "per": "hour"}, 3),
}
"""Key and limit of each client, and how many requests it lets through."""
MORE = 3
MANY = 20


def is_limited(answer: urllib3.BaseHTTPResponse) -> bool:
    return (answer.status, answer.data.decode()) == (429, LIMITED)


@agentgateway_only
def test_a_client_at_its_limit_leaves_the_others_alone(deployment: Deployment) -> None:
    limited = {name: client(key, limits=limit) for name, (key, limit, _) in LIMITS.items()}
    deployment.up(clients={**limited, "other": client(OTHER)})
    deployment.until(200, headers=bearer(OTHER))
    deployment.provider.requests.clear()
    for name, (key, _, count) in LIMITS.items():
        assert [deployment.ask(headers=bearer(key)).status for _ in range(count)] == [200] * count, name
        assert all(is_limited(deployment.ask(headers=bearer(key))) for _ in range(MORE)), name
        assert deployment.ask(headers=bearer(OTHER)).status == 200
    assert [deployment.ask(headers=bearer(OTHER)).status for _ in range(MANY)] == [200] * MANY
    served = sum(count for _, _, count in LIMITS.values()) + len(LIMITS) + MANY
    assert len(deployment.provider.requests) == served


@agentgateway_only
def test_tokens_of_messages_are_counted_with_those_of_chat_completions(deployment: Deployment) -> None:
    deployment.provider.behaviour = whole_api
    limit = {"tokens": 2 * TOKENS_OF_AN_ANSWER, "per": "hour"}
    deployment.up(model=None, clients={"web": client(WEB, limits=limit), "other": client(OTHER)})
    deployment.until(200, headers=bearer(OTHER))
    counted = ("/v1/messages", "/v1/chat/completions")
    for path in counted:
        assert deployment.ask(path, headers=bearer(WEB), body={"max_tokens": 9}).status == 200
    for path in counted:
        assert is_limited(deployment.ask(path, headers=bearer(WEB), body={"max_tokens": 9}))
    # What the gateway only passes on has no tokens.
    assert deployment.ask("/v1/rerank", headers=bearer(WEB)).status == 200


def test_a_client_has_a_bucket_of_its_own_on_each_route_and_one_for_both_urls_of_a_provider(
    one_url: OneUrl, other_provider: OpenAIProvider
) -> None:
    three = {"requests": 3, "per": "hour"}
    limited = {"web": client(WEB, limits=three), "cron": client(CRON, limits=three)}
    one_url.settings = {"clients": {**limited, "other": client(OTHER)}}
    two = one_url.config(other_provider, models=["mistral-*"])
    one_url.deploy({"one": one_url.config(models=["gpt-5"]), "two": two})
    one_url.until_served("gpt-5", "mistral-small", **bearer(OTHER))
    for provider in (one_url.provider, other_provider):
        provider.requests.clear()
    # Neither the error nor the list uses anything up.
    one_url.until(404, body={"model": "nobodys"}, headers=bearer(WEB))
    one_url.until_listed("gpt-5", **bearer(WEB))

    def sends(key: str, path: str, model: str) -> Callable[[], urllib3.BaseHTTPResponse]:
        url = f"{one_url.gateway.url}{path}/v1/chat/completions"
        return lambda: ask(url, {"model": model}, headers=bearer(key))

    one, shared_one = sends(WEB, "/one", "gpt-5"), sends(WEB, "/llm", "gpt-5")
    assert [each().status for each in (one, shared_one, one)] == [200] * 3
    assert is_limited(one())
    assert is_limited(shared_one())
    shared_two = sends(WEB, "/llm", "mistral-small")
    assert [shared_two().status for _ in range(3)] == [200] * 3
    assert is_limited(shared_two())
    assert [each().status for each in (sends(CRON, "/one", "gpt-5"), sends(CRON, "/llm", "mistral-small"))] == [200] * 2
    assert (len(one_url.provider.requests), len(other_provider.requests)) == (4, 4)
    assert one_url.ask(body={"model": "nobodys"}, headers=bearer(WEB)).status == 404


@agentgateway_only
def test_limits_come_change_and_go_and_the_others_lose_no_request(deployment: Deployment) -> None:
    def up(*limits: dict[str, Any]) -> str:
        return deployment.up(
            model=None, clients={"web": client(WEB, limits=list(limits)), "other": client(OTHER), "new": client(NEW)}
        )

    up()
    deployment.until(200, headers=bearer(WEB))
    with Load(deployment.url, headers=bearer(OTHER)) as others:
        # The policy, which has the limit; the clients' Secret stays.
        assert "1 updated" in up({"requests": 2, "per": "hour"})
        assert is_limited(deployment.until(429, headers=bearer(WEB)))
        assert "1 updated" in up({"requests": 3, "per": "hour"})
        deployment.until(200, headers=bearer(WEB))
        assert is_limited(deployment.until(429, headers=bearer(WEB)))
        assert "1 updated" in up()
        deployment.until(200, headers=bearer(WEB))
        assert [deployment.ask(headers=bearer(WEB)).status for _ in range(MANY)] == [200] * MANY
        others.wait_for(1)
    assert others.lost == {}
