"""Builds the two objects of the Kubernetes Gateway API: HTTPRoute and BackendTLSPolicy."""

from collections.abc import Mapping
from typing import Any

from .settings import TLS, Settings

API_VERSION = "gateway.networking.k8s.io/v1"

Spec = dict[str, Any]


def route_spec(settings: Settings, backend: Mapping[str, str], filters: list[Spec]) -> Spec:
    """Builds the HTTPRoute's spec, which leads from the path prefix at the Gateway to the backend.

    Args:
        settings: The component's.
        backend: Name, group and kind of the backend.
        filters: What the route changes about requests.
    """
    parent = {"name": settings.gateway.name, "namespace": settings.gateway.namespace}
    if settings.gateway.section_name is not None:
        parent["sectionName"] = settings.gateway.section_name
    rule: Spec = {"matches": [{"path": {"type": "PathPrefix", "value": settings.route_path}}]}
    if filters:
        rule["filters"] = filters
    rule["backendRefs"] = [{**backend, "namespace": settings.namespace}]
    spec: Spec = {"parentRefs": [parent], "rules": [rule]}
    if settings.hostnames:
        spec["hostnames"] = list(settings.hostnames)
    return spec


def host_rewrite(host: str) -> list[Spec]:
    """Builds the filter that sets the Host header."""
    return [{"type": "URLRewrite", "urlRewrite": {"hostname": host}}]


def header_removal(name: str) -> list[Spec]:
    """Builds the filter that removes a header from the request."""
    return [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": [name]}}]


def tls_policy_spec(tls: TLS, backend: Mapping[str, str]) -> Spec:
    """Builds the BackendTLSPolicy's spec, which has the gateway speak TLS and check the provider's certificate.

    It has no `sectionName`: the gateways skip a policy with one for a backend of a single provider.
    """
    validation: Spec = {"hostname": tls.hostname}
    if tls.ca_certificate_configmap is None:
        validation["wellKnownCACertificates"] = "System"
    else:
        validation["caCertificateRefs"] = [{"group": "", "kind": "ConfigMap", "name": tls.ca_certificate_configmap}]
    return {"targetRefs": [dict(backend)], "validation": validation}
