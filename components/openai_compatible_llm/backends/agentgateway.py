"""Knows the AgentgatewayBackend of agentgateway.dev/v1alpha1, which agentgateway 1.2 and newer serve."""

from collections.abc import Mapping
from typing import ClassVar

from .. import gateway_api
from ..settings import AuthHeader, Settings
from .base import BackendDefinition, Object, Spec
from .gateway_errors import SHARED_ERRORS, GatewayError

AUTHORIZATION = "Authorization"


class Agentgateway(BackendDefinition):
    """The gateways are agentgateway's own."""

    group = "agentgateway.dev"
    version = "v1alpha1"
    kind = "AgentgatewayBackend"
    tls_policy_suffix = "-agentgateway-tls"
    tls_policy_ready = None
    limitations = ()
    tls_policy_ancestor = "Gateway"
    rewrites_host = True
    without_key = "so the gateway sends nothing to the provider and answers HTTP 500 `service not found`"
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

        Host, port and path stand beside the provider's name: one level higher the API server drops them silently.
        """
        openai = {} if settings.model is None else {"model": settings.model}
        provider = {"openai": openai, "host": settings.host, "port": settings.port, "path": settings.path}
        return {"ai": {"provider": provider}, "policies": {"auth": _auth(settings)}}

    def route_filters(self, settings: Settings) -> list[Spec]:
        """Builds the filters for the Host header, and for a key that has a header of its own.

        With the key in another header, the proxy leaves the caller's `Authorization` as it is. Without the filter, the
        caller's own token would reach the provider.
        """
        filters = gateway_api.host_rewrite(settings.host) if settings.rewrite_host else []
        header = settings.auth_header
        if settings.secret_name is not None and header is not None and not _is_authorization(header):
            filters += gateway_api.header_removal(AUTHORIZATION)
        return filters

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


def _auth(settings: Settings) -> Spec:
    if settings.secret_name is None:
        return {"passthrough": {}}
    auth: Spec = {"secretRef": {"name": settings.secret_name}}
    if settings.auth_header is not None:
        auth["location"] = {"header": _header(settings.auth_header)}
    return auth


def _header(header: AuthHeader) -> dict[str, str]:
    name = header.header_name or AUTHORIZATION
    prefix = header.prefix or ("Bearer" if _is_authorization(header) else None)
    # The API takes the prefix literally, so the space before the key belongs to it.
    return {"name": name, "prefix": f"{prefix} "} if prefix else {"name": name}


def _is_authorization(header: AuthHeader) -> bool:
    return (header.header_name or AUTHORIZATION).lower() == AUTHORIZATION.lower()


DEFINITION = Agentgateway()
