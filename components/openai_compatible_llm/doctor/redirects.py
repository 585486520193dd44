"""Tells whether the provider redirects a client, or something in front of the gateway."""

from urllib.parse import SplitResult, urlsplit

from .evidence import Evidence
from .outcome import Redirected


def split_location(redirected: Redirected) -> SplitResult:
    """Returns where the redirect leads, without a query, which may hold a token."""
    try:
        return urlsplit(redirected.location)._replace(query="", fragment="")
    except ValueError:
        return SplitResult("", "", redirected.location, "", "")


def is_providers(location: SplitResult, evidence: Evidence) -> bool:
    """Tells whether the redirect leads to the provider's host or a relative of it, which only the provider knows."""
    host = location.hostname
    if host is None or _are_related(host, evidence.url.hostname):
        return False
    providers = [evidence.target.host, *(each.host for each in evidence.path.providers)]
    return any(_are_related(host, each) for each in providers)


def is_in_front(location: SplitResult, evidence: Evidence) -> bool:
    """Tells whether the redirect has what the provider never sees: the route's path, or the gateway's name.

    The provider sees that name where neither the route nor the proxy replaces the Host header.
    """
    route_path = evidence.target.path
    has_path = route_path != "/" and f"{location.path}/".startswith(f"{route_path.rstrip('/')}/")
    has_name = location.hostname is not None and location.hostname == evidence.url.hostname
    return has_path or (has_name and not evidence.path.sends_gateway_host)


def _are_related(host: str, other: str | None) -> bool:
    """Tells whether the names are the same, one is below the other, or both are below the same domain."""
    if not other:
        return False
    other = other.lower()
    parent = host.partition(".")[2]
    is_below = host.endswith(f".{other}") or other.endswith(f".{host}")
    return host == other or is_below or ("." in parent and parent == other.partition(".")[2])
