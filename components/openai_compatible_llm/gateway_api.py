"""The two objects of the Kubernetes Gateway API: HTTPRoute and BackendTLSPolicy, both gateway.networking.k8s.io/v1."""

from typing import Any

from .backend import BackendKind
from .settings import Settings

API_VERSION = "gateway.networking.k8s.io/v1"


def route_spec(settings: Settings, backend: BackendKind) -> dict[str, Any]:
    """The HTTPRoute's spec: from the path prefix at the Gateway to the backend, with the provider's host name."""
    rule: dict[str, Any] = {"matches": [{"path": {"type": "PathPrefix", "value": settings.route_path}}]}
    if settings.rewrite_host:
        rule["filters"] = [{"type": "URLRewrite", "urlRewrite": {"hostname": settings.host}}]
    rule["backendRefs"] = [
        {
            "name": settings.names.backend,
            "namespace": settings.namespace,
            "group": backend.group,
            "kind": backend.kind,
        }
    ]
    return {
        "parentRefs": [{"name": settings.gateway_name, "namespace": settings.gateway_namespace}],
        "rules": [rule],
    }


def tls_policy_spec(settings: Settings, backend: BackendKind) -> dict[str, Any]:
    """The BackendTLSPolicy's spec: TLS to the backend, its certificate held against its host and the system's CAs."""
    return {
        "targetRefs": [{"name": settings.names.backend, "kind": backend.kind, "group": backend.group}],
        "validation": {"hostname": settings.host, "wellKnownCACertificates": "System"},
    }
