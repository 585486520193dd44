"""Finds what is broken in the cluster's objects, whatever the gateway's response was."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from .. import client_url
from ..backends import SECRET_KEY
from ..backends.base import DeployedProvider, Object
from ..presets import HTTPS_PORT
from .hops import Finding, Hop
from .redaction import sanitize
from .request_path import (
    Lookup,
    RequestPath,
    SecretLookup,
    conditions,
    matches_path,
    parent_conditions,
    parent_ref,
    path_prefixes,
    policy_conditions,
    rewrites_host,
    unmet_conditions,
)
from .targets import Target

RESTORE = "`pulumi up --refresh`"


def check_route(request_path: RequestPath, target: Target) -> Iterator[Finding]:
    """Yields why the gateway finds no route."""
    lookup, gateway = request_path.route, request_path.gateway
    if lookup.is_missing:
        yield _route(
            f"there is no {lookup.name} in the cluster of context {request_path.context}",
            f"{_deploy(target)}, or choose another cluster (--context)",
        )
    route = lookup.found
    if route is None:
        return
    parent = parent_ref(route)
    name = f"{parent['namespace']}/{parent.get('name')}"
    if gateway and gateway.is_missing:
        yield _route(
            f"there is no {gateway.name}, to which {lookup.name} attaches",
            "compare `gateway` in the stack's config with `kubectl get gateways -A`",
        )
        return
    reported = parent_conditions(route)
    if not reported:
        yield _route(
            f"no controller has reported on {lookup.name} for the Gateway {name}",
            "check that the gateway's controller runs, and that it serves the Gateway's class",
        )
    for problem in unmet_conditions(reported, "Accepted"):
        yield _route(
            f"the Gateway {name} doesn't accept {lookup.name}: {sanitize(problem)}",
            _remedy_for_rejected_route(problem, name, has_listener=_has_listener(route, gateway)),
        )
    yield from _check_host_and_path(request_path, target)


def _has_listener(route: Object, gateway: Lookup | None) -> bool:
    """Tells whether the Gateway has the listener that the route names; kgateway reports a missing one as forbidden."""
    section = parent_ref(route).get("sectionName")
    if section is None or gateway is None or gateway.found is None:
        return True
    return any(listener["name"] == section for listener in gateway.found["spec"]["listeners"])


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


def _check_host_and_path(request_path: RequestPath, target: Target) -> Iterator[Finding]:
    """Yields why an accepted route doesn't match the request."""
    route, name = request_path.route.found or {}, request_path.route.name
    host = urlsplit(target.base_url).hostname or ""
    hostnames = route["spec"].get("hostnames") or []
    if not client_url.matches_hostname(hostnames, host):
        yield _route(
            f"{name} matches {', '.join(hostnames)}, and the request was for {host}",
            "use one of these names in the gateway's URL, or change `hostnames`",
        )
    if not matches_path(route, target.path):
        yield _route(
            f"{name} matches the path {', '.join(path_prefixes(route))}, and the request was for {target.path}",
            f"{_deploy(target)}, or use the route's path (--path)",
        )
    gateway = request_path.gateway
    listeners = ((gateway and gateway.found) or {}).get("spec", {}).get("listeners") or []
    named = [listener["hostname"] for listener in listeners if listener.get("hostname")]
    if gateway and listeners and len(named) == len(listeners) and not client_url.matches_hostname(named, host):
        yield _route(
            f"the listeners of the {gateway.name} match {', '.join(named)}, and the request was for {host}",
            "use one of these names in the gateway's URL",
        )


def check_secret(request_path: RequestPath) -> Iterator[Finding]:
    """Yields why the gateway has no key to send, for each provider without one."""
    for secret in request_path.secrets:
        if secret.lookup.error is None and not secret.api_key:
            yield _missing_key(request_path, secret)


def _missing_key(request_path: RequestPath, secret: SecretLookup) -> Finding:
    if secret.lookup.found is None:
        problem = f"{secret.lookup.name}, which the backend names, does not exist"
    elif SECRET_KEY not in secret.keys:
        keys = ", ".join(f"`{key}`" for key in secret.keys) or "nothing"
        problem = f"{secret.lookup.name} has no `{SECRET_KEY}`; it has {keys}"
    else:
        problem = f"{secret.lookup.name} is empty under `{SECRET_KEY}`"
    effect = f", {request_path.api.without_key}" if request_path.api else ""
    return Finding(
        Hop.SECRET,
        f"{problem}{effect}",
        f"run `pulumi up --refresh` if the stack creates the Secret; otherwise put the key into it under "
        f"`{SECRET_KEY}`, without blanks",
    )


def check_backend(request_path: RequestPath) -> Iterator[Finding]:
    """Yields why the gateway has no backend for the route."""
    backend = request_path.backend
    if backend is None or backend.error is not None:
        return
    if backend.found is None:
        evidence = f"there is no {backend.name}, to which {request_path.route.name} leads"
        yield Finding(Hop.BACKEND, evidence, RESTORE)
        return
    reported = conditions(backend.found)
    problems = list(unmet_conditions(reported, "Accepted")) if reported else ["no controller has reported on it"]
    if request_path.route.found:
        problems += unmet_conditions(parent_conditions(request_path.route.found), "ResolvedRefs")
    if problems and request_path.api and not request_path.api.definition.has_tls_policy:
        yield from _check_authorities(request_path.authorities, backend.name)
    for problem in problems:
        yield Finding(
            Hop.BACKEND,
            f"{backend.name} is not accepted: {sanitize(problem)}",
            f"fix what the message names (`kubectl describe` the {backend.name}); "
            "if no controller has reported on it, set the `api` that the gateway's controller serves",
        )


