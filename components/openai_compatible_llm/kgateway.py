"""The Backend of gateway.kgateway.dev/v1alpha1, as kgateway 2.1 and Solo Enterprise for agentgateway serve it."""

from typing import Any

from .backend import BackendKind
from .settings import AuthHeader, Settings


def spec(settings: Settings) -> dict[str, Any]:
    """The Backend's spec: type AI, the `openai` provider with its host, port and path overridden."""
    openai: dict[str, Any] = {"authToken": {"kind": "SecretRef", "secretRef": {"name": settings.names.secret}}}
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


def _auth_header(header: AuthHeader) -> dict[str, str]:
    fields = {"headerName": header.header_name, "prefix": header.prefix}
    return {field: value for field, value in fields.items() if value is not None}


BACKEND = BackendKind("gateway.kgateway.dev", "v1alpha1", "Backend", spec)
