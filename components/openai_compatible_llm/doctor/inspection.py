"""Finds what is broken in the cluster's objects, hop by hop."""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus

from .. import client_url
from ..backends import SECRET_KEY
from ..backends.base import Object
from .error_responses import ProviderBody
from .evidence import Evidence
from .hops import Finding, Hop
from .redaction import sanitize
from .request_path import (
    Lookup,
    RequestPath,
    SecretLookup,
    matches_path,
    parent_conditions,
    parent_ref,
    path_prefixes,
    unmet_conditions,
)
from .targets import GATEWAY_URL, Target
from .tls import RESTORE, check_authorities, check_tls

ANOTHER_URL = f"give another {GATEWAY_URL}"


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


def missing_route(path: RequestPath) -> Iterator[str]:
    if path.route.is_missing:
        yield f"there is no {path.route.name} in the cluster of context {path.context}"


def _check_gateway(evidence: Evidence) -> Iterator[Finding]:
    """Yields that the gateway is another one than the route's. Nothing else explains that it doesn't have the route."""
    path = evidence.path
    if path.route.found:
        accepted = f"yet {path.route.name} is accepted by the {path.gateway.name}, and matches this path and host"
        yield _route(accepted, f"the URL seems to be another gateway's: {ANOTHER_URL}")


def _check_route(evidence: Evidence) -> Iterator[Finding]:
    """Yields why the gateway finds no route."""
    path, target = evidence.path, evidence.target
    for missing in missing_route(path):
        yield _route(missing, f"{_deploy(target)}, or choose another cluster (--context)")
    route, gateway = path.route, path.gateway
    if not route.found:
        return
    parent = parent_ref(route.found)
    name = f"{parent['namespace']}/{parent.get('name')}"
    if gateway.is_missing:
        yield _route(
            f"there is no {gateway.name}, to which {route.name} attaches",
            "compare `gateway` in the stack's config with `kubectl get gateways -A`",
        )
        return
    reported = parent_conditions(route.found)
    if not reported:
        yield _route(
            f"no controller has reported on {route.name} for the Gateway {name}",
            "check that the gateway's controller runs, and that it serves the Gateway's class",
        )
    for problem in unmet_conditions(reported, "Accepted"):
        yield _route(
            f"the Gateway {name} doesn't accept {route.name}: {sanitize(problem)}",
            _remedy_for_rejected_route(problem, name, has_listener=_has_listener(parent, gateway)),
        )
    yield from _check_host_and_path(evidence)


def _has_listener(parent: Object, gateway: Lookup) -> bool:
    """Tells whether the Gateway has the listener that the route names; kgateway reports a missing one as forbidden."""
    section = parent.get("sectionName")
    return not section or not gateway.found or any(section == each["name"] for each in _listeners(gateway))


def _listeners(gateway: Lookup) -> list[Object]:
    return list(gateway.found.get("spec", {}).get("listeners") or [])


def _remedy_for_rejected_route(problem: str, gateway: str, *, has_listener: bool) -> str:
    if "NoMatchingParent" in problem or not has_listener:
        return "set `gateway.sectionName` to the name of a listener, or leave it out"
    if "NotAllowedByListeners" in problem:
        return (
            f"let a listener of the Gateway {gateway} accept routes from this namespace (`allowedRoutes`), "
            "or use another Gateway"
        )
    if "NoMatchingListenerHostname" in problem:
        return "set `hostnames` that a listener accepts (`kubectl get gateways -A -o yaml`)"
    return f"compare `gateway` in the stack's config with `kubectl describe gateway` of {gateway}"


