"""The Backend of gateway.kgateway.dev/v1alpha1, as kgateway 2.1 and Solo Enterprise for agentgateway serve it."""

from typing import Any

from . import gateway_api, readiness
from .backend import BackendKind
from .settings import AuthHeader, Settings

_IGNORED_AUTH_HEADER = (
    "The Backend has the auth_header, but agentgateway proxies of gateway.kgateway.dev ignore it: the provider gets "
    "`Authorization: Bearer <key>`. With `api: agentgateway`, for gateways of agentgateway.dev, the header is sent."
)


def spec(settings: Settings) -> dict[str, Any]:
    """The Backend's spec: type AI, the `openai` provider with its host, port and path overridden."""
    openai: dict[str, Any] = {"authToken": _auth_token(settings.secret_name)}
    if settings.model is not None:
        openai["model"] = settings.model
    llm: dict[str, Any] = {
        "openai": openai,
        "host": settings.host,
        "port": settings.port,
        "path": {"full": settings.path},
    }
    if settings.auth_header is not None:
        llm["authHeader"] = _auth_header(settings.auth_header)
    return {"type": "AI", "ai": {"llm": llm}}


def route_filters(settings: Settings) -> list[dict[str, Any]]:
    """Builds the filter that gives the provider its own name in the Host header."""
    return gateway_api.rewrite_host(settings)


def warnings(settings: Settings) -> list[str]:
    """The Backend takes an `authHeader`, and the agentgateway proxies of its generation ignore it."""
    header = settings.auth_header
    if header is None or (header.header_name in (None, "Authorization") and header.prefix in (None, "Bearer")):
        return []
    return [_IGNORED_AUTH_HEADER]


def _auth_token(secret_name: str | None) -> dict[str, Any]:
    if secret_name is None:
        return {"kind": "Passthrough"}
    return {"kind": "SecretRef", "secretRef": {"name": secret_name}}


def _auth_header(header: AuthHeader) -> dict[str, str]:
    fields = {"headerName": header.header_name, "prefix": header.prefix}
    return {field: value for field, value in fields.items() if value is not None}


BACKEND = BackendKind(
    group="gateway.kgateway.dev",
    version="v1alpha1",
    kind="Backend",
    tls_policy_suffix="-tls",
    spec=spec,
    ready_when=readiness.ACCEPTED,
    accepts_policy_before_route=True,
    route_filters=route_filters,
    sends_auth_header=False,
    warnings=warnings,
)
