"""How much a client may use: counted by each proxy, or for all of them by a service."""

import json
from typing import Any

import pulumi
import pytest

from tests.support.recording import record_gateway
from tests.unit.example_component import ExampleComponent

WEB, CRON = "canary-client-web-0123456789", "canary-client-cron-9876543210"
MISTRAL = ExampleComponent(preset="mistral", api_key="sk-canary-of-the-provider-1", api="agentgateway")
SERVICE: dict[str, Any] = {"rate_limit_service": {"host": "ratelimit.llm.svc.cluster.local"}}
MINUTE: dict[str, Any] = {"requests": 6, "per": "minute"}
DAY: dict[str, Any] = {"tokens": 200_000, "per": "day"}
PERIODS = ("second", "minute", "hour", "day")


def client(*limits: dict[str, Any], key: str = WEB) -> dict[str, Any]:
    return {"api_key": key, "rate_limits": list(limits)}


def rate_limit(**args: Any) -> Any:
    return MISTRAL.record(**args).spec("AgentgatewayPolicy")["traffic"].get("rateLimit")


def test_each_proxy_counts_in_a_bucket_for_each_client_that_has_a_limit() -> None:
    clients = {
        "web": client({**MINUTE, "burst": 2}),
        "cron": client({"tokens": 100, "per": "hour"}, key=CRON),
        "free": client(key=f"{CRON}-2"),
    }
    expected = [
        {
            "condition": 'apiKey.client == "web"',
            "policy": {"local": [{"requests": 6, "unit": "Minutes", "burst": 2}]},
        },
        {"condition": 'apiKey.client == "cron"', "policy": {"local": [{"tokens": 100, "unit": "Hours"}]}},
    ]
    assert rate_limit(clients=clients) == {"conditional": expected}


def test_clients_without_limits_have_no_bucket() -> None:
    assert rate_limit(clients={"web": client()}) is None
    assert rate_limit(clients={"web": client()}, rate_limits=[MINUTE]) == {
        "local": [{"requests": 6, "unit": "Minutes"}]
    }


def test_a_limit_that_is_an_output_makes_the_same_policy() -> None:
    def late() -> dict[str, Any]:
        limit = {name: pulumi.Output.from_input(value) for name, value in MINUTE.items()}
        return {"clients": {"web": client(limit)}}

    assert MISTRAL.record(late).objects() == MISTRAL.record(clients={"web": client(MINUTE)}).objects()


def descriptor(unit: str, period: str) -> dict[str, Any]:
    limit = {"name": "limit", "expression": f'"{unit.lower()}-{period}"'}
    return {"entries": [{"name": "client", "expression": "apiKey.client"}, limit], "unit": unit}


GLOBAL: dict[str, Any] = {
    "backendRef": {"group": "agentgateway.dev", "kind": "AgentgatewayBackend", "name": "mistral-rate-limits"},
    "domain": "llm",
    "failureMode": "FailClosed",
    "descriptors": [descriptor(unit, period) for unit in ("Requests", "Tokens") for period in PERIODS],
}


def test_the_service_is_asked_about_every_kind_of_limit_so_that_a_new_one_changes_no_policy() -> None:
    for limits in ([], [DAY], [MINUTE, DAY]):
        assert rate_limit(clients={"web": client(*limits)}, **SERVICE) == {"global": GLOBAL}
    assert rate_limit(clients_secret={"name": "team-keys"}, **SERVICE) == {"global": GLOBAL}


def test_the_routes_own_limit_counts_beside_the_service() -> None:
    limits = rate_limit(clients={"web": client(DAY)}, rate_limits=[MINUTE], **SERVICE)
    assert limits == {"local": [{"requests": 6, "unit": "Minutes"}], "global": GLOBAL}


def test_a_backend_leads_to_the_service_and_comes_before_the_policy() -> None:
    recording = MISTRAL.record(clients={"web": client(DAY)}, **SERVICE)
    backend = recording.one(":AgentgatewayBackend", "mistral-rate-limits")
    assert backend.inputs["spec"] == {"static": {"host": "ratelimit.llm.svc.cluster.local", "port": 8081}}
    assert backend.urn in recording.one(":AgentgatewayPolicy").dependencies
    assert recording.component_outputs()["rateLimitBackendName"] == "mistral-rate-limits"
    assert recording.kinds()[-1] == "AgentgatewayBackend"
    assert "rateLimitBackendName" not in MISTRAL.record(clients={"web": client()}).component_outputs()


