"""Finds what is broken in the cluster's objects, hop by hop."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import SplitResult

from .. import client_url
from ..backends import SECRET_KEY
from ..presets import HTTPS_PORT
from .client_checks import check_key, check_limit, check_model, check_rate_limit_service
from .clients import ClientKey
from .error_responses import ProviderBody, not_served
from .hops import Finding, Hop, find, recognize
from .model_checks import check_model_policies, check_model_rule, check_responding_policy, check_shared_gateway
from .outcome import Endpoint, Failure, HTTPError, Response
from .redaction import sanitize
from .request_path import (
    Lookup,
    RequestPath,
    SecretLookup,
    gateway_of,
    matches_path,
    parent_conditions,
    parent_ref,
    path_prefixes,
    policy_conditions,
    unmet_conditions,
)
from .targets import Target


@dataclass(frozen=True)
class Evidence:
    """All that is known of a request that failed: what it resulted in, and what the cluster has of its path."""

    target: Target
    path: RequestPath
    failure: Failure
    endpoint: Endpoint = Endpoint.CHAT
    key: ClientKey | None = None

    @property
    def status(self) -> int | None:
        return self.failure.status if isinstance(self.failure, Response) else None

    @property
    def text(self) -> str:
        """Returns the response's body; empty where none arrived."""
        return self.failure.text if isinstance(self.failure, Response) else ""

    @property
    def not_served(self) -> str | None:
        """Returns the gateway's message that no provider takes the request at a shared URL; None where it has none."""
        return not_served(self.failure, self.target) if isinstance(self.failure, HTTPError) else None

    @property
    def url(self) -> SplitResult:
        return self.target.url


def gateway_status(path: RequestPath) -> Iterator[str]:
    """Yields what the cluster knows about a gateway that doesn't serve the request."""
    gateway = path.gateway
    if gateway.is_missing:
        yield f"there is no {gateway.name}"
    for problem in unmet_conditions(gateway.conditions, "Accepted", "Programmed"):
        yield f"{gateway.name}: {sanitize(problem)}"
    addresses = [each.get("value", "") for each in gateway.found.get("status", {}).get("addresses") or []]
    if addresses:
        yield f"the status of {gateway.name} has the address {', '.join(addresses)}"


def missing_route(path: RequestPath, route: Lookup) -> Iterator[str]:
    if route.is_missing:
        yield f"there is no {route.name} in the cluster of context {path.context}"


def _check_gateway(evidence: Evidence) -> Iterator[Finding]:
    """Yields that the gateway is another one than the route's. Nothing else explains that it doesn't have the route."""
    route = evidence.path.first_route
    if route.found:
        yield find("route.another_gateways", route=route.name, gateway=gateway_of(route.found))


def _check_route(evidence: Evidence) -> Iterator[Finding]:
    """Yields why the gateway finds no route, or at a shared URL none for the request's model."""
    path, target = evidence.path, evidence.target
    if evidence.not_served is None:
        yield from _check_attachment(evidence, path.first_route)
        yield from _check_match(evidence, path.first_route)
        return
    yield from check_model_policies(path, target)
    if target.owner or path.route.found:
        yield from check_shared_gateway(path)
        yield from _check_attachment(evidence, path.route)
        yield from check_model_rule(path, target)


def _check_attachment(evidence: Evidence, route: Lookup) -> Iterator[Finding]:
    """Yields why the gateway doesn't have the route for this host name."""
    gateway = evidence.path.gateway
    for missing in missing_route(evidence.path, route):
        yield find("route.missing", said=missing, deploy=_deploy(evidence.target))
    if not route.found:
        return
    names = {"route": route.name, "gateway": gateway_of(route.found)}
    if gateway.is_missing:
        yield find("route.without_gateway", **names)
        return
    reported = parent_conditions(route.found)
    if not reported:
        yield find("route.no_report", **names)
    for problem in unmet_conditions(reported, "Accepted"):
        said = f"the Gateway {names['gateway']} doesn't accept {route.name}: {sanitize(problem)}"
        fault = recognize("reason", problem) or "route.rejected"
        yield find(fault if _has_listener(route, evidence.path) else "route.missing_listener", said=said, **names)
    host, hostnames = evidence.url.hostname or "", route.found["spec"].get("hostnames") or []
    if not client_url.matches_hostname(hostnames, host):
        yield find("route.other_hostnames", matched=", ".join(hostnames), host=host, **names)


