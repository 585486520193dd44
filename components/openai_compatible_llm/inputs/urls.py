"""Checks and parses URLs: a provider's base URL, and the URL by which clients reach the gateway."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from ..arguments.validators import LARGEST_PORT, url_path
from ..presets import HTTPS_PORT
from ..settings import CHAT_COMPLETIONS, OPENAI_ENDPOINTS
from . import validators

HTTP_PORT = 80

_ENDPOINT = re.compile(rf"{CHAT_COMPLETIONS}$|/(audio|images|fine_tuning)/\w+$|/({OPENAI_ENDPOINTS})$")
_AFTER_ROUTE = re.compile(rf"/v1({_ENDPOINT.pattern})|{CHAT_COMPLETIONS}$|/v1$")
_OLLAMAS_OWN = ("/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/api/tags")

_PROVIDER_EXAMPLE = "https://api.mistral.ai/v1"
_GATEWAY_EXAMPLE = "https://llm.example.com"


@dataclass(frozen=True)
class BaseUrl:
    """The parts of a provider's base URL: its scheme's port where it names none, and its path of chat completions."""

    host: str
    port: int
    path: str
    tls: bool


def parse_base_url(url: str) -> BaseUrl:
    """Parses a URL that `base_url` has nothing against."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    port = parts.port or (HTTPS_PORT if tls else HTTP_PORT)
    return BaseUrl(parts.hostname or "", port, parts.path.rstrip("/") + CHAT_COMPLETIONS, tls)


def base_url(url: str) -> str | None:
    """Checks a provider's base URL. The reason never quotes a user or password in it."""
    if invalid := _http_url(url, _PROVIDER_EXAMPLE):
        return invalid
    parts = urlsplit(url)
    if reason := validators.host(_host_as_given(parts)):
        return reason
    path = parts.path.rstrip("/")
    if path in _OLLAMAS_OWN:
        return f'"{url}" is of Ollama\'s own API; give {url.rstrip("/").removesuffix(path)}/v1'
    if endpoint := _ENDPOINT.search(path):
        added = "is added to a base URL" if endpoint[0] == CHAT_COMPLETIONS else "is an endpoint below a base URL"
        return f'"{url}" ends in {endpoint[0]}, which {added}; give {url.rstrip("/").removesuffix(endpoint[0])}'
    if parts.scheme == "http" and parts.port == HTTPS_PORT:
        return "port 443 is for TLS; give the URL with https, or another port"
    return url_path(path or "/", "/v1") or url_path(path + CHAT_COMPLETIONS, "/v1")


def gateway_url(url: str) -> str | None:
    """Checks the URL of a gateway. The reason never quotes a user or password in it."""
    if reason := _http_url(url, _GATEWAY_EXAMPLE):
        return reason
    if not url.isascii():
        return f'"{url}" is not a URL; give one such as {_GATEWAY_EXAMPLE}'
    path = urlsplit(url).path.rstrip("/")
    if ending := _AFTER_ROUTE.search(path):
        return f'"{url}" ends in {ending[0]}, which comes after the route\'s path; give the part before that'
    return url_path(path or "/", "/gateway")


def _http_url(url: str, example: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"not a URL; give one such as {example}"
    if "@" in (parts.netloc or url):
        return "contains a user name or password; remove it"
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        return "has a query or a fragment; remove it"
    if parts.scheme not in ("https", "http") or not parts.hostname or not url.isprintable() or " " in url:
        return f'"{url}" is not a URL; give one such as {example}'
    if port == 0:
        return f'"{url}" has port 0; give 1 to {LARGEST_PORT}'
    return None


def _host_as_given(parts: SplitResult) -> str:
    """Returns the host in its own case, which `hostname` doesn't keep."""
    port = f":{parts.port}" if parts.port is not None else ""
    return parts.netloc.removesuffix(port).removesuffix(":")