def test_the_service_has_a_port_a_domain_and_may_be_down() -> None:
    service = {"host": "10.0.0.7", "port": 9000, "domain": "team", "fail_open": True}
    recording = MISTRAL.record(clients={"web": client()}, rate_limit_service=service)
    backend = recording.one(":AgentgatewayBackend", "mistral-rate-limits")
    assert backend.inputs["spec"] == {"static": {"host": "10.0.0.7", "port": 9000}}
    limits = recording.spec("AgentgatewayPolicy")["traffic"]["rateLimit"]
    assert limits == {"global": {**GLOBAL, "domain": "team", "failureMode": "FailOpen"}}

    def late() -> dict[str, Any]:
        return {"rate_limit_service": {name: pulumi.Output.from_input(value) for name, value in service.items()}}

    assert MISTRAL.record(late, clients={"web": client()}).objects() == recording.objects()


TOO_MANY = {f"client-{number}": client(MINUTE, key=f"{WEB}-{number}") for number in range(17)}
NO_SERVICE = "so give one, or `rate_limit_service`"
NEEDS_SERVICE = "needs `rate_limit_service`; these gateways count a `second`, a `minute` or an `hour`"
PORT_RULE = "is not a port; give 1 to 65535"


@pytest.mark.parametrize(
    ("args", "errors"),
    [
        (
            {"clients": {"web": client(MINUTE, {"requests": 9, "per": "hour"})}},
            [f"clients.web.rate_limits: 2 entries; these gateways count one limit of a client, {NO_SERVICE}"],
        ),
        ({"clients": {"web": client(DAY)}}, [f'clients.web.rate_limits[0].per: "day" {NEEDS_SERVICE}']),
        (
            {"clients": TOO_MANY},
            ["clients: 17 clients have limits, and these gateways take 16 at most; give `rate_limit_service`"],
        ),
        (
            {"clients": {"web": client(MINUTE)}, "rate_limits": [MINUTE]},
            [
                "rate_limits: these gateways can't count it beside limits of `clients`; give `rate_limit_service`, or remove one of them"
            ],
        ),
        (
            {"clients": {"web": client({**MINUTE, "burst": 1})}, **SERVICE},
            [
                "clients.web.rate_limits[0].burst: has no effect with `rate_limit_service`, which knows no bursts; remove it"
            ],
        ),
        (
            {"clients": {"web": client(MINUTE, DAY, {**MINUTE, "requests": 7})}, **SERVICE},
            ["clients.web.rate_limits[2]: another entry limits requests per minute; give one of them"],
        ),
        (
            {"clients": {"web": client({"per": "minute"})}},
            ["clients.web.rate_limits[0]: has no limit; give `requests` or `tokens`"],
        ),
        (
            {"clients": {"web": client({**MINUTE, "unit": "x"})}},
            ["clients.web.rate_limits[0].unit: unknown argument; did you mean `per`?"],
        ),
        ({"clients": {"web": client()}, "rate_limit_service": {}}, ["rate_limit_service.host: required"]),
        (
            {"clients": {"web": client()}, "rate_limit_service": {"host": "grpc://ratelimit:8081"}},
            ['rate_limit_service.host: "grpc://ratelimit:8081" has a scheme; give the host name alone'],
        ),
        (
            {"clients": {"web": client()}, "rate_limit_service": {"host": "ratelimit:8081"}},
            ['rate_limit_service.host: "ratelimit:8081" has a port; give the port as `port`'],
        ),
        (
            {"clients": {"web": client()}, "rate_limit_service": {"host": "ratelimit", "port": 0}},
            [f"rate_limit_service.port: 0 {PORT_RULE}"],
        ),
        (
            {"clients": {"web": client()}, "rate_limit_service": {"host": "ratelimit", "domain": " "}},
            ["rate_limit_service.domain: ' ' is not a domain; give a name such as llm"],
        ),
        (
            {"clients": {"web": client()}, "rate_limit_service": {"host": "ratelimit", "redis": "x"}},
            [
                "rate_limit_service.redis: unknown argument; the service knows Redis by its own configuration (docs/rate-limits.md)"
            ],
        ),
    ],
)
def test_limits_that_nobody_would_count_are_refused(args: dict[str, Any], errors: list[str]) -> None:
    assert MISTRAL.errors(**args) == errors


