"""A provider's base URL, as an OpenAI client takes it, taken apart."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from . import formats
from .providers import HTTPS_PORT

CHAT_COMPLETIONS = "/chat/completions"
HTTP_PORT = 80


@dataclass(frozen=True)
class BaseUrl:
    """What a base URL says.

    Attributes:
        host: Host name.
        port: TCP port: the URL's, else its scheme's.
        path: Path of the chat completions below it.
        tls: Whether its scheme is `https`.
    """

    host: str
    port: int
    path: str
    tls: bool


def problem(url: str) -> str | None:
    """What is wrong with the URL; never with a user or password out of it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "it is not a URL; give one such as https://api.mistral.ai/v1"
    if "@" in parts.netloc:
        return "it has a user in it; give the URL without, and the key as `api_key`"
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return f'"{url}" is not a URL; give one such as https://api.mistral.ai/v1'
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        return "it has a query or a fragment; give the URL without"
    if port == 0:
        return f'"{url}" has 0 for a port; give 1 to 65535'
    named_port = f":{port}" if port is not None else ""
    host = parts.netloc.removesuffix(named_port).removesuffix(":")
    if said := formats.host(host):
        return said
    if parts.path.rstrip("/").endswith(CHAT_COMPLETIONS):
        shorter = url.rstrip("/").removesuffix(CHAT_COMPLETIONS)
        return f'"{url}" ends in {CHAT_COMPLETIONS}, which comes after a base URL; give {shorter}'
    path = parts.path.rstrip("/")
    return formats.url_path(path or "/", "/v1") or formats.url_path(path + CHAT_COMPLETIONS, "/v1")


def parse(url: str) -> BaseUrl:
    """A URL of which `problem` says nothing."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    port = parts.port or (HTTPS_PORT if tls else HTTP_PORT)
    return BaseUrl(parts.hostname or "", port, parts.path.rstrip("/") + CHAT_COMPLETIONS, tls)