def _check_match(evidence: Evidence, route: Lookup) -> Iterator[Finding]:
    """Yields why neither the route nor a listener takes the request, whatever its model."""
    target = evidence.target
    if not route.found:
        return
    names = {"route": route.name, "gateway": gateway_of(route.found)}
    if not matches_path(route.found, target.path):
        matched = ", ".join(dict.fromkeys(path_prefixes(route.found)))
        yield find("route.other_path", matched=matched, path=target.path, deploy=_deploy(target), **names)
    listeners: list[str] = [each.get("hostname", "") for each in evidence.path.listeners]
    host = evidence.url.hostname or ""
    if all(listeners) and not client_url.matches_hostname(listeners, host):
        yield find("route.other_listeners", matched=", ".join(listeners), host=host, **names)


def _deploy(target: Target) -> str:
    return f"run `pulumi up -s {target.stack}`" if target.stack else "deploy it"


def _has_listener(route: Lookup, path: RequestPath) -> bool:
    """Tells whether the Gateway has the listener that the route names."""
    section = parent_ref(route.found).get("sectionName")
    return not section or not path.gateway.found or any(section == each["name"] for each in path.listeners)


def check_secret(path: RequestPath) -> Iterator[Finding]:
    """Yields why the gateway has no key to send, for each provider without one."""
    effect = f", {path.api.without_key}" if path.api else ""
    for secret in path.secrets:
        if not secret.error and not secret.api_key:
            yield find("secret.no_key", missing=_missing_key(secret), effect=effect, entry=SECRET_KEY)


def _missing_key(secret: SecretLookup) -> str:
    if secret.is_missing:
        return f"{secret.name}, which the backend names, does not exist"
    if SECRET_KEY in secret.keys:
        return f"{secret.name} is empty under `{SECRET_KEY}`"
    keys = ", ".join(f"`{key}`" for key in secret.keys) or "nothing"
    return f"{secret.name} has no `{SECRET_KEY}`; it has {keys}"


def _check_caller(evidence: Evidence) -> Iterator[Finding]:
    """Yields what is wrong with the client: its key, its model or its limit."""
    path, key = evidence.path, evidence.key
    if evidence.status == HTTPStatus.UNAUTHORIZED:
        yield from check_key(path, key)
    elif evidence.status == HTTPStatus.FORBIDDEN:
        yield from check_model(path, key, evidence.target.model, evidence.endpoint)
    elif evidence.status == HTTPStatus.TOO_MANY_REQUESTS:
        yield from check_limit(path, key)


def _check_backend(evidence: Evidence) -> Iterator[Finding]:
    """Yields why the gateway has no backend for the route."""
    path, backend = evidence.path, evidence.path.backend
    if evidence.text.startswith("no valid backends"):
        yield from check_responding_policy(path, evidence.endpoint)
    if backend.is_missing:
        yield find("backend.missing", backend=backend.name, route=path.route.name)
    if not backend.found or path.api is None:
        return
    reported = backend.conditions
    problems = list(unmet_conditions(reported, "Accepted")) if reported else ["no controller has reported on it"]
    problems += unmet_conditions(parent_conditions(path.route.found), "ResolvedRefs")
    if problems and not path.api.definition.has_tls_policy:
        yield from _check_authorities(path.authorities, backend.name)
    for problem in problems:
        yield find("backend.not_accepted", backend=backend.name, detail=sanitize(problem))


