"""Checks single values of arguments that components for Kubernetes have in common.

Each function returns what is wrong with a value and what to give instead, or None.
"""

import ipaddress
import re
from collections.abc import Callable

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")
_QUALIFIED = re.compile(rf"(?:({_LABEL}(?:\.{_LABEL})*)/)?([A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?")

# What requests have for HTTP's own sake: RFC 9110, 9111 (caching), 9112 and 9113 (connections). A key in one of them
# breaks the request, is changed on its way, or asks for another answer.
_OF_HTTP = re.compile(
    r"(accept|content-|if-|proxy-).*|cache-control|connection|date|expect|forwarded|from|host|http2-settings|keep-alive"
    r"|max-forwards|pragma|range|referer|te|trailer|transfer-encoding|upgrade|user-agent|via|www-authenticate"
)

_ENDS = "with a letter or digit at each end"
OBJECT_NAME_LENGTH = 253
NAMESPACE_LENGTH = 63
PATH_LENGTH = 1024
HEADER_LENGTH = 256
MOST_HOSTNAMES = 16
LARGEST_PORT = 65535


def object_name(name: str, longest: int = OBJECT_NAME_LENGTH) -> str | None:
    """Checks a Kubernetes object's name. Source: RFC 1123 subdomain, as `metadata.name` has it."""
    if reason := too_long(name, longest):
        return reason
    if not re.fullmatch(_DOMAIN, name):
        return f'"{name}" is not a valid name; use lower-case letters, digits, "-" and ".", {_ENDS}'
    return None


def namespace(name: str) -> str | None:
    """Checks a namespace's name. Source: RFC 1123 label."""
    if reason := too_long(name, NAMESPACE_LENGTH):
        return reason
    if not re.fullmatch(_LABEL, name):
        return f'"{name}" is not a valid namespace; use lower-case letters, digits and "-", {_ENDS}'
    return None


def route_hostname(name: str) -> str | None:
    """Checks a host name of a route, of which the first label may be `*`. Source: Hostname of the Gateway API."""
    if is_address(name):
        return f'"{name}" is an address; a route takes host names only'
    if name == "*":
        return '"*" is not a host name; remove `hostnames` to take all that the Gateway listens to'
    if "*" in name.removeprefix("*."):
        return f'"{name}" has a * in the wrong place; only the whole first label can be one, as in *.example.com'
    return host_name(
        name,
        scheme="the host name alone: the Gateway's listener has the protocol",
        path="the host name alone, and the path as `route_path`",
        port="the host name alone: the Gateway's listener has the port",
        example="llm.example.com",
        star="*." if name.startswith("*.") else "",
    )


def host_name(
    name: str, scheme: str, path: str, port: str, example: str = "api.mistral.ai", star: str = ""
) -> str | None:
    """Checks a host name or an IPv4 address after a `star` that is no part of it.

    What else may stand around it is refused: `scheme`, `path` and `port` say what to give then.
    """
    if "://" in name:
        return f'"{name}" has a scheme; give {scheme}'
    if "/" in name:
        return f'"{name}" has a path; give {path}'
    if re.search(r":\d*$", name) and name.count(":") == 1:
        return f'"{name}" has a port; give {port}'
    if ":" in name:
        return f'"{name}" is an IPv6 address, which is not supported; give a host name'
    rest = name.removeprefix(star)
    if not name.isascii():
        return _international(star, rest, example)
    if len(name) > OBJECT_NAME_LENGTH or any(len(label) > NAMESPACE_LENGTH for label in name.split(".")):
        return f"too long; the limit is {OBJECT_NAME_LENGTH} characters, and {NAMESPACE_LENGTH} between dots"
    if not re.fullmatch(_DOMAIN, rest):
        lower = rest.strip().rstrip(".").lower()
        suggested = f'did you mean "{star}{lower}"?' if re.fullmatch(_DOMAIN, lower) else None
        return f'"{name}" is not a host name; {suggested or f"give one such as {example}"}'
    if re.fullmatch(r"[0-9.]+", name) and not is_address(name):
        return f'"{name}" is neither a host name nor an IPv4 address'
    return None


