"""Builds the two objects of the Kubernetes Gateway API: HTTPRoute and BackendTLSPolicy."""

from collections.abc import Mapping, Sequence
from typing import Any

GROUP = "gateway.networking.k8s.io"
API_VERSION = f"{GROUP}/v1"

Spec = dict[str, Any]


def route_spec(parent: Mapping[str, str], hostnames: Sequence[str], rules: Sequence[Spec]) -> Spec:
    """Builds the HTTPRoute's spec, for all host names if there are none."""
    return {"parentRefs": [dict(parent)], "rules": list(rules), **({"hostnames": list(hostnames)} if hostnames else {})}


def rule(match: str, path: str, filters: Sequence[Spec], header: Spec | None = None) -> Spec:
    """Builds a rule of the HTTPRoute, but for where it leads. Only one of its filters may be of each type.

    The match is `Exact` for one path, `PathPrefix` for a path and everything below it. A header must match as well.
    """
    condition = {"path": {"type": match, "value": path}, **({"headers": [header]} if header else {})}
    return {"matches": [condition], **({"filters": list(filters)} if filters else {})}


def remove_headers(names: Sequence[str]) -> list[Spec]:
    """Builds the filters that take these headers from a request: one, or none if there are no headers."""
    return [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": list(names)}}] if names else []


def timeouts(seconds: int | None, *, is_retried: bool) -> Spec:
    """Builds how long a rule waits until an answer begins.

    Where requests are sent again, the time is for each attempt: `request` would span them all, so that a provider that
    says nothing would use up the time of the others.
    """
    return {} if seconds is None else {"timeouts": {"backendRequest" if is_retried else "request": f"{seconds}s"}}


def url_rewrite(changes: Spec) -> Spec:
    """Builds the filter that changes a request's path, its Host header, or both."""
    return {"type": "URLRewrite", "urlRewrite": changes}


def tls_policy_spec(backend: Mapping[str, str], hostname: str, ca_certificate_configmap: str | None) -> Spec:
    """Builds the BackendTLSPolicy's spec, which has the gateway speak TLS and check the certificate.

    Without a ConfigMap, the system's certificate authorities count. It has no `sectionName`: the gateways skip a policy
    with one for a backend of a single provider.
    """
    validation: Spec = {"hostname": hostname}
    if ca_certificate_configmap is None:
        validation["wellKnownCACertificates"] = "System"
    else:
        validation["caCertificateRefs"] = [{"group": "", "kind": "ConfigMap", "name": ca_certificate_configmap}]
    return {"targetRefs": [dict(backend)], "validation": validation}
