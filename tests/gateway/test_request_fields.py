"""What reaches the provider of defaults, overrides and aliases: every value with its type."""

from typing import Any

import pytest

from tests.gateway.deployment import Deployment
from tests.gateway.test_endpoints import whole_api

VALUES: dict[str, Any] = {
    "max_tokens": 256,
    "temperature": 0.3,
    "logprobs": True,
    "store": False,
    "user": "team a",
    "number_in_text": "5",
    "boolean_in_text": "true",
    "null_in_text": "null",
    "text_like_json": '{"a',
    "quoted_text": '"a" \\ b\n',
    "leading_zero": "007",
    "snowman": "☃",
    "empty_text": "",
    "stop": ["a", 1, None, {"b": []}],
    "response_format": {"type": "json_schema", "json_schema": {"strict": True, "schema": {"maxItems": 3}}},
    "large": 9007199254740992,
    "negative": -1.5,
}


def test_defaults_and_overrides_arrive_with_their_types(deployment: Deployment) -> None:
    overrides = {f"forced_{name}": value for name, value in VALUES.items()} | {"seed": 7}
    deployment.up(requestDefaults=VALUES, requestOverrides=overrides)
    assert deployment.ask().status == 200
    expected = {**VALUES, **overrides, "model": "configured"}
    assert body(deployment) == expected

    given = {"temperature": 0.9, "seed": 1, "stop": "b", "mine": {"a": 1}}
    assert deployment.ask(body=given).status == 200
    assert body(deployment) == {**expected, **given, "seed": 7}


def test_a_caller_asks_for_a_model_by_its_alias(deployment: Deployment) -> None:
    deployment.up(model=None, modelAliases={"fast": "small-2", "best": "large-9"})
    for asked, sent in (("fast", "small-2"), ("best", "large-9"), ("other", "other")):
        assert deployment.ask(body={"model": asked}).status == 200
        assert body(deployment)["model"] == sent


@pytest.mark.parametrize("api", ["agentgateway"], indirect=True)
def test_with_fallbacks_they_reach_each_provider(deployment: Deployment) -> None:
    fallback = {"name": "second", "host": "localhost", "port": deployment.provider.port, "apiKey": "k", "model": "m"}
    deployment.up(requestOverrides={"seed": 7}, fallbacks=[fallback])
    assert deployment.ask().status == 200
    assert body(deployment) == {"model": "configured", "seed": 7}


@pytest.mark.parametrize("api", ["agentgateway"], indirect=True)
def test_responses_and_aliased_embeddings_get_them_and_what_is_passed_on_stays_as_it_is(deployment: Deployment) -> None:
    deployment.provider.behaviour = whole_api
    fields: dict[str, Any] = {"requestOverrides": {"seed": 7}, "requestDefaults": {"top_p": 0.5}}
    deployment.up(model=None, **fields, modelAliases={"asked": "m"})
    for path in ("/v1/responses", "/v1/embeddings"):
        assert deployment.ask(path, body={"input": "hi"}).status == 200
        assert body(deployment) == {"input": "hi", "model": "m", "seed": 7, "top_p": 0.5}
    assert deployment.ask("/v1/rerank", body={"input": "hi"}).status == 200
    assert body(deployment) == {"input": "hi", "model": "asked"}


@pytest.mark.parametrize("api", ["agentgateway"], indirect=True)
def test_embeddings_without_an_alias_are_passed_on(deployment: Deployment) -> None:
    deployment.provider.behaviour = whole_api
    deployment.up(model=None, requestOverrides={"seed": 7})
    assert deployment.ask("/v1/embeddings", body={"input": "hi"}).status == 200
    assert body(deployment) == {"input": "hi", "model": "asked"}


@pytest.mark.parametrize("api", ["agentgateway"], indirect=True)
def test_messages_get_what_anthropics_api_knows_before_they_are_translated(deployment: Deployment) -> None:
    fields: dict[str, Any] = {"requestOverrides": {"temperature": 0.5}, "requestDefaults": {"top_p": 0.25}}
    deployment.up(model=None, **fields, modelAliases={"asked": "m"})
    assert deployment.ask("/v1/messages", body={"max_tokens": 9, "temperature": 1.0}).status == 200
    sent = body(deployment)
    assert {"model": "m", "temperature": 0.5, "top_p": 0.25, "max_completion_tokens": 9}.items() <= sent.items()


def body(deployment: Deployment) -> dict[str, Any]:
    """The last request's, without its messages."""
    sent = deployment.provider.requests[-1].json
    return {name: value for name, value in sent.items() if name != "messages"}
