"""The two objects of the Kubernetes Gateway API: HTTPRoute and BackendTLSPolicy, both gateway.networking.k8s.io/v1."""

from typing import Any

from .backend import BackendKind
from .settings import TLS, Settings

API_VERSION = "gateway.networking.k8s.io/v1"


def route_spec(settings: Settings, backend: BackendKind) -> dict[str, Any]:
    """The HTTPRoute's spec: from the path prefix at the Gateway to the backend, with the provider's host name."""
    parent = {"name": settings.gateway.name, "namespace": settings.gateway.namespace}
    if settings.gateway.section_name is not None:
        parent["sectionName"] = settings.gateway.section_name
    rule: dict[str, Any] = {"matches": [{"path": {"type": "PathPrefix", "value": settings.route_path}}]}
    if filters := backend.route_filters(settings):
        rule["filters"] = filters
    rule["backendRefs"] = [
        {
            "name": settings.names.backend,
            "namespace": settings.namespace,
            "group": backend.group,
            "kind": backend.kind,
        }
    ]
    spec: dict[str, Any] = {"parentRefs": [parent], "rules": [rule]}
    if settings.hostnames:
        spec["hostnames"] = list(settings.hostnames)
    return spec


def rewrite_host(settings: Settings) -> list[dict[str, Any]]:
    """Builds the filter that puts the provider's host name into the Host header; none with `rewrite_host` off."""
    return [{"type": "URLRewrite", "urlRewrite": {"hostname": settings.host}}] if settings.rewrite_host else []


def tls_policy_spec(settings: Settings, tls: TLS, backend: BackendKind) -> dict[str, Any]:
    """The BackendTLSPolicy's spec: TLS to the backend, and what its certificate is held against.

    It names no `sectionName`: a policy with one is passed over for a backend of one provider.
    """
    validation: dict[str, Any] = {"hostname": tls.hostname}
    if tls.ca_certificate_configmap is None:
        validation["wellKnownCACertificates"] = "System"
    else:
        validation["caCertificateRefs"] = [{"group": "", "kind": "ConfigMap", "name": tls.ca_certificate_configmap}]
    return {
        "targetRefs": [{"name": settings.names.backend, "kind": backend.kind, "group": backend.group}],
        "validation": validation,
    }
