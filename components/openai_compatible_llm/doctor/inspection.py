"""What is broken in the chain's objects, whatever the gateway answered."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from .. import client_url
from ..component import SECRET_KEY
from .chain import (
    BACKEND_OF_KGATEWAY,
    Chain,
    Look,
    SecretLook,
    ancestor_conditions_of,
    backend_of,
    conditions_of,
    endpoint_of,
    parent_conditions_of,
    parent_of,
    paths_of,
    rewrites_host,
    takes,
    unmet,
)
from .links import Finding, Link
from .redaction import quoted
from .targets import Target

HTTPS_PORT = ":443"
RESTORE = "`pulumi up --refresh`"


def broken_route(chain: Chain, target: Target) -> Iterator[Finding]:
    """Why the gateway finds no route, as far as the objects tell."""
    route, gateway = chain.route.found, chain.gateway
    if chain.route.is_missing:
        yield _route(
            f"there is no {chain.route.what} in the cluster of context {chain.context}",
            f"{_up(target)}, or name the right cluster (--context)",
        )
    if route is None:
        return
    parent = parent_of(route)
    name = f"{parent['namespace']}/{parent.get('name')}"
    if gateway and gateway.is_missing:
        yield _route(
            f"there is no {gateway.what}, to which {chain.route.what} attaches",
            "compare `gateway` in the stack's config with `kubectl get gateways -A`",
        )
        return
    conditions = parent_conditions_of(route)
    if not conditions:
        yield _route(
            f"no controller has taken up {chain.route.what} for the Gateway {name}",
            "see that the gateway's controller runs, and that the Gateway's class is one of its own",
        )
    for said in unmet(conditions, "Accepted"):
        yield _route(
            f"the Gateway {name} doesn't accept {chain.route.what}: {quoted(said)}",
            _remedy_of_unaccepted_route(said, name),
        )
    yield from _route_of_other_requests(chain, target)


def _remedy_of_unaccepted_route(said: str, gateway: str) -> str:
    if "NotAllowedByListeners" in said:
        return (
            f"let a listener of the Gateway {gateway} admit routes of this namespace (`allowedRoutes`), or name another"
        )
    if "NoMatchingListenerHostname" in said:
        return "give `hostnames` that a listener is for (`kubectl get gateways -A -o yaml`)"
    if "NoMatchingParent" in said:
        return "give a `gateway.sectionName` that is the name of a listener, or none"
    return f"compare `gateway` in the stack's config with `kubectl describe gateway` of {gateway}"


def _route_of_other_requests(chain: Chain, target: Target) -> Iterator[Finding]:
    """The route is well, and not for what was asked."""
    route = chain.route.found or {}
    host = urlsplit(target.base_url).hostname or ""
    hostnames = route["spec"].get("hostnames") or []
    if not client_url.matches_hostname(hostnames, host):
        yield _route(
            f"{chain.route.what} is for {', '.join(hostnames)}, and the request was for {host}",
            "ask by one of these names: give the gateway's URL with it, or change `hostnames`",
        )
    if not takes(route, target.path):
        yield _route(
            f"{chain.route.what} is for the path {', '.join(paths_of(route))}, and the request was for {target.path}",
            f"{_up(target)}, or give the route's path (--path)",
        )
    listeners = ((chain.gateway and chain.gateway.found) or {}).get("spec", {}).get("listeners") or []
    named = [listener["hostname"] for listener in listeners if listener.get("hostname")]
    if listeners and len(named) == len(listeners) and not client_url.matches_hostname(named, host):
        yield _route(
            f"the listeners of the {chain.gateway.what if chain.gateway else 'Gateway'} are for {', '.join(named)}, "
            f"and the request was for {host}",
            "ask by one of these names: give the gateway's URL with it",
        )


def broken_secret(chain: Chain) -> Iterator[Finding]:
    """Why the gateway has no key to send. It then sends the request on without one."""
    secret = chain.secret
    if secret is None or secret.look.unread is not None or secret.api_key:
        return
    if secret.look.found is None:
        seen = f"{secret.look.what}, which the backend names, is not there"
    elif SECRET_KEY not in secret.keys:
        seen = f"{secret.look.what} has no `{SECRET_KEY}`; it has {_listed(secret)}"
    else:
        seen = f"{secret.look.what} is empty under `{SECRET_KEY}`"
    yield Finding(
        Link.SECRET,
        f"{seen}, so the gateway sends no API key",
        "`pulumi up --refresh` where the stack makes the Secret; "
        f"otherwise put the key into it under `{SECRET_KEY}`, without blanks",
    )


def _listed(secret: SecretLook) -> str:
    return ", ".join(f"`{key}`" for key in secret.keys) or "nothing"


def broken_backend(chain: Chain) -> Iterator[Finding]:
    """Why the gateway has no backend for the route."""
    backend = chain.backend
    if backend is None or backend.unread is not None:
        return
    if backend.found is None:
        yield Finding(Link.BACKEND, f"there is no {backend.what}, to which {chain.route.what} leads", RESTORE)
        return
    conditions = conditions_of(backend.found)
    told = list(unmet(conditions, "Accepted")) if conditions else ["no controller has taken it up"]
    if chain.route.found:
        told += unmet(parent_conditions_of(chain.route.found), "ResolvedRefs")
    for said in told:
        yield Finding(
            Link.BACKEND,
            f"{backend.what} is not accepted: {quoted(said)}",
            f"mend what is said there (`kubectl describe` the {backend.what}); "
            "where nobody has taken it up, give the `api` that the gateway's controller serves",
        )


def broken_tls(chain: Chain, target: Target, said: str) -> Iterator[Finding]:
    """Why there is no TLS to the provider; `said` are the gateway's own words."""
    if chain.backend is None or chain.backend.found is None:
        return
    endpoint = endpoint_of(chain.backend.found)
    if chain.policies == () and (target.tls_policy_name or endpoint.endswith(HTTPS_PORT)):
        name = f" ({target.tls_policy_name} is missing)" if target.tls_policy_name else ""
        seen = f"no BackendTLSPolicy is for {chain.backend.what}{name}, so the gateway speaks plain HTTP to {endpoint}"
        yield _tls(seen, RESTORE)
    for policy in chain.policies or ():
        what = f"BackendTLSPolicy {policy['metadata']['namespace']}/{policy['metadata']['name']}"
        conditions = ancestor_conditions_of(policy)
        if any("sectionName" in each for each in policy["spec"]["targetRefs"]):
            yield _tls(f"{what} names a `sectionName`, and is passed over for that", "take it out")
        yield from _broken_authorities(chain.authorities, what)
        for words in unmet(conditions, "Accepted", "ResolvedRefs", "Attached"):
            yield _tls(f"{what} is not accepted: {quoted(words)}", "mend what is said there")
        if is_about_tls(said):
            hostname = policy["spec"]["validation"].get("hostname")
            yield tls_by_words(said, f"{what} asks {endpoint} for a certificate of {hostname}")
        if not conditions:
            yield _tls(f"no controller has taken up {what}", "see that the gateway's controller runs")


