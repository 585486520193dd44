"""Which link is broken: the first in the order of a request that the answer and the cluster's objects leave.

An answer shows how far the request has come: the links before that hold, whatever an object's status says. Of those
after it, the objects tell what the answer can't, such as a Secret without a key behind the provider's 401. A backend
that isn't accepted because its Secret is broken is said to be the Secret's fault.
"""

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from itertools import chain as one_after_the_other
from typing import Any
from urllib.parse import urlsplit

from . import inspection
from .chain import Chain, NotLooked, conditions_of, passes_token_on, unmet
from .gateway_words import GatewaySays, is_no_connection, own_words
from .links import Finding, Link
from .outcome import CutOff, Failure, NoCompletion, Obstacle, Refusal, TimedOut, Unreachable
from .provider_words import is_json, message_in
from .redaction import quoted
from .targets import GATEWAY_URL, Target

DESCRIBE = "see what the backend's status says (`kubectl describe`)"
COMPARE_PATH = "compare `host` and `path` with the provider's documentation"
SEE_PROVIDER = "see with the provider why it is slow"

_OBSTACLES = {
    Obstacle.REFUSED: ("nothing listens there", "give the gateway's URL as it is reached from here"),
    Obstacle.UNKNOWN_NAME: ("its name is not known here", "give a name that DNS knows, or an address"),
    Obstacle.NO_CONNECTION_IN_TIME: ("no connection comes about in time", "see firewalls and the way there"),
    Obstacle.TLS: (
        "TLS to the gateway fails",
        "give the URL with the name that its certificate is for, let this machine trust its authority, or say http",
    ),
    Obstacle.CLOSED: ("it closes the connection", "see that it is a gateway, and whether it wants https"),
    Obstacle.REDIRECTED: ("it sends the client on", "give the URL that it names"),
    Obstacle.OTHER: ("there is no way to it", "give the gateway's URL as it is reached from here"),
}


def diagnose(failure: Failure, target: Target, looked: Chain | NotLooked) -> Finding:
    """The broken link, what says so, and what to do."""
    chain = looked if isinstance(looked, Chain) else None
    match failure:
        case Unreachable():
            return _unreachable(failure, target, chain)
        case Refusal() if (says := own_words(failure)) is not None:
            return _refused_by_the_gateway(failure, says, target, chain)
        case Refusal():
            return _refused_by_the_provider(failure, target, chain)
        case NoCompletion():
            words = message_in(failure.text)
            seen = f"HTTP 200 with {failure.content_type or 'no content type'}, and no chat completion in it"
            remedy = f"{COMPARE_PATH}, and the gateway's URL with its own"
            otherwise = Finding(Link.MODEL_OR_PATH, f"{seen}{f': {quoted(words)}' if words else ''}", remedy)
        case TimedOut():
            came = "a part of the answer came, and then nothing" if failure.begun else "no answer came"
            seen = f"{came} for {failure.seconds:g} seconds"
            otherwise = Finding(Link.TIMEOUT, seen, f"give it longer (--timeout), or {SEE_PROVIDER}")
        case CutOff():
            seen = f"the answer broke off: {quoted(failure.detail)}"
            remedy = "ask again; where it breaks off each time, see the logs and time-outs of gateway and provider"
            otherwise = Finding(Link.STREAM, seen, remedy)
    return _first(otherwise, _after_the_route(chain))


def is_of_another_cluster(chain: Chain, failure: Failure | None) -> bool:
    """Whether the request has found a route, and the cluster that was looked at has none."""
    found_none = isinstance(failure, Unreachable) or (
        isinstance(failure, Refusal) and failure.status == HTTPStatus.NOT_FOUND
    )
    return chain.route.is_missing and not found_none


def _first(otherwise: Finding, *inspections: Iterator[Finding]) -> Finding:
    """What the objects tell, beside what the answer does."""
    for finding in one_after_the_other(*inspections):
        return replace(finding, seen=f"{otherwise.seen}; {finding.seen}")
    return otherwise


def _after_the_route(chain: Chain | None) -> Iterator[Finding]:
    if chain is not None:
        yield from inspection.broken_secret(chain)
        yield from inspection.broken_backend(chain)


def _unreachable(failure: Unreachable, target: Target, chain: Chain | None) -> Finding:
    url = urlsplit(target.base_url)
    said, remedy = _OBSTACLES[failure.obstacle]
    seen = f"{url.scheme}://{url.netloc}: {said} ({quoted(failure.detail)})"
    more = "".join(f"; {each}" for each in _gateways_own_status(chain))
    return Finding(Link.GATEWAY, f"{seen}{more}", f"{remedy}: {GATEWAY_URL}")


def _gateways_own_status(chain: Chain | None) -> Iterator[str]:
    gateway = chain.gateway if chain else None
    if gateway is None:
        return
    if gateway.is_missing:
        yield f"there is no {gateway.what}"
    if gateway.found:
        for said in unmet(conditions_of(gateway.found), "Accepted", "Programmed"):
            yield f"{gateway.what}: {quoted(said)}"
        addresses = [each.get("value", "") for each in gateway.found.get("status", {}).get("addresses") or []]
        if addresses:
            yield f"by its status the {gateway.what} is at {', '.join(addresses)}"


