"""Arguments of both components for one base URL of several providers: each argument, alone and with what changes it."""

import hashlib
from typing import Any

from components.openai_compatible_llm.args import (
    BackendApi,
    ClientArgs,
    FallbackArgs,
    OpenAICompatibleGatewayArgs,
    OpenAICompatibleLLMArgs,
    RateLimitPeriod,
    RateLimitServiceArgs,
)
from tests.support.recording import record_component, record_gateway

LONGEST_PATH = 1024
"""Characters of a path match's value. Source: the HTTPRoute."""

LONGEST_MATCH = 4096
"""Characters of a header match's value. Source: the HTTPRoute."""

LONGEST_EXPRESSION = 16384
"""Characters of `bodyExpression`, and of each of `matchExpressions`. Source: the AgentgatewayPolicy."""

MOST_CONDITIONS = 16
"""Entries of `rateLimit.conditional`, one for each client with a limit. Source: the AgentgatewayPolicy."""

SHARED: OpenAICompatibleLLMArgs = {
    "preset": "mistral",
    "api_key": "key",
    "api": BackendApi.AGENTGATEWAY,
    "shared_route_path": "/llm",
}
PROVIDER: OpenAICompatibleLLMArgs = {**SHARED, "models": ["mistral-*", "codestral-2"]}
WEB: ClientArgs = {"api_key": "client-key-0123456789", "models": ["mistral-*", "fast"]}
CRON: ClientArgs = {"api_key_sha256": hashlib.sha256(b"client-key-9876543210").hexdigest()}
CLIENTS: dict[str, ClientArgs] = {"web": WEB, "cron_job.eu": CRON}
LIMITED: dict[str, ClientArgs] = {
    "web": {**WEB, "rate_limits": [{"tokens": 10**9, "per": RateLimitPeriod.HOUR, "burst": 10**9}]},
    "cron_job.eu": {**CRON, "rate_limits": [{"requests": 1, "per": RateLimitPeriod.SECOND}]},
    "others": {"api_key": "client-key-of-the-others"},
}
LIMITED_BY_SERVICE: dict[str, ClientArgs] = {
    "web": {
        **WEB,
        "rate_limits": [
            {"tokens": 200000, "per": RateLimitPeriod.DAY},
            {"tokens": 20000, "per": RateLimitPeriod.MINUTE},
            {"requests": 10**9, "per": RateLimitPeriod.HOUR},
            {"requests": 1, "per": RateLimitPeriod.SECOND},
        ],
    },
    "cron_job.eu": CRON,
}
SERVICE: RateLimitServiceArgs = {"host": "ratelimit.llm.svc.cluster.local"}
WHOLE_SERVICE: RateLimitServiceArgs = {"host": "ratelimit", "port": 65535, "domain": "prod", "fail_open": True}
FALLBACK: FallbackArgs = {"name": "eu", "host": "eu.example.com", "model": "mistral-eu", "api_key": "key"}

PROVIDERS: dict[str, OpenAICompatibleLLMArgs] = {
    "a shared path": PROVIDER,
    "the root of the gateway as shared path": {**PROVIDER, "shared_route_path": "/"},
    "a provider at the root of the gateway": {**PROVIDER, "route_path": "/"},
    "a shared path of any characters": {**PROVIDER, "shared_route_path": "/a(b)*+$;c%41,d='!&"},
    "the longest paths": {
        **PROVIDER,
        "route_path": "/" + "." * (LONGEST_PATH - 1),
        "shared_route_path": "/" + "+" * (LONGEST_PATH - 1),
    },
    "every model": {**SHARED, "models": ["*"]},
    "models of any characters": {**SHARED, "models": ["a.b|c", "(?i)[x]{2}", "^$\\*", 'it\'s "x" <&>']},
    "aliases alone": {**SHARED, "model_aliases": {"fast": "mistral-small-latest"}},
    "models and aliases": {**PROVIDER, "model_aliases": {"fast": "mistral-small-latest"}},
    "as many aliases as there can be": {**SHARED, "model_aliases": {f"m{number}": "m" for number in range(64)}},
    "fields of requests": {**PROVIDER, "request_overrides": {"store": False}},
    "a limit of tokens": {**PROVIDER, "rate_limits": [{"tokens": 1000, "per": RateLimitPeriod.MINUTE}]},
    "clients": {**PROVIDER, "clients": CLIENTS},
    "clients of a Secret that is there": {**PROVIDER, "clients_secret": {"name": "team-keys"}},
    "clients with limits": {**PROVIDER, "clients": LIMITED},
    "limits of clients over all proxies": {
        **PROVIDER,
        "clients": LIMITED_BY_SERVICE,
        "rate_limit_service": SERVICE,
        "rate_limits": [{"requests": 100, "per": RateLimitPeriod.SECOND, "burst": 5}],
    },
    "a fallback": {**PROVIDER, "fallbacks": [FALLBACK]},
    "retries and a timeout": {**PROVIDER, "retries": {}, "request_timeout_seconds": 60},
    "host names": {**PROVIDER, "hostnames": ["llm.example.com", "*.llm.example.com"]},
    "a listener": {**PROVIDER, "gateway": {"name": "edge", "namespace": "default", "section_name": "llm"}},
    "an address": {
        "host": "10.0.0.7",
        "port": 8000,
        "tls": {"disabled": True},
        "keyless": True,
        "api": BackendApi.AGENTGATEWAY,
        "shared_route_path": "/llm",
        "models": ["gpt-oss"],
    },
    "a key in another header": {**PROVIDER, "auth_header": {"header_name": "api-key"}},
    "waiting": {**PROVIDER, "wait_for_ready": True, "ready_timeout_seconds": 60},
}

