"""Checks that requests reach a provider by TLS, and that its certificate must be for its host."""

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .apis import APIS, GatewayApi
from .objects import GATEWAY_API, UNKNOWN, KubernetesObject, Unknown, Violation, value_at

HTTPS_PORT = 443

_ALLOW = "If that is intended, add it to allowedHostnames in the policy's configuration"


@dataclass(frozen=True)
class Endpoint:
    """A host that a backend leads to.

    Attributes:
        host: Host name or address, or `UNKNOWN`.
        port: TCP port, or `UNKNOWN`.
        section: Name by which a policy's `sectionName` refers to it, if the backend has several.
        own_tls: The backend's or the provider's own TLS settings, which go before a policy; None if there are none.
    """

    host: Any
    port: Any
    section: str | None
    own_tls: Any


@dataclass(frozen=True)
class Target:
    """One target of a BackendTLSPolicy, and the name that the certificate must be for."""

    policy: KubernetesObject
    reference: Any
    hostname: Any

    def is_for(self, backend: KubernetesObject, endpoint: Endpoint, *, if_unknown: bool) -> bool:
        """Tells whether the target is this endpoint; `if_unknown` where that isn't known yet."""
        if not isinstance(self.reference, Mapping):
            return if_unknown
        section = self.reference.get("sectionName")
        pairs = [
            (self.policy.namespace, backend.namespace),
            (self.reference.get("group", ""), backend.group),
            (self.reference.get("kind"), backend.kind),
            (self.reference.get("name"), backend.name),
            *([(section, endpoint.section)] if section else []),
        ]
        known = [pair for pair in pairs if UNKNOWN not in pair]
        return all(one == other for one, other in known) and (if_unknown or len(known) == len(pairs))


def backends_without_tls(objects: Collection[KubernetesObject]) -> Iterator[Violation]:
    """Yields a violation for each backend on port 443 without a BackendTLSPolicy: it would get plain HTTP."""
    targets = list(_targets(objects))
    for backend, endpoint in _endpoints_of_all(objects):
        if endpoint.port != HTTPS_PORT or endpoint.own_tls is not None:
            continue
        if not any(target.is_for(backend, endpoint, if_unknown=True) for target in targets):
            message = (
                f"port {HTTPS_PORT}{_of(endpoint)} expects TLS, and no BackendTLSPolicy in its namespace targets it"
            )
            yield f"{backend}: {message}. Create one.", backend.urn


def wrong_hostnames(objects: Collection[KubernetesObject], allowed: Collection[str] = ()) -> Iterator[Violation]:
    """Yields a violation for each certificate that is expected to be for another name than the host's.

    The name is a BackendTLSPolicy's `hostname`, or a backend's own `sni`. The name for an address isn't compared.

    Args:
        objects: All objects of the stack.
        allowed: Host names that a policy may expect although they differ from the host.
    """
    targets = list(_targets(objects))
    for backend, endpoint in _endpoints_of_all(objects):
        if not isinstance(endpoint.host, str) or _is_address(endpoint.host):
            continue
        right = {endpoint.host.lower(), *(name.lower() for name in allowed)}
        if endpoint.own_tls is not None:
            api = APIS[backend.group]
            name = value_at(endpoint.own_tls, api.sni)
            if isinstance(name, str) and name.lower() not in right:
                expected = f'{".".join((*api.tls, api.sni))} is "{name}", but the host is "{endpoint.host}"'
                yield f"{backend}: {expected}. {_ALLOW}.", backend.urn
            continue
        for target in targets:
            if not target.is_for(backend, endpoint, if_unknown=False) or not isinstance(target.hostname, str):
                continue
            if target.hostname.lower() not in right:
                expected = f'validation.hostname is "{target.hostname}", but the host of {backend} is "{endpoint.host}"'
                yield f"{target.policy}: {expected}. {_ALLOW}.", target.policy.urn


def _endpoints_of_all(objects: Iterable[KubernetesObject]) -> Iterator[tuple[KubernetesObject, Endpoint]]:
    for each in objects:
        if each.is_backend:
            for endpoint in _endpoints(each.spec, APIS[each.group]):
                yield each, endpoint


def _endpoints(value: Any, api: GatewayApi, section: str | None = None, own_tls: Any = None) -> Iterator[Endpoint]:
    """Yields an endpoint wherever a spec has a host beside a port."""
    if isinstance(value, list):
        for each in value:
            yield from _endpoints(each, api, section, own_tls)
    elif isinstance(value, Mapping):
        tls = value_at(value, *api.tls) if api.tls else None
        own_tls = own_tls if tls is None else tls
        section = name if isinstance(name := value.get(api.section), str) else section
        host, port = value.get(api.host), value.get(api.port)
        if host is not None and port is not None:
            yield Endpoint(host, port, section, own_tls)
        for each in value.values():
            yield from _endpoints(each, api, section, own_tls)


def _targets(objects: Iterable[KubernetesObject]) -> Iterator[Target]:
    for policy in objects:
        if (policy.group, policy.kind) != (GATEWAY_API, "BackendTLSPolicy"):
            continue
        spec = policy.spec if isinstance(policy.spec, Mapping) else {"targetRefs": policy.spec}
        references = spec.get("targetRefs")
        validation = spec.get("validation")
        hostname = validation.get("hostname") if isinstance(validation, Mapping) else validation
        if isinstance(references, Unknown):
            references = [UNKNOWN]
        for reference in references or []:
            yield Target(policy, reference, hostname)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _of(endpoint: Endpoint) -> str:
    return f" of {endpoint.host}" if isinstance(endpoint.host, str) else ""
