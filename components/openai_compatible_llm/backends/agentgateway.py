"""Knows the AgentgatewayBackend of agentgateway.dev/v1alpha1, which agentgateway 1.2 and newer serve."""

from collections.abc import Mapping
from typing import ClassVar

from .. import gateway_api
from ..args import Endpoints
from ..settings import AuthHeader, Provider, Settings
from .base import BackendDefinition, Limitation, Object, Spec
from .gateway_errors import SHARED_ERRORS, GatewayError

AUTHORIZATION = "Authorization"

CHAT_PATH = "/v1/chat/completions"
"""The path by which the proxy knows a chat completion, whatever the provider's own."""

ROUTES = {"/chat/completions": "Completions", "/responses": "Responses", "*": "Passthrough"}
"""What the proxy takes a request for, by how its path ends. Only the first two get the backend's `model`.

A path with `/v1` in front would miss requests to the base URL without it. `Models` as a type is answered with HTTP 501.
"""


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
        """Builds the spec: the `openai` provider with its host, port and path overridden, and its key."""
        policies: Spec = {"auth": _auth(settings.provider)}
        if settings.endpoints == Endpoints.ALL:
            policies["ai"] = {"routes": dict(ROUTES)}
        return {"ai": {"provider": _provider(settings.provider, settings.endpoints)}, "policies": policies}

    def route_rules(self, settings: Settings) -> list[Spec]:
        """Builds the rules: with all endpoints, the provider gets the path below the route's.

        A request to the route's path itself is a chat completion in any case. It has a rule of its own in any case too:
        the backend is updated before the route, and would pass such a request on while the route doesn't rewrite it.
        """
        path = settings.route_path
        filters = _route_filters(settings.provider)
        below = filters if settings.endpoints == Endpoints.CHAT else [*filters, gateway_api.prefix_removal()]
        return [
            gateway_api.rule([gateway_api.exact_path(path)], [*filters, gateway_api.path_replacement(CHAT_PATH)]),
            gateway_api.rule([gateway_api.path_prefix(path)], below),
        ]

    def read_endpoint(self, backend: Object) -> str:
        provider = backend.get("spec", {}).get("ai", {}).get("provider", {})
        return f"{provider.get('host', '?')}:{provider.get('port', '?')}"

    def read_secret_name(self, backend: Object) -> str | None:
        name: str | None = _read_auth(backend).get("secretRef", {}).get("name")
        return name

    def reads_passthrough(self, backend: Object) -> bool:
        return "passthrough" in _read_auth(backend)


def _read_auth(backend: Object) -> Object:
    auth: Object = backend.get("spec", {}).get("policies", {}).get("auth", {})
    return auth


def _provider(provider: Provider, endpoints: Endpoints) -> Spec:
    """Host, port and path stand beside the provider's name: one level higher the API server drops them silently."""
    path = {"path": provider.path} if endpoints == Endpoints.CHAT else {"pathPrefix": provider.path_prefix}
    openai = {} if provider.model is None else {"model": provider.model}
    return {"openai": openai, "host": provider.host, "port": provider.port, **path}


def _route_filters(provider: Provider) -> list[Spec]:
    """With the key in another header, the proxy would hand the caller's own `Authorization` to the provider."""
    header = provider.auth_header
    if provider.secret_name is not None and header is not None and not _is_authorization(header):
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
