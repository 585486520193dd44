"""Knows AgentgatewayBackend and AgentgatewayPolicy of agentgateway.dev/v1alpha1, for agentgateway 1.4 and newer."""

import json
import re
from collections.abc import Mapping
from typing import ClassVar

from ..args import Endpoints
from ..objects import gateway_api
from ..presets import EndpointKind, endpoint_kinds_at
from ..settings import AUTHORIZATION, CHAT_COMPLETIONS, Provider, Settings
from . import agentgateway_api, model_routing
from . import clients as of_clients
from .base import ROUTE_ARGUMENTS, BackendDefinition, BackendReader, DeployedProvider, Limitation, Object, Spec

CHAT_PATH = "/v1/chat/completions"
"""The path by which the proxy knows a chat completion, whatever the provider's own."""

RESPONSES, MESSAGES, EMBEDDINGS = "/responses", "/messages", "/embeddings"

TYPES = {CHAT_COMPLETIONS: "Completions", RESPONSES: "Responses", MESSAGES: "Messages", EMBEDDINGS: "Embeddings"}
"""What the proxy can take a request for, by how its path ends. It translates messages into chat completions.

A path with `/v1` in front would miss requests to the base URL without it.
"""

ANYTHING_ELSE = {"*": "Passthrough"}
"""Passes on what is of no type: it gets no model, alias or field, and its tokens aren't counted.

`Models` as a type is answered with HTTP 501.
"""

HEALTH = {
    "unhealthyCondition": (
        "has(proxy.upstreamDuration) && (default(response.code, 599) >= 500 || default(response.code, 599) == 429)"
    ),
    "eviction": {"duration": "3s"},
}
"""When a provider has failed, and how long it is left out then: for so long times the number of its failures so far.

A request that got no answer has no code. Without the default, it would not count as a failure. What the gateway refused
by itself never went upstream. Without the first condition, any caller could put a provider out with a bad request.
"""

PROVIDER_ARGUMENTS = (
    frozenset({"preset", "base_url", "host", "port", "path", "model", "api_key", "api_key_secret.name", "keyless"})
    | {"auth_header.header_name", "auth_header.prefix"}
    | {"tls.hostname", "tls.ca_certificate_configmap", "tls.disabled"}
)
"""What can be said of a provider, the first one and a fallback alike."""

ANY_REQUEST: Spec = {"traffic": {"authorization": {"action": "Require", "policy": {"matchExpressions": ["true"]}}}}
"""Asks for nothing: the API server refuses a policy that is empty."""


class Agentgateway(BackendDefinition):
    """The gateways are agentgateway's own."""

    group = agentgateway_api.GROUP
    version = agentgateway_api.VERSION
    kind = agentgateway_api.BACKEND_KIND
    has_tls_policy = False
    policy_kind = agentgateway_api.POLICY_KIND
    policy_arguments = (
        frozenset({"endpoints"})
        | {"clients", "clients_secret.name", "client_auth_header.header_name", "client_auth_header.prefix"}
        | {f"rate_limit_service.{each}" for each in ("host", "port", "domain", "fail_open")}
        | {"retries.attempts", "retries.status_codes", "retries.backoff_milliseconds"}
        | {"rate_limits.requests", "rate_limits.tokens", "rate_limits.per", "rate_limits.burst"}
    )
    empty_policy = ANY_REQUEST
    supported = (
        ROUTE_ARGUMENTS
        | PROVIDER_ARGUMENTS
        | policy_arguments
        | {"passthrough", "rewrite_host", "request_defaults", "request_overrides", "model_aliases"}
        | {"shared_route_path", "models"}
        | {"fallbacks.name", *(f"fallbacks.{each}" for each in PROVIDER_ARGUMENTS)}
    )
    limitations = (
        Limitation(
            "rewrite_host",
            "these gateways always set the provider's own host; leave this argument out",
            lambda rewrite_host: not rewrite_host,
        ),
    )
    default_endpoints = Endpoints.ALL

    def spec(self, settings: Settings) -> Spec:
        """Builds the spec: the `openai` provider with its host, port and path overridden, its key, and its TLS.

        With fallbacks each provider is a group of its own, because the proxy goes to the next group only. There it has
        its key and TLS beside it, and is left out for a while when it fails.
        """
        ai = _ai_policy(settings)
        policies: Spec = {"ai": ai} if ai else {}
        if not settings.fallbacks:
            provider = _provider(settings.provider, settings.endpoints)
            return {"ai": {"provider": provider}, "policies": {**_connection(settings.provider), **policies}}
        groups = []
        for each in settings.providers:
            own = {**_connection(each), "health": dict(HEALTH)}
            provider = {"name": each.name, **_provider(each, settings.endpoints), "policies": own}
            groups.append({"providers": [provider]})
        return {"ai": {"groups": groups}, **({"policies": policies} if policies else {})}

    def policy(self, settings: Settings) -> Spec:
        """Builds which requests the route takes, and when it sends one again."""
        traffic: Spec = {}
        if conditions := _conditions(settings):
            traffic["authorization"] = {"action": "Require", "policy": {"matchExpressions": conditions}}
        if settings.clients is not None:
            traffic["apiKeyAuthentication"] = of_clients.authentication(settings.clients)
        if limits := _rate_limits(settings):
            traffic["rateLimit"] = limits
        if settings.retries is not None:
            traffic["retry"] = {
                "attempts": settings.retries.attempts,
                "codes": list(settings.retries.status_codes),
                "backoff": f"{settings.retries.backoff_milliseconds}ms",
            }
        return {"traffic": traffic} if traffic else {}

    def route_rules(self, settings: Settings) -> list[Spec]:
        """Builds the rules, which give the backend the path below the route's.

        They are the same whatever the endpoints, so that a change of those leaves the route as it is. A request to the
        route's path itself is a chat completion in any case. At a shared path, the rule takes its models alone.
        """
        path, shared, host = settings.route_path, settings.shared_route, _route_host(settings)
        filters = gateway_api.remove_headers(_removed_headers(settings))
        whole = {"path": {"type": "ReplaceFullPath", "replaceFullPath": CHAT_PATH}, **host}
        prefix = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}, **host}
        below = [*filters, gateway_api.url_rewrite(prefix)]
        rules = [
            gateway_api.rule("Exact", path, [*filters, gateway_api.url_rewrite(whole)]),
            gateway_api.rule("PathPrefix", path, below),
        ]
        if shared is not None:
            rules.append(gateway_api.rule("PathPrefix", shared.path, below, model_routing.header_match(shared.models)))
        return rules


