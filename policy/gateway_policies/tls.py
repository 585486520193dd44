"""Whether requests reach a provider by TLS, and what its certificate is held against."""

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .objects import GATEWAY_API, UNKNOWN, KubernetesObject, Unknown

HTTPS_PORT = 443

Violation = tuple[str, str]
"""What is wrong, and the URN of the resource in which it is."""


@dataclass(frozen=True)
class Endpoint:
    """A host of a backend's.

    Attributes:
        host: Its name or address, or `UNKNOWN`.
        port: Its TCP port, or `UNKNOWN`.
        section: What a policy's `sectionName` calls it, where the backend has several.
        own_tls: Whether the backend itself says how to check it, in `policies.tls` of the newer generation.
    """

    host: Any
    port: Any
    section: str | None
    own_tls: bool


@dataclass(frozen=True)
class Target:
    """What a BackendTLSPolicy is for, and the name that it expects in the certificate."""

    policy: KubernetesObject
    reference: Any
    hostname: Any

    def is_for(self, backend: KubernetesObject, endpoint: Endpoint, *, if_unknown: bool) -> bool:
        """`if_unknown` is the answer where something that decides it isn't known yet."""
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
    """Backends on port 443 for which there is no BackendTLSPolicy: requests would go out in plain HTTP."""
    targets = list(_targets(objects))
    for backend, endpoint in _endpoints_of_all(objects):
        if endpoint.port != HTTPS_PORT or endpoint.own_tls:
            continue
        if not any(target.is_for(backend, endpoint, if_unknown=True) for target in targets):
            message = f"port {HTTPS_PORT}{_of(endpoint)} takes TLS, and no BackendTLSPolicy in its namespace targets it"
            yield f"{backend}: {message}. Make one.", backend.urn


def hostnames_of_others(objects: Collection[KubernetesObject], allowed: Collection[str] = ()) -> Iterator[Violation]:
    """BackendTLSPolicies that expect a certificate for another name than the host's.

    A host that is an address has no name to compare.

    Args:
        objects: All of the stack.
        allowed: Host names that a policy may expect although the host has another.
    """
    targets = list(_targets(objects))
    for backend, endpoint in _endpoints_of_all(objects):
        if not isinstance(endpoint.host, str) or _is_address(endpoint.host):
            continue
        for target in targets:
            if not target.is_for(backend, endpoint, if_unknown=False) or not isinstance(target.hostname, str):
                continue
            if target.hostname.lower() not in {endpoint.host.lower(), *(name.lower() for name in allowed)}:
                expected = f'validation.hostname is "{target.hostname}", and the host of {backend} is "{endpoint.host}"'
                meant = "Where that is meant, name it in the policy's configuration, under allowedHostnames"
                yield f"{target.policy}: {expected}. {meant}.", target.policy.urn


def _endpoints_of_all(objects: Iterable[KubernetesObject]) -> Iterator[tuple[KubernetesObject, Endpoint]]:
    for each in objects:
        if each.is_backend:
            for endpoint in _endpoints(each.spec):
                yield each, endpoint


def _endpoints(value: Any, section: str | None = None, *, own_tls: bool = False) -> Iterator[Endpoint]:
    """Wherever the API has a host and a port side by side."""
    if isinstance(value, list):
        for each in value:
            yield from _endpoints(each, section, own_tls=own_tls)
    elif isinstance(value, Mapping):
        policies = value.get("policies")
        own_tls = own_tls or (isinstance(policies, Mapping) and policies.get("tls") is not None)
        section = name if isinstance(name := value.get("name"), str) else section
        if value.get("host") is not None and value.get("port") is not None:
            yield Endpoint(value["host"], value["port"], section, own_tls)
        for each in value.values():
            yield from _endpoints(each, section, own_tls=own_tls)


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
