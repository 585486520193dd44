"""Builds the two objects of the Kubernetes Gateway API: HTTPRoute and BackendTLSPolicy."""

from collections.abc import Mapping, Sequence
from typing import Any

from .settings import TLS, Settings

API_VERSION = "gateway.networking.k8s.io/v1"

Spec = dict[str, Any]


def route_spec(settings: Settings, backend: Mapping[str, str], rules: Sequence[Spec]) -> Spec:
    """Builds the HTTPRoute's spec, which leads from the Gateway to the backend.

    Args:
        settings: The component's.
        backend: Name, group and kind of the backend.
        rules: Which requests the route takes, and what it changes about them.
    """
    parent = {"name": settings.gateway.name, "namespace": settings.gateway.namespace}
    if settings.gateway.section_name is not None:
        parent["sectionName"] = settings.gateway.section_name
    backend_refs = [{**backend, "namespace": settings.namespace}]
    spec: Spec = {"parentRefs": [parent], "rules": [{**rule, "backendRefs": backend_refs} for rule in rules]}
    if settings.hostnames:
        spec["hostnames"] = list(settings.hostnames)
    return spec


def rule(matches: Sequence[Spec], filters: Sequence[Spec]) -> Spec:
    """Builds a rule of the HTTPRoute, but for where it leads."""
    return {"matches": list(matches), **({"filters": list(filters)} if filters else {})}


def timeouts(settings: Settings) -> Spec:
    """Builds how long a rule waits until an answer begins.

    Where requests are sent again, the time is for each attempt: `request` would span them all, so that a provider that
    says nothing would use up the time of the others.
    """
    if settings.request_timeout_seconds is None:
        return {}
    timeout = f"{settings.request_timeout_seconds}s"
    return {"timeouts": {"request": timeout} if settings.retries is None else {"backendRequest": timeout}}


def route_reference(settings: Settings) -> Spec:
    """Builds how a policy refers to the route."""
    return {"group": API_VERSION.partition("/")[0], "kind": "HTTPRoute", "name": settings.names.route}


def path_prefix(path: str) -> Spec:
    """Builds a match for a path and everything below it."""
    return {"path": {"type": "PathPrefix", "value": path}}


def exact_path(path: str) -> Spec:
    """Builds a match for one path."""
    return {"path": {"type": "Exact", "value": path}}


def path_replacement(path: str) -> Spec:
    """Builds the change of a URLRewrite that replaces the request's path."""
    return {"path": {"type": "ReplaceFullPath", "replaceFullPath": path}}


def prefix_removal() -> Spec:
    """Builds the change of a URLRewrite that takes the prefix that matched off the request's path."""
    return {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}


def host_rewrite(host: str) -> Spec:
    """Builds the change of a URLRewrite that sets the Host header."""
    return {"hostname": host}


def url_rewrite(*changes: Spec) -> Spec:
    """Builds the filter that makes these changes. A rule may have only one of it."""
    return {"type": "URLRewrite", "urlRewrite": {name: value for each in changes for name, value in each.items()}}


def header_removal(name: str) -> Spec:
    """Builds the filter that removes a header from the request."""
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": [name]}}


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
