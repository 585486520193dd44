"""The AgentgatewayBackend of agentgateway.dev/v1alpha1, as agentgateway 1.x serves it."""

from typing import Any

from . import gateway_api, readiness
from .backend import BackendKind
from .settings import AuthHeader, Settings

AUTHORIZATION = "Authorization"


def spec(settings: Settings) -> dict[str, Any]:
    """The AgentgatewayBackend's spec: the `openai` provider with its host, port and path overridden, and its key.

    Host, port and path stand beside the provider's name: a level higher the API server drops them without a word.
    """
    openai = {} if settings.model is None else {"model": settings.model}
    return {
        "ai": {
            "provider": {"openai": openai, "host": settings.host, "port": settings.port, "path": settings.path},
        },
        "policies": {"auth": _auth(settings)},
    }


def route_filters(settings: Settings) -> list[dict[str, Any]]:
    """Builds the filters for the provider's Host header, and for a key that goes into a header of its own.

    With the key in another header, the proxy leaves the caller's `Authorization` as it is: without the filter, the
    caller's own token would reach the provider.
    """
    filters = gateway_api.rewrite_host(settings)
    header = settings.auth_header
    if settings.secret_name is not None and header is not None and not _is_authorization(header):
        filters.append({"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": [AUTHORIZATION]}})
    return filters


def warnings(_settings: Settings) -> list[str]:
    """This generation does as it is asked."""
    return []


def _auth(settings: Settings) -> dict[str, Any]:
    if settings.secret_name is None:
        return {"passthrough": {}}
    auth: dict[str, Any] = {"secretRef": {"name": settings.secret_name}}
    if settings.auth_header is not None:
        auth["location"] = {"header": _header(settings.auth_header)}
    return auth


def _header(header: AuthHeader) -> dict[str, str]:
    name = header.header_name or AUTHORIZATION
    prefix = header.prefix or ("Bearer" if _is_authorization(header) else None)
    # The API takes the prefix to the letter, the blank before the key included.
    return {"name": name, "prefix": f"{prefix} "} if prefix else {"name": name}


def _is_authorization(header: AuthHeader) -> bool:
    return (header.header_name or AUTHORIZATION).lower() == AUTHORIZATION.lower()


BACKEND = BackendKind(
    group="agentgateway.dev",
    version="v1alpha1",
    kind="AgentgatewayBackend",
    tls_policy_suffix="-agentgateway-tls",
    spec=spec,
    ready_when=readiness.ACCEPTED,
    accepts_policy_before_route=False,
    route_filters=route_filters,
    sends_auth_header=True,
    warnings=warnings,
)
