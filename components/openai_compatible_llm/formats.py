"""Strings that must be of a form: each function says what is wrong with one, or nothing."""

import ipaddress
import re

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")
_QUALIFIED = re.compile(rf"(?:({_LABEL}(?:\.{_LABEL})*)/)?([A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?")

_ENDS = "with a letter or digit at each end"

OBJECT_NAME_LENGTH = 253
NAMESPACE_LENGTH = 63
PATH_LENGTH = 1024
MODEL_LENGTH = 256
HEADER_LENGTH = 256


def object_name(name: str, longest: int = OBJECT_NAME_LENGTH) -> str | None:
    """A Kubernetes object's name. Source: RFC 1123 subdomain, as `metadata.name` has it."""
    if too_long := _too_long(name, longest):
        return too_long
    if not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", name):
        return f'"{name}" is not a name; lower-case letters, digits, "-" and "." make one, {_ENDS}'
    return None


def namespace(name: str) -> str | None:
    """A namespace's name. Source: RFC 1123 label."""
    if too_long := _too_long(name, NAMESPACE_LENGTH):
        return too_long
    if not re.fullmatch(_LABEL, name):
        return f'"{name}" is not a namespace; lower-case letters, digits and "-" make one, {_ENDS}'
    return None


def host(name: str) -> str | None:
    """A host name or an IPv4 address, bare. Source: PreciseHostname of the Gateway API."""
    if "://" in name:
        return f'"{name}" has a scheme; give the bare name, or the whole URL as `base_url`'
    if "/" in name:
        return f'"{name}" has a path; give the bare name, and the path as `path`'
    if re.search(r":\d*$", name) and name.count(":") == 1:
        return f'"{name}" has a port; give the bare name, and the port as `port`'
    if ":" in name:
        return f'"{name}" is an IPv6 address; give a name that stands for it'
    if not name.isascii():
        return _international(name)
    if len(name) > OBJECT_NAME_LENGTH or any(len(label) > NAMESPACE_LENGTH for label in name.split(".")):
        return f"it is too long; {OBJECT_NAME_LENGTH} characters are possible, {NAMESPACE_LENGTH} between dots"
    if not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", name):
        lower = name.strip().rstrip(".").lower()
        meant = f'; did you mean "{lower}"?' if re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", lower) else ""
        return f'"{name}" is not a host name{meant or "; give one such as api.mistral.ai"}'
    if re.fullmatch(r"[0-9.]+", name) and not is_address(name):
        return f'"{name}" is neither a host name nor an IPv4 address'
    return None


def route_hostname(name: str) -> str | None:
    """A host name of a route, of which the first label may be `*`. Source: Hostname of the Gateway API."""
    if is_address(name):
        return f'"{name}" is an address; a route takes names'
    return host(name.removeprefix("*."))


def is_address(name: str) -> bool:
    """Whether it is an IPv4 address."""
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def url_path(path: str, example: str) -> str | None:
    """The path of a URL, absolute. Source: the rules of HTTPPathMatch in the Gateway API."""
    if not path.startswith("/"):
        return f'"{path}" does not begin with a slash; give one such as {example}'
    if too_long := _too_long(path, PATH_LENGTH):
        return too_long
    for sign, what in (("?", "a query"), ("#", "a fragment")):
        if sign in path:
            return f'"{path.split(sign)[0]}{sign}..." has {what}; give the path alone'
    if any(part in (".", "..") for part in path.split("/")):
        return f'"{path}" has "." or ".." in it; give the path that it stands for'
    if "//" in path or "%2f" in path.lower():
        return f'"{path}" has an empty part or an escaped slash; give it with single slashes'
    if not _PATH.fullmatch(path):
        return f'"{path}" has a character that no path has; escape it as %XX'
    if path != "/" and path.endswith("/"):
        return f'"{path}" ends with a slash; give "{path.rstrip("/")}"'
    return None


def header_name(name: str) -> str | None:
    """A header's name. Source: RFC 9110, token."""
    if not _TOKEN.fullmatch(name):
        return f'"{name}" is not a header name; letters, digits and "-" make one, such as api-key'
    return _too_long(name, HEADER_LENGTH)


def header_prefix(prefix: str) -> str | None:
    """What stands before the key in a header. Source: RFC 9110, field value."""
    if not prefix or not prefix.isascii() or not prefix.isprintable() or prefix != prefix.strip():
        return f'"{prefix}" is not a prefix; printable characters without blanks around them make one, such as Token'
    return _too_long(f"{prefix} ", HEADER_LENGTH)


def model(name: str) -> str | None:
    """A model's name; every provider has its own rules."""
    if not name.strip() or name != name.strip() or not name.isprintable():
        return f"{name!r} is not a model; give its name as the provider lists it"
    return _too_long(name, MODEL_LENGTH)


def api_key(key: str) -> str | None:
    """An API key, as it stands in a header. What is said of one never holds it."""
    if not key.strip():
        return "the key is empty"
    if "\n" in key or "\r" in key:
        return "the key has a line break in it, as one read from a file may; give it without"
    if key != key.strip():
        return "the key has blanks around it; give it without"
    if len(key) > 1 and key[0] == key[-1] and key[0] in "\"'`":
        return "the key is in quotes; give it without them"
    if re.fullmatch(r"\$\w+|\$?\{.*\}|\$\(.*\)", key):
        return "the key is a variable that was not expanded; give its value"
    if not key.isascii() or not key.isprintable():
        return "the key has characters that no header can hold"
    if key.lower().startswith("bearer "):
        return 'the key begins with "Bearer"; give it without, the gateway puts that before it'
    return None


def metadata_key(key: str) -> str | None:
    """The name of a label or an annotation. Source: qualified names of Kubernetes."""
    match = _QUALIFIED.fullmatch(key)
    if not match or len(match[1] or "") > OBJECT_NAME_LENGTH or len(match[4]) > NAMESPACE_LENGTH:
        return "it is not a name for one; give one such as team or example.com/team"
    return None


def label_value(value: str) -> str | None:
    """A label's value. Source: label values of Kubernetes."""
    if len(value) > NAMESPACE_LENGTH or not _LABEL_VALUE.fullmatch(value):
        allowed = f'up to {NAMESPACE_LENGTH} letters, digits, "-", "_" and "." make one, {_ENDS}'
        return f'"{value}" is not the value of a label; {allowed}'
    return None


def _too_long(text: str, longest: int) -> str | None:
    return f"it is {len(text)} characters long; {longest} are possible" if len(text) > longest else None


def _international(name: str) -> str:
    try:
        ascii_name = name.encode("idna").decode()
    except UnicodeError:
        return f'"{name}" is not a host name; give one such as api.mistral.ai'
    return f'"{name}" is an international name; give it as "{ascii_name}"'