def check_tls(request_path: RequestPath, target: Target, gateway_message: str) -> Iterator[Finding]:
    """Yields why TLS to the provider fails."""
    api, backend = request_path.api, request_path.backend
    if api is None or backend is None or backend.found is None:
        return
    providers = api.read_providers(backend.found)
    if not api.definition.has_tls_policy:
        yield from _check_own_tls(request_path, backend.name, providers, gateway_message)
        return
    (provider,) = providers
    endpoint = provider.endpoint
    if request_path.policies == () and (target.tls_policy_name or provider.port == HTTPS_PORT):
        missing = f" ({target.tls_policy_name} is missing)" if target.tls_policy_name else ""
        yield _tls(
            f"no BackendTLSPolicy targets {backend.name}{missing}, so the gateway speaks plain HTTP to {endpoint}",
            RESTORE,
        )
    for policy in request_path.policies or ():
        name = f"BackendTLSPolicy {policy['metadata']['namespace']}/{policy['metadata']['name']}"
        reported = policy_conditions(policy, api.definition.kind)
        if any("sectionName" in each for each in policy["spec"]["targetRefs"]):
            yield _tls(f"{name} has a `sectionName`, so the gateway ignores it", "remove the `sectionName`")
        yield from _check_authorities(request_path.authorities, name)
        for problem in unmet_conditions(reported, "Accepted", "ResolvedRefs", "Attached"):
            yield _tls(f"{name} is not accepted: {sanitize(problem)}", "fix what the message names")
        if is_tls_error(gateway_message):
            hostname = policy["spec"]["validation"].get("hostname")
            yield tls_finding(gateway_message, f"{name} expects {endpoint} to have a certificate for {hostname}")
        if not reported:
            yield _tls(f"no controller has reported on {name}", "check that the gateway's controller runs")


def _check_own_tls(
    request_path: RequestPath, backend: str, providers: Sequence[DeployedProvider], gateway_message: str
) -> Iterator[Finding]:
    """Checks the TLS settings in the backend."""
    for each in providers:
        if each.tls is None and each.port == HTTPS_PORT:
            yield _tls(f"{backend} has no TLS settings, so the gateway speaks plain HTTP to {each.endpoint}", RESTORE)
    yield from _check_authorities(request_path.authorities, backend)
    expected = [f"{each.endpoint} to have a certificate for {each.tls.get('sni')}" for each in providers if each.tls]
    if expected and is_tls_error(gateway_message):
        yield tls_finding(gateway_message, f"{backend} expects {', and '.join(dict.fromkeys(expected))}")


def _check_authorities(authorities: Lookup | None, owner: str) -> Iterator[Finding]:
    if authorities is None or authorities.error is not None:
        return
    remedy = "put the certificate authorities into it under `ca.crt`, in PEM"
    if authorities.found is None:
        yield _tls(f"{authorities.name}, which {owner} names, does not exist", remedy)
    elif not authorities.found["data"].get("ca.crt", "").strip():
        yield _tls(f"{authorities.name}, which {owner} names, has no `ca.crt`", remedy)


_TLS_REMEDIES = (
    (("valid for",), "set `host` to a name that the certificate is valid for, or `tls.hostname`"),
    (("unknownissuer", "unknown issuer"), "give the authority that signed it as `tls.caCertificateConfigmap`"),
    (("expired", "notvalidyet", "not valid yet"), "the provider has to renew its certificate"),
    (("certificate",), "fix the certificate, or how it is validated (`tls`)"),
    (("corrupt message", "invalidcontenttype"), "the provider seems to speak plain HTTP: see `tls.disabled`"),
)


def is_tls_error(gateway_message: str) -> bool:
    """Tells whether the gateway's message is about a certificate, or about a peer that doesn't speak TLS."""
    return any(word in gateway_message.lower() for words, _ in _TLS_REMEDIES for word in words)


def tls_finding(gateway_message: str, evidence: str) -> Finding:
    """Makes a finding whose remedy follows from the gateway's message alone."""
    message = gateway_message.lower()
    remedies = [remedy for words, remedy in _TLS_REMEDIES if any(word in message for word in words)]
    fallback = (
        "check that a BackendTLSPolicy targets the Backend and is accepted, or that the AgentgatewayBackend has "
        f"`policies.tls`: {RESTORE}"
    )
    return _tls(evidence, next(iter(remedies), fallback))


def sends_gateway_host(request_path: RequestPath) -> bool:
    """Tells whether the provider gets the gateway's Host header: neither the route nor the proxy replaces it."""
    route, api = request_path.route.found, request_path.api
    return route is not None and not rewrites_host(route) and api is not None and not api.rewrites_host


def _route(evidence: str, remedy: str) -> Finding:
    return Finding(Hop.ROUTE, evidence, remedy)


def _tls(evidence: str, remedy: str) -> Finding:
    return Finding(Hop.TLS, evidence, remedy)


def _deploy(target: Target) -> str:
    return f"run `pulumi up -s {target.stack}`" if target.stack else "deploy it"
