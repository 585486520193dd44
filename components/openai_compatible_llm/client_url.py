"""Builds the URL by which clients reach a provider through the gateway."""

from collections.abc import Sequence
from urllib.parse import urlsplit

VERSION = "/v1"


def client_base_url(gateway_url: str | None, route_path: str, hostnames: Sequence[str] = ()) -> str | None:
    """Builds the base URL for an OpenAI client of a route, which accepts all host names if it has none.

    Returns:
        None without a gateway URL, and where none of the route's host names can stand in a URL.
    """
    if gateway_url is None:
        return None
    url = urlsplit(gateway_url.rstrip("/"))
    if not matches_hostname(hostnames, url.hostname or ""):
        name = next((name for name in hostnames if "*" not in name), None)
        if name is None:
            return None
        url = url._replace(netloc=name if url.port is None else f"{name}:{url.port}")
    return f"{url.geturl()}{route_path.rstrip('/')}{VERSION}"


def matches_hostname(hostnames: Sequence[str], host: str) -> bool:
    """Tells whether a route or listener with these host names accepts the host. Source: Hostname of the Gateway API."""
    host = host.lower()
    return not hostnames or any(
        host.endswith(name[1:]) and len(host) >= len(name) if name.startswith("*.") else host == name
        for name in hostnames
    )
