"""Tells whether two routes of one Gateway answer each other's requests, by their paths or by their models.

Two routes with a listener and a host name in common conflict if one of them answers a request that clients send to the
other's path, with `/v1` after it or without. A longer path answers before a shorter one, and, at the host of a route's
published URL, the more specific host name before any path. Source: the rules of matching and of hostnames of HTTPRoute.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from urllib.parse import urlsplit

from .args import Endpoints
from .client_url import VERSION, client_base_url, matches_hostname
from .model_patterns import overlap
from .settings import CHAT_COMPLETIONS, OPENAI_ENDPOINTS, Gateway, Settings

_ENDPOINT = re.compile(rf"({VERSION})?(/({OPENAI_ENDPOINTS})(/.*)?)?")


@dataclass(frozen=True)
class ClientRoute:
    """A path at a Gateway, and what clients send below it."""

    gateway: Gateway
    path: str
    hostnames: tuple[str, ...]
    endpoints: Endpoints


def own_route(settings: Settings) -> ClientRoute:
    """Returns the route of one provider alone."""
    return ClientRoute(settings.gateway, settings.route_path, settings.hostnames, settings.endpoints)


def shared_route(settings: Settings) -> ClientRoute | None:
    """Returns the route that a provider shares with others."""
    shared = settings.shared_route
    return ClientRoute(settings.gateway, shared.path, settings.hostnames, Endpoints.ALL) if shared else None


def taken_path(one: ClientRoute, other: ClientRoute) -> str | None:
    """Returns the path, of those that clients send to `one`, that `other` answers; None if the two don't conflict."""
    if not _meet(one, other):
        return None
    below = _below(one.path, other.path)
    if below is not None and (not below or _clients_send(below, one.endpoints)):
        return other.path
    covers = other.hostnames and _below(other.path, one.path) is not None
    return one.path if covers and _is_more_specific(other, one) else None


def models_in_common(one: Settings, other: Settings) -> Iterator[tuple[str, str]]:
    """Yields names, one of each provider, by which a request at their shared path could be either's."""
    ours, theirs = shared_route(one), shared_route(other)
    if ours and theirs and ours.path.rstrip("/") == theirs.path.rstrip("/") and _meet(ours, theirs):
        models = (settings.shared_route.models if settings.shared_route else () for settings in (one, other))
        yield from ((name, another) for name, another in product(*models) if overlap(name, another))


def meets(one: Gateway, other: Gateway) -> bool:
    """Tells whether two routes with these parents have a listener in common."""
    sections = {one.section_name, other.section_name} - {None}
    return (one.namespace, one.name) == (other.namespace, other.name) and len(sections) < 2


def _meet(one: ClientRoute, other: ClientRoute) -> bool:
    """Tells whether there can be a request for both: at one listener, and for one host."""
    return meets(one.gateway, other.gateway) and _overlap(one.hostnames, other.hostnames)


def _overlap(ones: Sequence[str], others: Sequence[str]) -> bool:
    """Of two names with `*`, one must be within the other to have a host in common."""
    return (
        not ones
        or not others
        or any(matches_hostname([one], each) or matches_hostname([each], one) for one in ones for each in others)
    )


def _below(prefix: str, path: str) -> str | None:
    """Returns how the path goes on after the prefix, segment by segment; None if it is not below it."""
    start = prefix.rstrip("/")
    rest = path.rstrip("/")[len(start) :]
    return rest if path.startswith(start) and (not rest or rest.startswith("/")) else None


def _clients_send(below: str, endpoints: Endpoints) -> bool:
    """Tells whether clients of a route send paths that begin so below its own path."""
    if endpoints is Endpoints.ALL:
        return _ENDPOINT.fullmatch(below) is not None
    return any(_below(below, sent) is not None for sent in (CHAT_COMPLETIONS, VERSION + CHAT_COMPLETIONS))


def _is_more_specific(other: ClientRoute, one: ClientRoute) -> bool:
    """Tells whether `other` has the more specific name for the host by which clients reach `one`."""
    url = client_base_url(one.gateway.url, one.path, one.hostnames)
    host = urlsplit(url).hostname if url else None
    return host is not None and _specificity(other, host) > _specificity(one, host)


def _specificity(route: ClientRoute, host: str) -> tuple[bool, int]:
    """An exact name goes before one with `*`, of which the longer one goes first, and any name before none."""
    return max(
        (("*" not in name, len(name)) for name in route.hostnames if matches_hostname([name], host)),
        default=(False, 0),
    )
