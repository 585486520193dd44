"""Tells whether the provider redirects a client, or something in front of the gateway."""

from urllib.parse import SplitResult, urlsplit

from . import inspection
from .outcome import Redirected
from .request_path import RequestPath
from .targets import Target


def split_location(redirected: Redirected) -> SplitResult:
    """Returns where the redirect leads, without a query, which may hold a token."""
    try:
        return urlsplit(redirected.location)._replace(query="", fragment="")
    except ValueError:
        return SplitResult("", "", redirected.location, "", "")


def is_providers(location: SplitResult, target: Target, request_path: RequestPath | None) -> bool:
    """Tells whether the redirect leads to the provider's host or a relative of it, which only the provider knows."""
    host, gateway = location.hostname, urlsplit(target.base_url).hostname
    if host is None or _are_related(host, gateway):
        return False
    backend = request_path.backend.found if request_path and request_path.backend else None
    providers = request_path.api.read_providers(backend) if request_path and request_path.api and backend else []
    hosts = [target.host, *(each.host for each in providers)]
    return any(_are_related(host, each) for each in hosts)


def is_in_front(location: SplitResult, target: Target, request_path: RequestPath | None) -> bool:
    """Tells whether the redirect has what the provider never sees: the route's path, or the gateway's name.

    The provider sees that name where neither the route nor the proxy replaces the Host header.
    """
    has_path = target.path != "/" and f"{location.path}/".startswith(f"{target.path.rstrip('/')}/")
    has_name = location.hostname is not None and location.hostname == urlsplit(target.base_url).hostname
    sees_name = request_path is not None and inspection.sends_gateway_host(request_path)
    return has_path or (has_name and not sees_name)


def _are_related(host: str, other: str | None) -> bool:
    """Tells whether the names are the same, one is below the other, or both are below the same domain."""
    if not other:
        return False
    other = other.lower()
    parent = host.partition(".")[2]
    is_below = host.endswith(f".{other}") or other.endswith(f".{host}")
    return host == other or is_below or ("." in parent and parent == other.partition(".")[2])