GATEWAY: OpenAICompatibleGatewayArgs = {"route_path": "/llm"}

GATEWAYS: dict[str, OpenAICompatibleGatewayArgs] = {
    "a path": GATEWAY,
    "the root of the gateway": {"route_path": "/"},
    "the longest path": {"route_path": "/" + "." * (LONGEST_PATH - len("/v1/models") - 1)},
    "a path of any characters": {"route_path": "/a(b)*+$;c%41,d='!&"},
    "models": {**GATEWAY, "models": {"mistral": ["fast", "mistral-*"], "vllm": ["gpt-oss"]}},
    "no models": {**GATEWAY, "models": {}},
    "names of any characters": {**GATEWAY, "models": {'société "x" 😀': ['a"b\\c', "{d}", "it's"]}},
    "a larger buffer": {**GATEWAY, "max_request_bytes": 33554432},
    "the least buffer": {**GATEWAY, "max_request_bytes": 1},
    "the greatest buffer": {**GATEWAY, "max_request_bytes": 2**32 - 1},
    "the label": {**GATEWAY, "client_label": True},
    "a listener": {
        **GATEWAY,
        "gateway": {"name": "edge", "namespace": "default", "section_name": "llm", "url": "https://llm.example.com"},
    },
    "clients": {**GATEWAY, "models": {"mistral": ["fast", "mistral-*"]}, "clients": CLIENTS},
    "clients of a Secret that is there": {**GATEWAY, "clients_secret": {"name": "team-keys"}},
    "clients' keys in another header": {
        **GATEWAY,
        "clients": CLIENTS,
        "client_auth_header": {"header_name": "x-api-key", "prefix": "Key"},
    },
    "limits of clients over all proxies": {**GATEWAY, "clients": LIMITED_BY_SERVICE, "rate_limit_service": SERVICE},
    "a service for clients without limits": {**GATEWAY, "clients": CLIENTS, "rate_limit_service": WHOLE_SERVICE},
    "a service for clients of a Secret that is there": {
        **GATEWAY,
        "clients_secret": {"name": "team-keys"},
        "rate_limit_service": WHOLE_SERVICE,
    },
    "labels": {**GATEWAY, "labels": {"team": "llm"}, "annotations": {"example.com/team": "llm"}},
    "waiting": {**GATEWAY, "wait_for_ready": True, "ready_timeout_seconds": 60},
    "everything": {
        **GATEWAY,
        "gateway": {"name": "edge", "namespace": "default", "section_name": "llm", "url": "https://llm.example.com"},
        "models": {"mistral": ["fast"]},
        "clients": LIMITED_BY_SERVICE,
        "client_auth_header": {"header_name": "x-api-key"},
        "rate_limit_service": WHOLE_SERVICE,
        "max_request_bytes": 33554432,
        "client_label": True,
        "labels": {"team": "llm"},
        "annotations": {"example.com/team": "llm"},
        "wait_for_ready": True,
    },
}


def route_of_length(characters: int) -> Any:
    """Returns a provider's HTTPRoute, whose expression at the shared path has so many characters."""
    models = _models_of_length(characters - len("^()$") + len("|"), "|")
    return record_component({**SHARED, "namespace": "default", "models": models}).one(":HTTPRoute").inputs


def list_of_length(characters: int, **more: Any) -> Any:
    """Returns the policy of the list of models, whose expression has so many characters."""

    def policy(models: list[str]) -> Any:
        gateway = {**GATEWAY, **more, "gateway": {"namespace": "default"}}
        objects = record_gateway({**gateway, "models": {"x": models}}).objects()
        return next(each for each in objects if each["metadata"]["name"] == "llm-models")

    between = list_expression(policy(["1", "2"])).partition("1")[2].partition("2")[0]
    frame = len(list_expression(policy(["1"]))) - len("1") - len(between)
    return policy(_models_of_length(characters - frame, between))


def _models_of_length(characters: int, between: str) -> list[str]:
    """Makes different names, which have so many characters with a text after each."""
    count, rest = divmod(characters, 100 + len(between))
    return [f"{number:03}{'x' * (97 + rest * (number == 0))}" for number in range(count)]


def clients_with_limits(count: int) -> dict[str, ClientArgs]:
    """Makes clients with names of any length, each with a limit of its own."""
    return {
        f"{'c' * number}-{number}": {
            "api_key": f"client-key-0123456789-{number}",
            "rate_limits": [{"tokens": number, "per": RateLimitPeriod.HOUR, "burst": number}],
        }
        for number in range(1, count + 1)
    }


def header_match(route: Any) -> str:
    """Returns the expression of an HTTPRoute's rule at the shared path."""
    (header,) = route["spec"]["rules"][-1]["matches"][0]["headers"]
    return str(header["value"])


def list_expression(policy: Any) -> str:
    """Returns the expression of the policy that answers with the list of models."""
    return str(policy["spec"]["traffic"]["directResponse"]["bodyExpression"])
