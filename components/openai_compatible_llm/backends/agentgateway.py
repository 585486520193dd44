"""Knows AgentgatewayBackend and AgentgatewayPolicy of agentgateway.dev/v1alpha1, for agentgateway 1.2 and newer."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from .. import gateway_api
from ..args import Endpoints, RateLimitPeriod
from ..settings import AuthHeader, Provider, RateLimit, Settings
from .base import BackendDefinition, Limitation, Object, Spec
from .gateway_errors import SHARED_ERRORS, GatewayError

AUTHORIZATION = "Authorization"

CHAT_PATH = "/v1/chat/completions"
"""The path by which the proxy knows a chat completion, whatever the provider's own."""

ROUTES = {"/chat/completions": "Completions", "/responses": "Responses", "*": "Passthrough"}
"""What the proxy takes a request for, by how its path ends. Only the first two get the backend's `model`.

A path with `/v1` in front would miss requests to the base URL without it. `Models` as a type is answered with HTTP 501.
"""


HEALTH = {
    "unhealthyCondition": "default(response.code, 599) >= 500 || default(response.code, 599) == 429",
    "eviction": {"duration": "3s"},
}
"""When a provider has failed, and how long it is left out then: for so long times the number of its failures so far.

A request that got no answer has no code. Without the default, it would not count as a failure.
"""

UNITS = {RateLimitPeriod.SECOND: "Seconds", RateLimitPeriod.MINUTE: "Minutes", RateLimitPeriod.HOUR: "Hours"}


class Agentgateway(BackendDefinition):
    """The gateways are agentgateway's own."""

    group = "agentgateway.dev"
    version = "v1alpha1"
    kind = "AgentgatewayBackend"
    tls_policy_suffix = "-agentgateway-tls"
    tls_policy_ready = None
    limitations = (
        Limitation(
            ("rewrite_host",),
            "these gateways always set the provider's own host; leave this argument out",
            lambda rewrite_host: not rewrite_host,
        ),
    )
    tls_policy_ancestor = "Gateway"
    rewrites_host = True
    without_key = "so the gateway sends nothing to the provider and answers HTTP 500 `service not found`"
    policy_kind = "AgentgatewayPolicy"
    policy_arguments = frozenset({"retries", "fallbacks", "client_api_keys", "client_api_keys_secret", "rate_limits"})
    default_endpoints = Endpoints.ALL
    other_endpoints = "give the provider `endpoints: all`, and run `pulumi up`"
    large_requests = (
        "give the Gateway an AgentgatewayPolicy (`targetRefs`) with `frontend.http.maxBufferSize` in bytes, "
        "such as 33554432"
    )
    errors: ClassVar[Mapping[str, GatewayError]] = {
        "backend does not exist": GatewayError.NO_BACKEND,
        "oidc failure": GatewayError.CLIENT_AUTH,
        "upstream call timeout": GatewayError.TIMEOUT,
        **SHARED_ERRORS,
    }

    def spec(self, settings: Settings) -> Spec:
        """Builds the spec: the `openai` provider with its host, port and path overridden, and its key.

        With fallbacks each provider is a group of its own, because the proxy goes to the next group only.
        """
        ai = _ai_policy(settings)
        policies: Spec = {"ai": ai} if ai else {}
        if not settings.fallbacks:
            provider = _provider(settings.provider, settings.endpoints)
            return {"ai": {"provider": provider}, "policies": {"auth": _auth(settings.provider), **policies}}
        groups = [{"providers": [_group_provider(each, settings.endpoints)]} for each in settings.providers]
        return {"ai": {"groups": groups}, **({"policies": policies} if policies else {})}

    def policy(self, settings: Settings) -> Spec:
        """Builds which requests the route takes, and when it sends one again."""
        traffic: Spec = {}
        if settings.clients_secret_name is not None:
            secret = {"name": settings.clients_secret_name}
            traffic["apiKeyAuthentication"] = {"mode": "Strict", "secretRef": secret}
        if settings.rate_limits:
            traffic["rateLimit"] = {"local": [_rate_limit(limit) for limit in settings.rate_limits]}
        if settings.retries is not None:
            traffic["retry"] = {
                "attempts": settings.retries.attempts,
                "codes": list(settings.retries.status_codes),
                "backoff": f"{settings.retries.backoff_milliseconds}ms",
            }
        return {"traffic": traffic}

    def route_rules(self, settings: Settings) -> list[Spec]:
        """Builds the rules, which give the backend the path below the route's.

        They are the same whatever the endpoints, so that a change of those is a change of the backend alone. A request
        to the route's path itself is a chat completion in any case.
        """
        path = settings.route_path
        filters = _route_filters(settings.providers)
        return [
            gateway_api.rule([gateway_api.exact_path(path)], [*filters, gateway_api.path_replacement(CHAT_PATH)]),
            gateway_api.rule([gateway_api.path_prefix(path)], [*filters, gateway_api.prefix_removal()]),
        ]

    def read_endpoint(self, backend: Object) -> str:
        return " or ".join(f"{each.get('host', '?')}:{each.get('port', '?')}" for each in _read_providers(backend))

    def read_secret_names(self, backend: Object) -> list[str]:
        names = [policies.get("auth", {}).get("secretRef", {}).get("name") for policies in _read_policies(backend)]
        return list(dict.fromkeys(filter(None, names)))

    def reads_passthrough(self, backend: Object) -> bool:
        return any("passthrough" in policies.get("auth", {}) for policies in _read_policies(backend))

    def has_own_tls(self, backend: Object) -> bool:
        return all("tls" in policies for policies in _read_policies(backend))


