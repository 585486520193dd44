"""Which limits a client's request meets, by the conditions and descriptors that the policies have."""

from typing import Any

from tests.support.recording import record_component
from tests.unit.shared_url import expressions
from tests.unit.shared_url.proxy import Proxy
from tests.unit.shared_url.requests_of_clients import chat, key, sent

ON_AGENTGATEWAY: dict[str, Any] = {"preset": "mistral", "api": "agentgateway", "api_key": "key-of-the-provider"}

LIMITED: dict[str, dict[str, Any]] = {
    "web": {"api_key": key("web"), "rate_limits": [{"tokens": 1000, "per": "hour"}]},
    "we": {"api_key": key("we"), "rate_limits": [{"requests": 5, "per": "minute", "burst": 2}]},
    "a-b_c.d": {"api_key": key("a-b_c.d"), "rate_limits": [{"requests": 7, "per": "second"}]},
    "unlimited": {"api_key": key("unlimited")},
}


def variables_of(client: str, gateway: Proxy) -> tuple[Any, dict[str, Any]]:
    """Returns the policy on limits of the provider's route, and the variables of a request of this client."""
    request = sent("POST", "/mistral", chat("mistral-medium"), authorization=f"Bearer {key(client)}")
    rule = next(gateway.rules("llm.example.com", request))
    return rule.policy("rateLimit"), gateway.admit(rule, request)[1]


def test_each_client_meets_its_own_limit_and_no_other() -> None:
    gateway = Proxy("", record_component({**ON_AGENTGATEWAY, "clients": LIMITED}).objects(), {})
    met = {}
    for client in LIMITED:
        limits, variables = variables_of(client, gateway)
        met[client] = [
            each["policy"]["local"]
            for each in limits["conditional"]
            if expressions.evaluate(each["condition"], **variables)
        ]
    assert met == {
        "web": [[{"tokens": 1000, "unit": "Hours"}]],
        "we": [[{"requests": 5, "unit": "Minutes", "burst": 2}]],
        "a-b_c.d": [[{"requests": 7, "unit": "Seconds"}]],
        "unlimited": [],
    }


def test_the_service_is_asked_for_each_kind_of_limit_of_the_client_by_its_name() -> None:
    unlimited = {name: {"api_key": each["api_key"]} for name, each in LIMITED.items()}
    args = {**ON_AGENTGATEWAY, "clients": unlimited, "rate_limit_service": {"host": "ratelimit.llm"}}
    gateway = Proxy("", record_component(args).objects(), {})
    kinds = [(kind, period) for kind in ("requests", "tokens") for period in ("second", "minute", "hour", "day")]
    for client in LIMITED:
        limits, variables = variables_of(client, gateway)
        asked = [
            (
                each["unit"],
                {entry["name"]: expressions.evaluate(entry["expression"], **variables) for entry in each["entries"]},
            )
            for each in limits["global"]["descriptors"]
        ]
        assert sorted(asked, key=str) == sorted(
            ((kind.title(), {"client": client, "limit": f"{kind}-{period}"}) for kind, period in kinds), key=str
        )