def _conditions(settings: Settings) -> list[str]:
    """Builds the CEL expressions that a request must meet; otherwise it gets HTTP 403."""
    conditions = [_path_condition(settings)] if settings.endpoints == Endpoints.ALL else []
    return conditions if settings.clients is None else [*conditions, _models_condition(settings)]


def _models_condition(settings: Settings) -> str:
    """Builds the CEL expression for the models that a client may ask for.

    It is there whenever there are clients, so that one whose models are restricted never has a moment with all.
    """
    overridden = settings.request_overrides.get("model")
    fixed_model = settings.provider.model or (overridden if isinstance(overridden, str) else None)
    if settings.endpoints == Endpoints.CHAT:
        return of_clients.chat_condition(fixed_model)
    paths = [settings.route_path, *([settings.shared_route.path] if settings.shared_route else [])]
    return of_clients.models_condition(paths, fixed_model, _governed_endpoints(settings))


def _rate_limits(settings: Settings) -> Spec:
    """Builds what the route takes, and what its clients may use: without the service, it can't have both."""
    local = list(map(of_clients.local_limit, settings.rate_limits))
    limits: Spec = {"local": local} if local else {}
    if service := settings.rate_limit_service:
        return {**limits, "global": of_clients.service_limits(service, settings.names.rate_limits)}
    return of_clients.local_limits(settings.known_clients) or limits


def _governed_endpoints(settings: Settings) -> list[str]:
    """Returns the endpoints at which what the route asks of a request's body must hold.

    With a `model`, embeddings keep their own: the proxy would ask for them from the model of the chat completions.
    With clients, their tokens may have to be counted as soon as one gets a limit, which must not change the backend.
    """
    sets_model = settings.model_aliases or any(each.model for each in settings.providers)
    limits = (*settings.rate_limits, *(limit for client in settings.known_clients for limit in client.rate_limits))
    # The service may limit what isn't known here.
    counts_tokens = settings.rate_limit_service is not None or any(limit.tokens is not None for limit in limits)
    governed = [CHAT_COMPLETIONS, RESPONSES]
    if sets_model or settings.request_overrides or counts_tokens:
        governed.append(MESSAGES)
    may_count_tokens = counts_tokens or bool(settings.known_clients)
    if settings.model_aliases or (may_count_tokens and not settings.provider.model):
        governed.append(EMBEDDINGS)
    return governed


def _routes(settings: Settings) -> Spec:
    """Builds what the proxy takes a request for. Messages are passed on to providers that are known to serve them."""
    typed = _governed_endpoints(settings)
    if MESSAGES not in typed and not all(_serves_messages(each) for each in settings.providers):
        typed.append(MESSAGES)
    return {**{ending: TYPES[ending] for ending in typed}, **ANYTHING_ELSE}


def _serves_messages(provider: Provider) -> bool:
    return EndpointKind.MESSAGES in endpoint_kinds_at(provider.host)


