"""URLs by which clients reach a gateway, and a provider behind it."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from . import formats
from .base_url import CHAT_COMPLETIONS

EXAMPLE = "https://llm.example.com"
VERSION = "/v1"


def problem(url: str) -> str | None:
    """What is wrong with a gateway's URL; never with a user or password out of it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"it is not a URL; give one such as {EXAMPLE}"
    if "@" in (parts.netloc or url):
        return "it has a user in it; give the URL without"
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        return "it has a query or a fragment; give the URL without"
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("https", "http") or not parts.hostname or not plain:
        return f'"{url}" is not a URL; give one such as {EXAMPLE}'
    if port == 0:
        return f'"{url}" has 0 for a port; give 1 to 65535'
    path = parts.path.rstrip("/")
    for ending in (CHAT_COMPLETIONS, VERSION):
        if path.endswith(ending):
            return f'"{url}" ends in {ending}, which comes after the route\'s path; give what stands before that'
    return formats.url_path(path or "/", "/gateway")


def of_route(gateway_url: str | None, route_path: str, hostnames: Sequence[str] = ()) -> str | None:
    """Base URL for an OpenAI client.

    Args:
        gateway_url: One of which `problem` says nothing, or none.
        route_path: Path prefix of the route.
        hostnames: Host names that the route is for; empty where it is for all.

    Returns:
        None without a URL, and where none of the route's host names can be made a URL's.
    """
    if gateway_url is None:
        return None
    url = urlsplit(gateway_url.rstrip("/"))
    if not is_for(hostnames, url.hostname or ""):
        name = next((name for name in hostnames if "*" not in name), None)
        if name is None:
            return None
        url = url._replace(netloc=name if url.port is None else f"{name}:{url.port}")
    return f"{url.geturl()}{route_path.rstrip('/')}{VERSION}"


def is_for(hostnames: Sequence[str], host: str) -> bool:
    """Whether a route or listener with these host names takes requests to the host. Source: Hostname of Gateway API."""
    host = host.lower()
    return not hostnames or any(
        host.endswith(name[1:]) and len(host) >= len(name) if name.startswith("*.") else host == name
        for name in hostnames
    )