def _refused_by_the_gateway(failure: Refusal, says: GatewaySays, target: Target, chain: Chain | None) -> Finding:
    seen = f'HTTP {failure.status} from the gateway itself, "{quoted(failure.text)}"'
    match says:
        case GatewaySays.NO_ROUTE:
            return _no_route(seen, target, chain)
        case GatewaySays.CALLER:
            remedy = "give a token that the gateway knows, in an environment variable (--token-variable)"
            return Finding(Link.CALLER, seen, remedy)
        case GatewaySays.UPSTREAM:
            return _no_upstream(failure, seen, target, chain)
        case GatewaySays.NO_BACKEND:
            otherwise = Finding(Link.BACKEND, seen, DESCRIBE)
        case GatewaySays.NO_KEY:
            otherwise = Finding(Link.SECRET, seen, DESCRIBE)
        case GatewaySays.UNREADABLE:
            otherwise = Finding(Link.MODEL_OR_PATH, seen, COMPARE_PATH)
        case GatewaySays.LIMIT:
            otherwise = _limit(failure, seen)
        case GatewaySays.TOO_LONG:
            otherwise = Finding(Link.TIMEOUT, seen, f"{SEE_PROVIDER}, or give the route a longer time-out")
    return _first(otherwise, _after_the_route(chain))


def _no_route(seen: str, target: Target, chain: Chain | None) -> Finding:
    if chain is None:
        remedy = "see whether the HTTPRoute's status says `Accepted` (`kubectl describe httproutes -A`)"
        return Finding(Link.ROUTE, seen, f"{remedy}, or give another {GATEWAY_URL}")
    gateway = chain.gateway.what if chain.gateway else "Gateway"
    well = f"yet {chain.route.what} is accepted by the {gateway}, and is for this path and host"
    remedy = f"the URL seems to be another gateway's: give another {GATEWAY_URL}"
    otherwise = Finding(Link.ROUTE, seen, remedy)
    found = _first(otherwise, inspection.broken_route(chain, target))
    return found if found is not otherwise else replace(otherwise, seen=f"{seen}; {well}")


def _no_upstream(failure: Refusal, seen: str, target: Target, chain: Chain | None) -> Finding:
    unconnected = Finding(
        Link.PROVIDER, seen, "see that `host` and `port` are the provider's, and can be reached from the cluster"
    )
    if is_no_connection(failure.text) and not inspection.is_about_tls(failure.text):
        return _first(unconnected, _after_the_route(chain))
    by_words = inspection.tls_by_words(failure.text, seen)
    if chain is None:
        return by_words
    by_objects = inspection.broken_tls(chain, target, failure.text)
    otherwise = by_words if inspection.is_about_tls(failure.text) or chain.policies is None else unconnected
    return _first(otherwise, _after_the_route(chain), by_objects)


def _refused_by_the_provider(failure: Refusal, target: Target, chain: Chain | None) -> Finding:
    bare = f"HTTP {failure.status} from the provider"
    words = quoted(message_in(failure.text))
    seen = f'{bare}, "{words}"' if words else bare
    match failure.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            # Its words may be the key.
            return _first(_key(bare, target, chain), _after_the_route(chain), _host(failure, chain))
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.PAYMENT_REQUIRED:
            otherwise = _limit(failure, seen)
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.GATEWAY_TIMEOUT:
            otherwise = Finding(Link.TIMEOUT, seen, f"ask again, or {SEE_PROVIDER}")
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            otherwise = Finding(Link.PROVIDER, seen, "ask again later; the provider's status page may know more")
        case _:
            remedy = f"compare `model` ({target.model} was asked for) and `path` with the provider's documentation"
            otherwise = Finding(Link.MODEL_OR_PATH, seen, remedy)
            before = _route_of_a_foreign_answer(failure, target, chain)
            return _first(otherwise, before, _after_the_route(chain), _host(failure, chain))
    return _first(otherwise, _after_the_route(chain))


def _route_of_a_foreign_answer(failure: Refusal, target: Target, chain: Chain | None) -> Iterator[Finding]:
    """A 404 that no API wrote may come from something before the gateway."""
    if chain is not None and failure.status == HTTPStatus.NOT_FOUND and not is_json(failure.text):
        yield from inspection.broken_route(chain, target)


def _host(failure: Refusal, chain: Chain | None) -> Iterator[Finding]:
    """A content delivery network refuses a host that isn't one of its own by a page, before the provider's API."""
    gateways_own = chain is not None and inspection.gateways_host_is_sent(chain)
    if failure.status == HTTPStatus.MISDIRECTED_REQUEST or (gateways_own and not is_json(failure.text)):
        route = chain.route.what if chain else "the HTTPRoute"
        seen = "and not in the words of an API" + (f"; {route} leaves the Host header as it is" if gateways_own else "")
        yield Finding(Link.HOST, seen, "leave `rewriteHost` at its default, true")


def _key(seen: str, target: Target, chain: Chain | None) -> Finding:
    backend: Any = chain.backend.found if chain and chain.backend else None
    if backend and passes_token_on(backend):
        return Finding(
            Link.KEY,
            f"{seen}, to which the caller's own token is passed on",
            "give one that the provider knows, in an environment variable (--token-variable)",
        )
    has_key = f"; {chain.secret.look.what} has a key" if chain and chain.secret and chain.secret.api_key else ""
    name = target.provider if target.stack else "<name>"
    remedy = "give a key that is valid and may use the model: "
    command = f"`pulumi config set --secret --path 'providers.{name}.apiKey'` and `pulumi up`"
    return Finding(Link.KEY, f"{seen}{has_key}", f"{remedy}{command}")


def _limit(failure: Refusal, seen: str) -> Finding:
    after = failure.retry_after or ""
    wait = f"wait {after} seconds" if after.isdigit() else "wait"
    return Finding(Link.LIMIT, seen, f"{wait} and ask again, or have the limit or the balance raised")