def _broken_authorities(authorities: Look | None, policy: str) -> Iterator[Finding]:
    if authorities is None or authorities.unread is not None:
        return
    remedy = "put the certificate authorities into it under `ca.crt`, in PEM"
    if authorities.found is None:
        yield _tls(f"{authorities.what}, which {policy} names, is not there", remedy)
    elif not authorities.found["data"].get("ca.crt", "").strip():
        yield _tls(f"{authorities.what}, which {policy} names, has no `ca.crt`", remedy)


_CERTIFICATE_WORDS = (
    (("valid for",), "give a `host` that the certificate is for, or its name as `tls.hostname`"),
    (("unknownissuer", "unknown issuer"), "give the authority that signed it as `tls.caCertificateConfigmap`"),
    (("expired", "notvalidyet", "not valid yet"), "the provider has to renew its certificate"),
    (("certificate",), "mend the certificate, or what it is held against: `tls`"),
    (("corrupt message", "invalidcontenttype"), "the provider seems to speak plain HTTP: see `tls.disabled`"),
)


def is_about_tls(said: str) -> bool:
    """Whether the gateway's words are of a certificate, or of something that is no TLS."""
    return any(word in said.lower() for words, _ in _CERTIFICATE_WORDS for word in words)


def tls_by_words(said: str, seen: str) -> Finding:
    """What the gateway's words alone tell."""
    remedies = [remedy for words, remedy in _CERTIFICATE_WORDS if any(word in said.lower() for word in words)]
    return _tls(seen, next(iter(remedies), f"see that the backend has a BackendTLSPolicy that is accepted: {RESTORE}"))


def gateways_host_is_sent(chain: Chain) -> bool:
    """Whether the provider gets the gateway's Host header: no rewriting, and a proxy that doesn't do it by itself."""
    route = chain.route.found
    if route is None or rewrites_host(route):
        return False
    reference = backend_of(route) or {}
    return bool(reference.get("group") == BACKEND_OF_KGATEWAY)


def _route(seen: str, remedy: str) -> Finding:
    return Finding(Link.ROUTE, seen, remedy)


def _tls(seen: str, remedy: str) -> Finding:
    return Finding(Link.TLS, seen, remedy)


def _up(target: Target) -> str:
    return f"`pulumi up -s {target.stack}`" if target.stack else "deploy it"