def route_hostnames(names: list[object]) -> str | None:
    """Checks how many there are. Source: `spec.hostnames` of the HTTPRoute."""
    return f"{len(names)} entries; a route takes at most {MOST_HOSTNAMES}" if len(names) > MOST_HOSTNAMES else None


def is_address(name: str) -> bool:
    """Tells whether it is an IPv4 address."""
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def port(number: float) -> str | None:
    """Checks a TCP port."""
    return None if 1 <= number <= LARGEST_PORT else f"{number:.0f} is not a port; give 1 to {LARGEST_PORT}"


def seconds(number: float) -> str | None:
    """Checks a time to wait."""
    return f"{number:.0f} is too short; give at least 1 second" if number < 1 else None


def url_path(path: str, example: str) -> str | None:
    """Checks the path of a URL. Source: the rules of HTTPPathMatch in the Gateway API."""
    if not path.startswith("/"):
        return f'"{path}" doesn\'t start with a slash; give a path such as {example}'
    if reason := too_long(path, PATH_LENGTH):
        return reason
    for sign, what in (("?", "a query"), ("#", "a fragment")):
        if sign in path:
            return f'"{path.split(sign)[0]}{sign}..." has {what}; give the path alone'
    if any(part in (".", "..") for part in path.split("/")):
        return f'"{path}" contains "." or ".."; give the path that it resolves to'
    if "//" in path or "%2f" in path.lower():
        return f'"{path}" has an empty segment or an escaped slash; use single slashes'
    if not _PATH.fullmatch(path):
        return f'"{path}" has a character that a path can\'t have; escape it as %XX'
    if path != "/" and path.endswith("/"):
        return f'"{path}" ends with a slash; give "{path.rstrip("/")}"'
    return None


def header_name(name: str) -> str | None:
    """Checks the name of a header with a key. Source: RFC 9110, token, and its fields with a meaning of their own."""
    if not _TOKEN.fullmatch(name):
        return f'"{name}" is not a header name; use letters, digits and "-", as in api-key'
    if _OF_HTTP.fullmatch(name.lower()):
        return f'"{name}" belongs to HTTP itself, so no key can be in it; give another header'
    return too_long(name, HEADER_LENGTH)


def header_prefix(prefix: str) -> str | None:
    """Checks the text before the key in a header. Source: RFC 9110, field value."""
    if not prefix or not prefix.isascii() or not prefix.isprintable() or prefix != prefix.strip():
        return f'"{prefix}" is not a valid prefix; use printable characters without spaces around them, as in Token'
    return too_long(f"{prefix} ", HEADER_LENGTH)


def metadata_key(key: str) -> str | None:
    """Checks the name of a label or an annotation. Source: qualified names of Kubernetes."""
    match = _QUALIFIED.fullmatch(key)
    if not match or len(match[1] or "") > OBJECT_NAME_LENGTH or len(match[4]) > NAMESPACE_LENGTH:
        return "not a valid name; give one such as team or example.com/team"
    return None


def label_value(value: str) -> str | None:
    """Checks a label's value. Source: label values of Kubernetes."""
    if len(value) > NAMESPACE_LENGTH or not _LABEL_VALUE.fullmatch(value):
        allowed = f'up to {NAMESPACE_LENGTH} letters, digits, "-", "_" and ".", {_ENDS}'
        return f'"{value}" is not a valid label value; use {allowed}'
    return None


def between(least: int, greatest: int, unit: str = "") -> Callable[[float], str | None]:
    """Returns a check that a number is not too small and not too large."""
    allowed = f"give {least} to {greatest} {unit}".rstrip()
    return lambda number: None if least <= number <= greatest else f"{number:.0f} is out of range; {allowed}"


def too_long(text: str, longest: int) -> str | None:
    """Checks the length of a text."""
    return f"{len(text)} characters long; the limit is {longest}" if len(text) > longest else None


def _international(star: str, name: str, example: str) -> str:
    try:
        ascii_name = name.encode("idna").decode()
    except UnicodeError:
        return f'"{star}{name}" is not a host name; give one such as {example}'
    return f'"{star}{name}" is an internationalized name; give it as "{star}{ascii_name}"'