def _read_providers(backend: Object) -> list[Object]:
    ai = backend.get("spec", {}).get("ai", {})
    of_groups = [provider for group in ai.get("groups") or [] for provider in group.get("providers") or []]
    return of_groups or [ai.get("provider") or {}]


def _read_policies(backend: Object) -> list[Object]:
    """Reads the policies of each provider: its own, and the backend's where it has none."""
    of_backend = backend.get("spec", {}).get("policies", {})
    return [{**of_backend, **each.get("policies", {})} for each in _read_providers(backend)]


def _provider(provider: Provider, endpoints: Endpoints) -> Spec:
    """Host, port and path stand beside the provider's name: one level higher the API server drops them silently."""
    path = {"path": provider.path} if endpoints == Endpoints.CHAT else {"pathPrefix": provider.path_prefix}
    openai = {} if provider.model is None else {"model": provider.model}
    return {"openai": openai, "host": provider.host, "port": provider.port, **path}


def _group_provider(provider: Provider, endpoints: Endpoints) -> Spec:
    """A provider in a group has its key and TLS beside it, and is left out for a while when it fails."""
    policies: Spec = {"auth": _auth(provider), "health": dict(HEALTH)}
    if provider.tls is not None:
        policies["tls"] = {"sni": provider.tls.hostname}
        if provider.tls.ca_certificate_configmap is not None:
            policies["tls"]["caCertificateRefs"] = [{"name": provider.tls.ca_certificate_configmap}]
    return {"name": provider.name, **_provider(provider, endpoints), "policies": policies}


def _ai_policy(settings: Settings) -> Spec:
    """What the proxy does with requests; beside the provider's key, it would take the place of all of this.

    Fields are sorted, because programs in other languages hand their maps over in any order.
    """
    policy: Spec = {"routes": dict(ROUTES)} if settings.endpoints == Endpoints.ALL else {}
    for name, fields in (("defaults", settings.request_defaults), ("overrides", settings.request_overrides)):
        if fields:
            policy[name] = [{"field": field, "value": value} for field, value in sorted(fields.items())]
    if settings.model_aliases:
        policy["modelAliases"] = dict(settings.model_aliases)
    return policy


def _rate_limit(limit: RateLimit) -> Spec:
    amount = {"tokens": limit.tokens} if limit.requests is None else {"requests": limit.requests}
    return {**amount, "unit": UNITS[limit.per], **({"burst": limit.burst} if limit.burst else {})}


def _route_filters(providers: Sequence[Provider]) -> list[Spec]:
    """With the key in another header, the proxy would hand the caller's own `Authorization` to the provider."""
    headers = [each.auth_header for each in providers if each.secret_name is not None]
    if any(header is not None and not _is_authorization(header) for header in headers):
        return [gateway_api.header_removal(AUTHORIZATION)]
    return []


def _auth(provider: Provider) -> Spec:
    if provider.secret_name is None:
        return {"passthrough": {}}
    auth: Spec = {"secretRef": {"name": provider.secret_name}}
    if provider.auth_header is not None:
        auth["location"] = {"header": _header(provider.auth_header)}
    return auth


def _header(header: AuthHeader) -> dict[str, str]:
    name = header.header_name or AUTHORIZATION
    prefix = header.prefix or ("Bearer" if _is_authorization(header) else None)
    # The API takes the prefix literally, so the space before the key belongs to it.
    return {"name": name, "prefix": f"{prefix} "} if prefix else {"name": name}


def _is_authorization(header: AuthHeader) -> bool:
    return (header.header_name or AUTHORIZATION).lower() == AUTHORIZATION.lower()


DEFINITION = Agentgateway()