def _path_condition(settings: Settings) -> str:
    """Builds the CEL expression for the paths that a route with all endpoints takes; others get HTTP 403.

    The proxy knows an endpoint by the exact end of the path. A provider may ignore case, decode `%XX` and resolve `..`,
    so that another spelling would reach the same endpoint without the route's model, fields and limits. Only a model's
    name may have an escaped slash, which counts as a slash here.

    The proxy asks before it rewrites the path. So the route's own paths, which may have any characters, come first.
    """
    route_path, endpoints = settings.route_path, _governed_endpoints(settings)
    segment, slash = "[A-Za-z0-9_:@.~-]+", "(/|%2[Ff])"
    shared_path = settings.shared_route.path if settings.shared_route else "/"
    bases = [re.escape(path) for path in (route_path, shared_path) if path != "/"]
    base = f"({'|'.join(bases)})?" if bases else ""
    well_formed = _matches(f"^{base}(/{segment})*(/models/{segment}(%2[Ff]{segment})*(/{segment})*)?$")
    has_dots = _matches(f"{slash}[.][.]?({slash}|$)")
    exact = " || ".join(f"request.path.endsWith({json.dumps(ending)})" for ending in endpoints)
    alike = _matches(f"(?i)({'|'.join(endpoints)})$".replace("/", slash))
    return f"request.path == {json.dumps(route_path)} || {well_formed} && !{has_dots} && ({exact} || !{alike})"


def _matches(expression: str) -> str:
    return f"request.path.matches({json.dumps(expression)})"


def _provider(provider: Provider, endpoints: Endpoints) -> Spec:
    """Host, port and path stand beside the provider's name: one level higher the API server drops them silently."""
    path = {"path": provider.path} if endpoints == Endpoints.CHAT else {"pathPrefix": provider.path_prefix}
    openai = {} if provider.model is None else {"model": provider.model}
    return {"openai": openai, "host": provider.host, "port": provider.port, **path}


def _connection(provider: Provider) -> Spec:
    """Builds the provider's key and protocol. Without TLS and a version, the proxy would use the client's version."""
    policies: Spec = {} if provider.keyless else {"auth": _auth(provider)}
    if provider.tls is None:
        return {**policies, "http": {"version": "HTTP1"}}
    tls: Spec = {"sni": provider.tls.hostname}
    if provider.tls.ca_certificate_configmap is not None:
        tls["caCertificateRefs"] = [{"name": provider.tls.ca_certificate_configmap}]
    return {**policies, "tls": tls}


def _ai_policy(settings: Settings) -> Spec:
    """What the proxy does with requests; beside the provider's key, it would take the place of all of this.

    Fields are sorted, because programs in other languages hand their maps over in any order.
    """
    policy: Spec = {"routes": _routes(settings)} if settings.endpoints == Endpoints.ALL else {}
    for name, fields in (("defaults", settings.request_defaults), ("overrides", settings.request_overrides)):
        if fields:
            policy[name] = [{"field": field, "value": value} for field, value in sorted(fields.items())]
    if settings.model_aliases:
        policy["modelAliases"] = dict(settings.model_aliases)
    return policy


def _removed_headers(settings: Settings) -> list[str]:
    """Returns headers that no provider gets: the Gateway's own, and the caller's `Authorization` if it isn't replaced.

    The proxy replaces it only by a key in that header.
    """
    keeps_authorization = any(
        each.keyless or (each.auth_header and not each.auth_header.is_authorization) for each in settings.providers
    )
    removed = [AUTHORIZATION] if keeps_authorization else []
    return [*removed, model_routing.MODEL_HEADER] if settings.shared_route else removed


def _route_host(settings: Settings) -> Spec:
    """The proxy sends a host's name by itself, but not its address; the route has one host for all providers."""
    provider = settings.provider
    if settings.fallbacks or not provider.is_address:
        return {}
    return {"hostname": provider.tls.hostname if provider.tls else provider.host}


def _auth(provider: Provider) -> Spec:
    if provider.secret_name is None:
        return {"passthrough": {}}
    auth: Spec = {"secretRef": {"name": provider.secret_name}}
    if header := provider.auth_header:
        auth["location"] = {"header": of_clients.header_location(header)}
    return auth


class AgentgatewayReader(BackendReader):
    """Reads an AgentgatewayBackend, whose providers are either one or a group each."""

    definition = Agentgateway()
    resources: ClassVar[Mapping[str, str]] = {
        agentgateway_api.BACKEND_KIND: "agentgatewaybackends",
        agentgateway_api.POLICY_KIND: "agentgatewaypolicies",
    }
    rewrites_host = True
    without_key = "so the gateway sends nothing to the provider and answers HTTP 500 `service not found`"
    other_endpoints = "give the provider `endpoints: all`, and run `pulumi up`"
    large_requests = (
        "give the Gateway an AgentgatewayPolicy (`targetRefs`) with `frontend.http.maxBufferSize` in bytes, "
        "such as 33554432"
    )

    def read_providers(self, backend: Object) -> list[DeployedProvider]:
        """Reads each provider with its own policies, and with the backend's where it has none."""
        spec = backend.get("spec", {})
        ai = spec.get("ai", {})
        grouped = [provider for group in ai.get("groups") or [] for provider in group.get("providers") or []]
        return [
            _read_provider(provider, {**spec.get("policies", {}), **provider.get("policies", {})})
            for provider in grouped or [ai.get("provider") or {}]
        ]


def _read_provider(provider: Object, policies: Object) -> DeployedProvider:
    auth = policies.get("auth", {})
    return DeployedProvider(
        host=provider.get("host"),
        port=provider.get("port"),
        secret_name=auth.get("secretRef", {}).get("name"),
        gets_callers_token="passthrough" in auth,
        tls=policies.get("tls"),
    )
