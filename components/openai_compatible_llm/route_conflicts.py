"""Tells whether two routes of one Gateway answer each other's requests.

Two routes with a listener and a host name in common conflict if one of them answers a request that clients send to the
other's path, with `/v1` after it or without. A longer path answers before a shorter one, and, at the host of a route's
published URL, the more specific host name before any path. Source: the rules of matching and of hostnames of HTTPRoute.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from .args import Endpoints
from .client_url import VERSION, client_base_url, matches_hostname
from .settings import CHAT_COMPLETIONS, OPENAI_ENDPOINTS, Settings

_ENDPOINT = re.compile(rf"({VERSION})?(/({OPENAI_ENDPOINTS})(/.*)?)?")


def taken_path(one: Settings, other: Settings) -> str | None:
    """Returns the path, of those that clients send to `one`, that `other` answers; None if the two don't conflict."""
    if not _share_gateway(one, other):
        return None
    below = _below(one.route_path, other.route_path)
    if below is not None and (not below or _clients_send(below, one.endpoints)):
        return other.route_path
    covers = other.hostnames and _below(other.route_path, one.route_path) is not None
    return one.route_path if covers and _is_more_specific(other, one) else None


def _share_gateway(one: Settings, other: Settings) -> bool:
    sections = {one.gateway.section_name, other.gateway.section_name} - {None}
    return (
        (one.gateway.namespace, one.gateway.name) == (other.gateway.namespace, other.gateway.name)
        and len(sections) < 2
        and _overlap(one.hostnames, other.hostnames)
    )


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


def _is_more_specific(other: Settings, one: Settings) -> bool:
    """Tells whether `other` has the more specific name for the host by which clients reach `one`."""
    url = client_base_url(one.gateway.url, one.route_path, one.hostnames)
    host = urlsplit(url).hostname if url else None
    return host is not None and _specificity(other, host) > _specificity(one, host)


def _specificity(route: Settings, host: str) -> tuple[bool, int]:
    """An exact name goes before one with `*`, of which the longer one goes first, and any name before none."""
    return max(
        (("*" not in name, len(name)) for name in route.hostnames if matches_hostname([name], host)),
        default=(False, 0),
    )