def test_sixteen_clients_may_have_limits_without_the_service_and_more_with_it() -> None:
    sixteen = dict(list(TOO_MANY.items())[:16])
    assert len(rate_limit(clients={**sixteen, "free": client(key=CRON)})["conditional"]) == 16
    assert rate_limit(clients=TOO_MANY, **SERVICE) == {"global": GLOBAL}


def typed(**args: Any) -> set[str]:
    backend = MISTRAL.record(**args).one(":AgentgatewayBackend", "mistral")
    return set(backend.inputs["spec"]["policies"]["ai"]["routes"]) - {"*", "/chat/completions", "/responses"}


def test_what_has_tokens_is_counted_and_a_first_limit_of_a_client_changes_no_backend() -> None:
    limited, free = client({"tokens": 5, "per": "minute"}), client()
    assert typed() == {"/messages"}
    assert typed(clients={"web": free}) == typed(clients={"web": limited}) == {"/messages", "/embeddings"}
    assert typed(clients={"web": limited}, model="mistral-small-latest") == {"/messages"}
    assert typed(clients_secret={"name": "team-keys"}) == {"/messages"}
    assert typed(clients_secret={"name": "team-keys"}, **SERVICE) == {"/messages", "/embeddings"}


def test_messages_are_passed_on_to_who_serves_them_unless_their_tokens_are_counted() -> None:
    host = {"preset": "openrouter"}
    assert typed(**host, clients={"web": client(MINUTE)}) == {"/embeddings"}
    assert typed(**host, clients={"web": client({"tokens": 5, "per": "minute"})}) == {"/messages", "/embeddings"}
    assert typed(**host, clients={"web": client()}, **SERVICE) == {"/messages", "/embeddings"}


GATEWAY: dict[str, Any] = {"route_path": "/llm", "models": {"mistral": ["fast"]}}


def test_the_gateway_writes_the_limits_of_all_clients_for_the_service() -> None:
    clients = {"web": client(MINUTE, DAY), "free": client(key=f"{CRON}-2"), "cron": client(DAY, key=CRON)}
    recording = record_gateway({**GATEWAY, "clients": clients, **SERVICE})
    config_map = recording.one(":ConfigMap", "llm-rate-limits")
    assert config_map.inputs["metadata"] == {"name": "llm-rate-limits", "namespace": "gloo-system"}
    (text,) = config_map.inputs["data"].values()

    def limit(name: str, unit: str, number: int) -> dict[str, Any]:
        return {"key": "limit", "value": name, "rate_limit": {"unit": unit, "requests_per_unit": number}}

    day = limit("tokens-day", "day", 200_000)
    assert config_map.inputs["data"].keys() == {"limits.yaml"}
    assert json.loads(text) == {
        "domain": "llm",
        "descriptors": [
            {"key": "client", "value": "web", "descriptors": [limit("requests-minute", "minute", 6), day]},
            {"key": "client", "value": "cron", "descriptors": [day]},
        ],
    }
    outputs = recording.component_outputs()
    assert outputs["rateLimitConfigMapName"] == outputs["rateLimitBackendName"] == "llm-rate-limits"


def test_the_gateways_list_and_error_count_as_requests_too() -> None:
    recording = record_gateway({**GATEWAY, "clients": {"web": client(MINUTE)}, **SERVICE})
    expected = {"global": {**GLOBAL, "backendRef": {**GLOBAL["backendRef"], "name": "llm-rate-limits"}}}
    backend = recording.one(":AgentgatewayBackend", "llm-rate-limits")
    for name in ("llm-models", "llm-unknown"):
        policy = recording.one(":AgentgatewayPolicy", name)
        assert policy.inputs["spec"]["traffic"]["rateLimit"] == expected
        assert backend.urn in policy.dependencies


def test_without_clients_of_its_own_the_gateway_writes_no_limits() -> None:
    recording = record_gateway({**GATEWAY, "clients_secret": {"name": "team-keys"}, **SERVICE})
    assert "ConfigMap" not in recording.kinds()
    assert "rateLimitConfigMapName" not in recording.component_outputs()
    local = record_gateway({**GATEWAY, "clients": {"web": client(MINUTE)}})
    assert not {"ConfigMap", "AgentgatewayBackend"} & set(local.kinds())
    assert "rateLimit" not in local.one(":AgentgatewayPolicy", "llm-models").inputs["spec"]["traffic"]
