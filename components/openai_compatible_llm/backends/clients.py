"""Builds what a route asks of clients: their keys, the models that they may ask for, and how much they may use.

Only agentgateway can do this. Source: `apiKeyAuthentication`, `authorization` and `rateLimit` in `spec.traffic` of the
AgentgatewayPolicy.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import cast

from ..args import RateLimitPeriod
from ..client_url import VERSION
from ..model_patterns import alternatives
from ..objects.gateway_api import Spec
from ..settings import (
    CHAT_COMPLETIONS,
    MODELS,
    AuthHeader,
    Client,
    Clients,
    ClientSettings,
    RateLimit,
    RateLimitService,
)
from . import agentgateway_api

MOST_CLIENTS_WITH_LIMITS = 16
"""How many limits a policy can have, each for one client. Source: `rateLimit.conditional` of the AgentgatewayPolicy."""

UNITS = {RateLimitPeriod.SECOND: "Seconds", RateLimitPeriod.MINUTE: "Minutes", RateLimitPeriod.HOUR: "Hours"}
"""Periods that the proxy counts by itself."""

REQUEST_MODEL = "json(request.body).model"
"""The model that a request asks for, as a CEL expression."""

MODEL_ENDPOINTS = (
    CHAT_COMPLETIONS,
    "/completions",
    "/responses",
    "/messages",
    "/embeddings",
    "/moderations",
    "/rerank",
    "/images/generations",
    "/audio/speech",
)
"""Endpoints, below a base URL, whose JSON body names the model that is asked."""

ONE_MODEL = " && ".join(
    (
        'request.headers["content-type"].matches("(?i)^application/json *(;|$)")',
        '!request.pathAndQuery.matches("(?i)^[^?]*[?](.*[&;])?[^=&;]*(model|%)")',
        'json(request.body).all(k, k == "model" || !k.matches("(?i)^(models?|fallbacks)$"))',
    )
)
"""Whether a request can ask for no other model than that in its body, as a CEL expression.

LiteLLM also takes a model from the query, from a body that is said to be a form, and from `fallbacks`; OpenRouter from
`models`; servers written in Go from these names in another case. `json` with a field behind it doesn't look at what
comes after the first object.
"""

LIMITS_FILE = "limits.yaml"
"""Name of the service's configuration in the ConfigMap. The service reads every file of its folder."""


def authentication(clients: Clients) -> Spec:
    """Builds which keys the route takes, and in which header. The proxy removes the key from the request."""
    header = clients.auth_header
    location = {} if header is None else {"location": {"header": header_location(header)}}
    return {"mode": "Strict", "secretRef": {"name": clients.secret_name}, **location}


def header_location(header: AuthHeader) -> Spec:
    """Builds where a key is. The API takes the prefix literally, so the space before the key belongs to it."""
    return {"name": header.name, **({"prefix": f"{header.prefix} "} if header.prefix else {})}


def secret_entry(client: Client, key_hash: str) -> str:
    """Builds the client's entry of the Secret. Policies know the metadata as `apiKey`."""
    metadata = {"client": client.name}
    if client.models is not None:
        metadata["models"] = alternatives(client.models)
    return json.dumps({"keyHash": f"sha256:{key_hash}", "metadata": metadata})


def may_use(model: str) -> str:
    """Builds the CEL expression that tells whether the client may ask for the model, also a CEL expression.

    An entry of the Secret without `models` is for all.
    """
    return f"!has(apiKey.models) || {_is_own(model)}"


def chat_condition(fixed_model: str | None) -> str:
    """Builds the CEL expression for the requests that a client may send to a route for chat completions alone."""
    model = REQUEST_MODEL if fixed_model is None else _text(fixed_model)
    return f"!has(apiKey.models) || {ONE_MODEL} && {_is_own(model)}"


