"""Builds the two objects of the Kubernetes Gateway API: HTTPRoute and BackendTLSPolicy."""

from collections.abc import Mapping, Sequence
from typing import Any

API_VERSION = "gateway.networking.k8s.io/v1"

Spec = dict[str, Any]


def route_spec(parent: Mapping[str, str], hostnames: Sequence[str], rules: Sequence[Spec]) -> Spec:
    """Builds the HTTPRoute's spec.

    Args:
        parent: The Gateway that it attaches to.
        hostnames: The host names that it takes; all if there are none.
        rules: Which requests it takes, what it changes about them, and where they lead.
    """
    return {"parentRefs": [dict(parent)], "rules": list(rules), **({"hostnames": list(hostnames)} if hostnames else {})}


def rule(matches: Sequence[Spec], filters: Sequence[Spec]) -> Spec:
    """Builds a rule of the HTTPRoute, but for where it leads."""
    return {"matches": list(matches), **({"filters": list(filters)} if filters else {})}


def timeouts(seconds: int | None, *, is_retried: bool) -> Spec:
    """Builds how long a rule waits until an answer begins.

    Where requests are sent again, the time is for each attempt: `request` would span them all, so that a provider that
    says nothing would use up the time of the others.
    """
    return {} if seconds is None else {"timeouts": {"backendRequest" if is_retried else "request": f"{seconds}s"}}


def route_reference(name: str) -> Spec:
    """Builds how a policy refers to the route."""
    return {"group": API_VERSION.partition("/")[0], "kind": "HTTPRoute", "name": name}


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


def tls_policy_spec(backend: Mapping[str, str], hostname: str, ca_certificate_configmap: str | None) -> Spec:
    """Builds the BackendTLSPolicy's spec, which has the gateway speak TLS and check the certificate.

    It has no `sectionName`: the gateways skip a policy with one for a backend of a single provider.

    Args:
        backend: How policies refer to the backend.
        hostname: Name that the certificate must be for.
        ca_certificate_configmap: Name of the ConfigMap with the certificate authorities; None for the system's.
    """
    validation: Spec = {"hostname": hostname}
    if ca_certificate_configmap is None:
        validation["wellKnownCACertificates"] = "System"
    else:
        validation["caCertificateRefs"] = [{"group": "", "kind": "ConfigMap", "name": ca_certificate_configmap}]
    return {"targetRefs": [dict(backend)], "validation": validation}