def _check_host_and_path(evidence: Evidence) -> Iterator[Finding]:
    """Yields why an accepted route doesn't match the request."""
    route, gateway = evidence.path.route, evidence.path.gateway
    host, path = evidence.url.hostname or "", evidence.target.path
    hostnames = route.found["spec"].get("hostnames") or []
    if not client_url.matches_hostname(hostnames, host):
        yield _route(
            f"{route.name} matches {', '.join(hostnames)}, and the request was for {host}",
            "use one of these names in the gateway's URL, or change `hostnames`",
        )
    if not matches_path(route.found, path):
        yield _route(
            f"{route.name} matches the path {', '.join(path_prefixes(route.found))}, and the request was for {path}",
            f"{_deploy(evidence.target)}, or use the route's path (--path)",
        )
    listeners = [each.get("hostname") for each in _listeners(gateway)]
    named = [each for each in listeners if each]
    if len(named) == len(listeners) and not client_url.matches_hostname(named, host):
        yield _route(
            f"the listeners of the {gateway.name} match {', '.join(named)}, and the request was for {host}",
            "use one of these names in the gateway's URL",
        )


def check_secret(path: RequestPath) -> Iterator[Finding]:
    """Yields why the gateway has no key to send, for each provider without one."""
    effect = f", {path.api.without_key}" if path.api else ""
    remedy = (
        f"run {RESTORE} if the stack creates the Secret; otherwise put the key into it under `{SECRET_KEY}`, "
        "without blanks"
    )
    for secret in path.secrets:
        if not secret.error and not secret.api_key:
            yield Finding(Hop.SECRET, f"{_missing_key(secret)}{effect}", remedy)


def _missing_key(secret: SecretLookup) -> str:
    if secret.is_missing:
        return f"{secret.name}, which the backend names, does not exist"
    if SECRET_KEY in secret.keys:
        return f"{secret.name} is empty under `{SECRET_KEY}`"
    keys = ", ".join(f"`{key}`" for key in secret.keys) or "nothing"
    return f"{secret.name} has no `{SECRET_KEY}`; it has {keys}"


def _check_backend(evidence: Evidence) -> Iterator[Finding]:
    """Yields why the gateway has no backend for the route."""
    path, backend = evidence.path, evidence.path.backend
    if backend.is_missing:
        yield Finding(Hop.BACKEND, f"there is no {backend.name}, to which {path.route.name} leads", RESTORE)
    if not backend.found or path.api is None:
        return
    reported = backend.conditions
    problems = list(unmet_conditions(reported, "Accepted")) if reported else ["no controller has reported on it"]
    problems += unmet_conditions(parent_conditions(path.route.found), "ResolvedRefs")
    if problems and not path.api.definition.has_tls_policy:
        yield from check_authorities(path.authorities, backend.name)
    for problem in problems:
        yield Finding(
            Hop.BACKEND,
            f"{backend.name} is not accepted: {sanitize(problem)}",
            f"fix what the message names (`kubectl describe` the {backend.name}); "
            "if no controller has reported on it, set the `api` that the gateway's controller serves",
        )


def _check_host(evidence: Evidence) -> Iterator[Finding]:
    """Checks the Host header: a CDN answers a wrong one with a page, and the provider's API never sees the request."""
    is_gateways = evidence.path.sends_gateway_host
    if evidence.status == HTTPStatus.MISDIRECTED_REQUEST or (is_gateways and not ProviderBody(evidence.text).is_json):
        unchanged = f"; {evidence.path.route.name} leaves the Host header as it is" if is_gateways else ""
        remedy = "leave `rewriteHost` at its default, true"
        yield Finding(Hop.HOST, f"the response isn't in an API's format{unchanged}", remedy)


CHECKS: Mapping[Hop, Callable[[Evidence], Iterator[Finding]]] = {
    Hop.GATEWAY: _check_gateway,
    Hop.ROUTE: _check_route,
    Hop.BACKEND: _check_backend,
    Hop.SECRET: lambda evidence: check_secret(evidence.path),
    Hop.TLS: check_tls,
    Hop.HOST: _check_host,
}
"""Finds why a hop is broken, by the objects in the cluster. The first finding counts."""


def _route(evidence: str, remedy: str) -> Finding:
    return Finding(Hop.ROUTE, evidence, remedy)


def _deploy(target: Target) -> str:
    return f"run `pulumi up -s {target.stack}`" if target.stack else "deploy it"
