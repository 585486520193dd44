"""Checks that requests reach a provider by TLS, and that its certificate must be for its host."""

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import gateway_api
from .apis import GatewayApi
from .objects import KubernetesObject, Violation, backends, format_path, get, walk

HTTPS_PORT = 443

_ALLOW = "If that is intended, add it to allowedHostnames in the policy's configuration"


@dataclass(frozen=True)
class Upstream:
    """A host that a backend leads to; each value may be `UNKNOWN`.

    Attributes:
        section: Name by which a policy's `sectionName` refers to it, if the backend has several.
        tls: Its own TLS settings, which go before a policy; None where there are none.
    """

    backend: KubernetesObject
    api: GatewayApi
    host: Any
    port: Any
    section: Any
    tls: Any

    def targeted_by(self, policies: Iterable[KubernetesObject], *, if_unknown: bool) -> list[KubernetesObject]:
        """Returns the policies for it; with `if_unknown`, also those of which that isn't known yet."""
        backend = self.backend.identity
        return [p for p in policies if gateway_api.is_for(p, backend, section=self.section, if_unknown=if_unknown)]


def backends_without_tls(objects: Collection[KubernetesObject]) -> Iterator[Violation]:
    """Yields a violation for each backend on port 443 without a BackendTLSPolicy: it would get plain HTTP."""
    policies = gateway_api.of_kind(objects, "BackendTLSPolicy")
    for each in upstreams(objects):
        if each.port == HTTPS_PORT and each.tls is None and not each.targeted_by(policies, if_unknown=True):
            host = f" of {each.host}" if isinstance(each.host, str) else ""
            message = f"port {HTTPS_PORT}{host} expects TLS, and no BackendTLSPolicy in its namespace targets it"
            yield f"{each.backend}: {message}. Create one.", each.backend.urn


def wrong_hostnames(objects: Collection[KubernetesObject], allowed: Collection[str] = ()) -> Iterator[Violation]:
    """Yields a violation for each certificate that is expected to be for another name than the host's.

    The name is a BackendTLSPolicy's `hostname`, or in a backend's own TLS settings. An address has no name to compare.

    Args:
        objects: All objects of the stack.
        allowed: Host names that a certificate may be for although they differ from the host.
    """
    policies = gateway_api.of_kind(objects, "BackendTLSPolicy")
    for each in upstreams(objects):
        if not isinstance(each.host, str) or _is_address(each.host):
            continue
        right = {name.lower() for name in (each.host, *allowed)}
        if each.tls is not None:
            *_, name = path = each.api.tls_hostname
            expected = [(each.backend, format_path(path), get(each.tls, name), "the host")]
        else:
            field, host = "validation.hostname", f"the host of {each.backend}"
            targeting = each.targeted_by(policies, if_unknown=False)
            expected = [(policy, field, get(policy.spec, *field.split(".")), host) for policy in targeting]
        for wrong, field, hostname, host in expected:
            if isinstance(hostname, str) and hostname.lower() not in right:
                yield f'{wrong}: {field} is "{hostname}", but {host} is "{each.host}". {_ALLOW}.', wrong.urn


def upstreams(objects: Iterable[KubernetesObject]) -> Iterator[Upstream]:
    """Yields an upstream wherever a backend's spec has a host beside a port."""
    for backend, api in backends(objects):
        for _, value, around in walk(backend.spec):
            host, port = get(value, api.host), get(value, api.port)
            if isinstance(value, Mapping) and host is not None and port is not None:
                scopes = (value, *around)
                tls = _innermost(scopes, api.tls_hostname[:-1]) if api.tls_hostname else None
                yield Upstream(backend, api, host, port, _innermost(scopes, (api.section,)), tls)


def _innermost(scopes: Iterable[Any], path: Iterable[str]) -> Any:
    found = (get(scope, *path) for scope in scopes)
    return next((each for each in found if each is not None), None)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
