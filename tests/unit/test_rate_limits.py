"""How much a route takes: its own limit, which all of its clients share."""

from typing import Any

import pulumi
import pytest

from tests.unit.example_component import ExampleComponent

MISTRAL = ExampleComponent(preset="mistral", api_key="sk-canary-of-the-provider-1", api="agentgateway")
KGATEWAY: dict[str, Any] = {"api": "kgateway"}
TARGET = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "mistral"}
CHAT = {"endpoints": "chat"}


def policy(**args: Any) -> Any:
    kind = "TrafficPolicy" if args.get("api") == "kgateway" else "AgentgatewayPolicy"
    return MISTRAL.record(**args).spec(kind)


@pytest.mark.parametrize(
    ("limit", "emitted"),
    [
        ({"requests": 10, "per": "second"}, {"requests": 10, "unit": "Seconds"}),
        ({"requests": 10, "per": "minute", "burst": 5}, {"requests": 10, "unit": "Minutes", "burst": 5}),
        ({"tokens": 100_000, "per": "hour", "burst": 0}, {"tokens": 100_000, "unit": "Hours"}),
        ({"tokens": 10.0, "per": "hour"}, {"tokens": 10, "unit": "Hours"}),
    ],
)
def test_agentgateway_gets_each_limit_with_its_unit(limit: dict[str, Any], emitted: dict[str, Any]) -> None:
    assert policy(**CHAT, rate_limits=[limit])["traffic"] == {"rateLimit": {"local": [emitted]}}

    def late() -> dict[str, Any]:
        return {"rate_limits": [{name: pulumi.Output.from_input(value) for name, value in limit.items()}]}

    assert MISTRAL.record(late).spec("AgentgatewayPolicy") == policy(rate_limits=[limit])


@pytest.mark.parametrize(
    ("limit", "bucket"),
    [
        ({"requests": 10, "per": "second"}, (10, 10, "1s")),
        ({"requests": 10, "per": "minute", "burst": 5}, (15, 10, "60s")),
        ({"requests": 10, "per": "hour"}, (10, 10, "3600s")),
    ],
)
def test_kgateway_gets_the_limit_as_a_bucket(limit: dict[str, Any], bucket: tuple[int, int, str]) -> None:
    most, fill, interval = bucket
    expected = {"maxTokens": most, "tokensPerFill": fill, "fillInterval": interval}
    assert policy(**KGATEWAY, rate_limits=[limit]) == {
        "targetRefs": [TARGET],
        "rateLimit": {"local": {"tokenBucket": expected}},
    }


MINUTE = {"per": "minute"}


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ([MINUTE], "rate_limits[0]: has no limit; give `requests` or `tokens`"),
        (
            [{**MINUTE, "requests": 1, "tokens": 1}],
            "rate_limits[0]: has `requests` and `tokens`; give one of them",
        ),
        ([{"requests": 1}], "rate_limits[0].per: required"),
        (
            [{"requests": 1, "per": "week"}],
            'rate_limits[0].per: "week" is not a valid value; valid values are `day`, `hour`, `minute`, `second`',
        ),
        (
            [{"requests": 1, "per": "day"}],
            'rate_limits[0].per: "day" is for limits of `clients` with `rate_limit_service`; these gateways count a `second`, a `minute` or an `hour`',
        ),
        ([{**MINUTE, "requests": 0}], "rate_limits[0].requests: 0 is out of range; give 1 to 1000000000"),
        ([{**MINUTE, "tokens": -5}], "rate_limits[0].tokens: -5 is out of range; give 1 to 1000000000"),
        ([{**MINUTE, "tokens": 10**9 + 1}], "rate_limits[0].tokens: 1000000001 is out of range; give 1 to 1000000000"),
        ([{**MINUTE, "requests": 1, "burst": -1}], "rate_limits[0].burst: -1 is out of range; give 0 to 1000000000"),
        ([{**MINUTE, "requests": "5"}], 'rate_limits[0].requests: "5" is not an integer'),
        ([{**MINUTE, "requests": 1, "bursts": 1}], "rate_limits[0].bursts: unknown argument; did you mean `burst`?"),
        ({"requests": 1}, "rate_limits: {'requests': 1} is not a list of groups of settings"),
        ([5], "rate_limits[0]: 5 is not a group of settings"),
    ],
)
def test_limits_that_can_not_be_are_refused(limits: Any, message: str) -> None:
    assert MISTRAL.errors(rate_limits=limits) == [message]


def test_limits_are_a_plain_list() -> None:
    assert MISTRAL.errors(lambda: {"rate_limits": pulumi.Output.from_input([{**MINUTE, "requests": 1}])}) == [
        "rate_limits: must be a plain value, not a Pulumi output, because it decides which objects are created"
    ]


TWO = [{**MINUTE, "requests": 1}, {"requests": 9, "per": "hour"}]


@pytest.mark.parametrize("api", ["agentgateway", "kgateway"])
def test_a_second_limit_is_refused_because_no_gateway_counts_it(api: str) -> None:
    assert MISTRAL.errors(api=api, rate_limits=TWO) == [
        "rate_limits: 2 entries; these gateways count the first limit of a route alone, so give one"
    ]


def test_kgateway_refuses_to_limit_tokens() -> None:
    assert MISTRAL.errors(**KGATEWAY, rate_limits=[{**MINUTE, "tokens": 1}]) == [
        "rate_limits[0].tokens: these gateways limit requests only; give `api: agentgateway`"
    ]


def test_an_empty_list_of_limits_makes_no_policy() -> None:
    for api in ("agentgateway", "kgateway"):
        assert MISTRAL.record(api=api, rate_limits=[]).objects() == MISTRAL.record(api=api).objects()
