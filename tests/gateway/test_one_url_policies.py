"""What holds at a provider's own URL holds at the shared one: clients' keys, limits, timeouts, retries, fallbacks."""

from typing import Any

import pytest

from tests.gateway.clients import CRON, WEB, WITHOUT_KEY, WRONG_KEY, bearer, clients
from tests.gateway.deployment import KEY
from tests.gateway.one_url import PATH, PATHS, OneUrl, asked_for, error_of
from tests.gateway.openai_provider import OpenAIProvider, completion, failing, silent
from tests.gateway.test_endpoints import whole_api
from tests.gateway.test_fallbacks import SECOND_KEY, fallback, streamed_models

MODELS: dict[str, Any] = {"models": ["gpt-5", "gpt-5-mini"]}


def test_a_providers_clients_need_their_keys_and_other_providers_and_the_list_need_none(
    one_url: OneUrl, other_provider: OpenAIProvider
) -> None:
    one = one_url.config(**MODELS, clients=clients(web=WEB, cron=CRON))
    one_url.deploy({"one": one, "two": one_url.config(other_provider, models=["mistral-*"])})
    one_url.until(200, body={"model": "gpt-5"}, headers=bearer(WEB))
    one_url.until_served("mistral-small")
    one_url.provider.requests.clear()

    for path in PATHS:
        for headers, refusal in (({}, WITHOUT_KEY), (bearer("wrong" * 5), WRONG_KEY), (bearer(KEY), WRONG_KEY)):
            answer = one_url.ask(path, body={"model": "gpt-5"}, headers=headers)
            assert (answer.status, answer.data.decode()) == (401, refusal)
    assert one_url.provider.requests == []
    for key in (WEB, CRON):
        assert one_url.ask(body={"model": "gpt-5"}, headers=bearer(key)).status == 200
    assert one_url.provider.keys() == {f"Bearer {KEY}"}
    assert one_url.ask(body={"model": "mistral-small"}).status == 200
    one_url.until_listed("gpt-5", "gpt-5-mini")


@pytest.mark.parametrize("limit", [{"requests": 3, "per": "hour"}, {"tokens": 15, "per": "hour"}])
def test_a_providers_limit_is_for_its_models_alone(
    one_url: OneUrl, other_provider: OpenAIProvider, limit: dict[str, Any]
) -> None:
    one = one_url.config(**MODELS, rateLimits=[limit])
    one_url.deploy({"one": one, "two": one_url.config(other_provider, models=["mistral-*"])})
    one_url.until_served("mistral-small")
    one_url.until(200, body={"model": "gpt-5"})
    refused = one_url.until(429, body={"model": "gpt-5-mini"})
    assert refused.data == b"rate limit exceeded"
    # The answer that uses the tokens up is still given, and each has seven.
    assert len(one_url.provider.requests) == 3
    assert one_url.ask(body={"model": "mistral-small"}).status == 200


def test_a_timeout_ends_a_wait_and_a_failed_request_is_sent_again(one_url: OneUrl) -> None:
    retries = {"attempts": 2, "statusCodes": [503], "backoffMilliseconds": 1}
    one_url.deploy({"one": one_url.config(**MODELS, retries=retries, requestTimeoutSeconds=2)})
    one_url.until_served("gpt-5")
    one_url.provider.requests.clear()
    left = [failing(503), failing(503)]
    one_url.provider.behaviour = lambda exchange: (left.pop() if left else completion)(exchange)
    assert one_url.ask(body={"model": "gpt-5"}).status == 200
    assert asked_for(one_url.provider) == ["gpt-5"] * 3
    one_url.provider.behaviour = silent
    assert one_url.ask(body={"model": "gpt-5"}).status == 504


def test_a_provider_that_fails_is_replaced_by_its_fallback(one_url: OneUrl, other_provider: OpenAIProvider) -> None:
    one_url.deploy({"one": one_url.config(**MODELS, fallbacks=[fallback(other_provider)], retries={"attempts": 2})})
    one_url.until_served("gpt-5")
    assert other_provider.requests == []
    one_url.provider.behaviour = failing(500)
    with one_url.load_on("gpt-5") as load:
        load.wait_for(60)
    assert load.lost == {}
    assert streamed_models(one_url.ask(body={"model": "gpt-5", "stream": True}).data) == ["of-second"] * 5
    assert set(asked_for(other_provider)) == {"of-second"}
    assert other_provider.keys() == {f"Bearer {SECOND_KEY}"}
    assert set(asked_for(one_url.provider)) == {"gpt-5"}


def test_request_fields_reach_the_provider(one_url: OneUrl) -> None:
    fields: dict[str, Any] = {"requestOverrides": {"seed": 7}, "requestDefaults": {"temperature": 0.5}}
    one_url.provider.behaviour = whole_api
    one_url.deploy({"one": one_url.config(**MODELS, **fields)})
    one_url.until_served("gpt-5")
    for path in (*PATHS, "/v1/responses"):
        assert one_url.ask(path, body={"model": "gpt-5", "input": "hi", "seed": 1}).status == 200
        sent = one_url.provider.requests[-1].json
        assert (sent["seed"], sent["temperature"]) == (7, 0.5)


def test_hostnames_of_a_provider_hold_and_the_error_is_there_for_all(
    one_url: OneUrl, other_provider: OpenAIProvider
) -> None:
    host = {"Host": "llm.example.com"}
    providers = {
        "one": one_url.config(models=["gpt-5"], hostnames=[host["Host"]]),
        "two": one_url.config(other_provider, models=["mistral-*"]),
    }
    one_url.deploy(providers)
    one_url.until_served("mistral-small")
    one_url.until_listed("gpt-5")
    one_url.until(200, body={"model": "gpt-5"}, headers=host)
    error = error_of(one_url.ask(body={"model": "gpt-5"}))
    assert error is not None
    assert '"gpt-5"' in error["message"]
    assert one_url.listed(**host) == one_url.listed() == [("gpt-5", "one")]
    assert one_url.listed(f"{PATH}/models") == [("gpt-5", "one")]