def models_condition(paths: Sequence[str], fixed_model: str | None, gets_fixed_model: Iterable[str]) -> str:
    """Builds the CEL expression for the requests that a client may send to a route with all endpoints.

    Those of a client with models of its own have the model in their body, or ask for the list. Any other endpoint could
    have a body with an allowed model and do something else.

    Args:
        paths: The route's path prefixes. A request to the first one itself is a chat completion.
        fixed_model: The model that requests get, whatever they ask for.
        gets_fixed_model: The endpoints where they get it.
    """
    bases = [path.rstrip("/") for path in paths]
    chat = f"request.path == {json.dumps(paths[0])}"
    lists = " || ".join(f"request.path == {json.dumps(bases[0] + path)}" for path in (MODELS, VERSION + MODELS))
    below = f"({'|'.join(map(re.escape, bases))})({VERSION})?({'|'.join(MODEL_ENDPOINTS)})"
    asks = f"{chat} || {_path_matches(f'^{below}$')}"
    model = REQUEST_MODEL
    if fixed_model is not None:
        fixed_there = f"({'|'.join(gets_fixed_model)})$"
        gets_it = f"{chat} || {_path_matches(fixed_there)}"
        model = f"({gets_it} ? {_text(fixed_model)} : {model})"
    return (
        f'!has(apiKey.models) || request.method == "GET" && ({lists})'
        f' || request.method == "POST" && ({asks}) && {ONE_MODEL} && {_is_own(model)}'
    )


def local_limits(clients: Iterable[Client]) -> Spec:
    """Builds limits that each proxy counts, a bucket for each client; empty where no client has any."""
    limits = [
        {"condition": f"apiKey.client == {json.dumps(client.name)}", "policy": {"local": [local_limit(limit)]}}
        for client in clients
        for limit in client.rate_limits
    ]
    return {"conditional": limits} if limits else {}


def local_limit(limit: RateLimit) -> Spec:
    """Builds a limit that each proxy counts."""
    amount = {"tokens": limit.tokens} if limit.requests is None else {"requests": limit.requests}
    return {**amount, "unit": UNITS[limit.per], **({"burst": limit.burst} if limit.burst else {})}


def service_limits(service: RateLimitService, backend_name: str) -> Spec:
    """Builds what the service is asked through a backend: of each client, everything that there can be a limit for.

    So a policy stays as it is when limits change. The service doesn't see what a descriptor counts, so it has that in
    the name of the limit.
    """
    client = {"name": "client", "expression": "apiKey.client"}
    descriptors = [
        {"entries": [client, {"name": "limit", "expression": json.dumps(_limit_name(unit, period))}], "unit": unit}
        for unit in ("Requests", "Tokens")
        for period in RateLimitPeriod
    ]
    return {
        "backendRef": {
            "group": agentgateway_api.GROUP,
            "kind": agentgateway_api.BACKEND_KIND,
            "name": backend_name,
        },
        "domain": service.domain,
        "failureMode": "FailOpen" if service.fail_open else "FailClosed",
        "descriptors": descriptors,
    }


def service_spec(settings: ClientSettings) -> Spec:
    """Builds the backend that leads to the service, where there is one."""
    service = _service(settings)
    return {"static": {"host": service.host, "port": service.port}}


def service_config(settings: ClientSettings) -> dict[str, str]:
    """Builds the service's configuration, where there is one, as the entries of a ConfigMap.

    It is JSON, which YAML includes. Source: README of envoyproxy/ratelimit.
    """
    descriptors = [
        {"key": "client", "value": client.name, "descriptors": list(map(_service_limit, client.rate_limits))}
        for client in settings.known_clients
        if client.rate_limits
    ]
    config = {"domain": _service(settings).domain, "descriptors": descriptors}
    return {LIMITS_FILE: f"{json.dumps(config, indent=2)}\n"}


def _service_limit(limit: RateLimit) -> Spec:
    unit, amount = ("Tokens", limit.tokens) if limit.requests is None else ("Requests", limit.requests)
    rate_limit = {"unit": str(limit.per), "requests_per_unit": amount}
    return {"key": "limit", "value": _limit_name(unit, limit.per), "rate_limit": rate_limit}


def _service(settings: ClientSettings) -> RateLimitService:
    return cast("RateLimitService", settings.rate_limit_service)


def _limit_name(unit: str, period: RateLimitPeriod) -> str:
    return f"{unit.lower()}-{period}"


def _is_own(model: str) -> str:
    return f'{model}.matches("^(" + apiKey.models + ")$")'


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _path_matches(expression: str) -> str:
    return f"request.path.matches({json.dumps(expression)})"