def _check_tls(evidence: Evidence) -> Iterator[Finding]:
    """Yields why TLS to the provider fails."""
    path = evidence.path
    if path.api is None or not path.backend.found:
        return
    check = _check_tls_policies if path.api.definition.has_tls_policy else _check_tls_of_backend
    yield from check(evidence, path.backend.name)


def _check_tls_policies(evidence: Evidence, backend: str) -> Iterator[Finding]:
    path, policy_name = evidence.path, evidence.target.tls_policy_name
    (provider,) = path.providers
    if path.policies == () and (policy_name or provider.port == HTTPS_PORT):
        missing = f" ({policy_name} is missing)" if policy_name else ""
        yield find("tls.no_policy", backend=backend, missing=missing, endpoint=provider.endpoint)
    for policy in path.policies or ():
        name = f"BackendTLSPolicy {policy['metadata']['namespace']}/{policy['metadata']['name']}"
        reported = policy_conditions(policy, backend.partition(" ")[0])
        if any("sectionName" in each for each in policy["spec"]["targetRefs"]):
            yield find("tls.section_name", policy=name)
        yield from _check_authorities(path.authorities, name)
        for problem in unmet_conditions(reported, "Accepted", "ResolvedRefs", "Attached"):
            yield find("tls.not_accepted", policy=name, detail=sanitize(problem))
        hostname = policy["spec"]["validation"].get("hostname")
        yield from _check_certificate(evidence, name, [f"{provider.endpoint} to have a certificate for {hostname}"])
        if not reported:
            yield find("tls.no_report", policy=name)


def _check_tls_of_backend(evidence: Evidence, backend: str) -> Iterator[Finding]:
    providers = evidence.path.providers
    for each in providers:
        if each.tls is None and each.port == HTTPS_PORT:
            yield find("tls.no_settings", backend=backend, endpoint=each.endpoint)
    yield from _check_authorities(evidence.path.authorities, backend)
    expected = [f"{each.endpoint} to have a certificate for {each.tls.get('sni')}" for each in providers if each.tls]
    yield from _check_certificate(evidence, backend, expected)


def _check_certificate(evidence: Evidence, owner: str, expected: list[str]) -> Iterator[Finding]:
    fault = recognize("upstream", evidence.text) or ""
    if expected and fault.startswith("tls."):
        yield find(fault, said=f"{owner} expects {', and '.join(dict.fromkeys(expected))}")


def _check_authorities(authorities: Lookup, owner: str) -> Iterator[Finding]:
    """Yields why the gateway doesn't have the certificate authorities that the owner names."""
    names = {"authorities": authorities.name, "owner": owner}
    if authorities.is_missing:
        yield find("tls.no_authorities", **names)
    elif authorities.found and not authorities.found.get("data", {}).get("ca.crt", "").strip():
        yield find("tls.empty_authorities", **names)


def _check_host(evidence: Evidence) -> Iterator[Finding]:
    """Checks the Host header: a CDN answers a wrong one with a page, and the provider's API never sees the request."""
    is_gateways = evidence.path.sends_gateway_host
    if evidence.status == HTTPStatus.MISDIRECTED_REQUEST or (is_gateways and not ProviderBody(evidence.text).is_json):
        unchanged = f"; {evidence.path.route.name} leaves the Host header as it is" if is_gateways else ""
        yield find("host.not_rewritten", unchanged=unchanged)


CHECKS: Mapping[Hop, Callable[[Evidence], Iterator[Finding]]] = {
    Hop.GATEWAY: _check_gateway,
    Hop.ROUTE: _check_route,
    Hop.CALLER: _check_caller,
    Hop.REQUEST: lambda evidence: check_rate_limit_service(evidence.path),
    Hop.BACKEND: _check_backend,
    Hop.SECRET: lambda evidence: check_secret(evidence.path),
    Hop.TLS: _check_tls,
    Hop.HOST: _check_host,
}
"""Finds why a hop is broken, by the objects in the cluster. The first finding counts."""
