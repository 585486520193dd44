"""Checks single values: each function returns what is wrong with one, or None."""

import ipaddress
import re

from ..settings import CHAT_COMPLETIONS
from .errors import Reason

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})*"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")
_QUALIFIED = re.compile(rf"(?:({_LABEL}(?:\.{_LABEL})*)/)?([A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_UNEXPANDED = re.compile(r"\$\w+|\$?\{.*\}|\$\(.*\)")

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
MODEL_LENGTH = 256
HEADER_LENGTH = 256
MOST_HOSTNAMES = 16
LARGEST_PORT = 65535
LARGEST_DURATION = 99999
LARGEST_RATE = 1_000_000_000
MOST_RETRIES = 254
CLIENT_KEY_LENGTH = 20
FIELD_LENGTH = 256


def object_name(name: str, longest: int = OBJECT_NAME_LENGTH) -> str | None:
    """Checks a Kubernetes object's name. Source: RFC 1123 subdomain, as `metadata.name` has it."""
    if too_long := _too_long(name, longest):
        return too_long
    if not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", name):
        return f'"{name}" is not a valid name; use lower-case letters, digits, "-" and ".", {_ENDS}'
    return None


def namespace(name: str) -> str | None:
    """Checks a namespace's name. Source: RFC 1123 label."""
    if too_long := _too_long(name, NAMESPACE_LENGTH):
        return too_long
    if not re.fullmatch(_LABEL, name):
        return f'"{name}" is not a valid namespace; use lower-case letters, digits and "-", {_ENDS}'
    return None


def host(name: str) -> Reason | None:
    """Checks a host name or an IPv4 address, without anything around it. Source: PreciseHostname of the Gateway API."""
    return _host(
        name,
        scheme=lambda case: f"the host name alone, or the whole URL as `{case('base_url')}`",
        path=lambda case: f"the host name alone, and the path as `{case('path')}`",
        port=lambda case: f"the host name alone, and the port as `{case('port')}`",
    )


def certificate_hostname(name: str) -> Reason | None:
    """Checks a name that a certificate is held against. Source: `validation.hostname` of the BackendTLSPolicy."""
    if name.startswith("*"):
        return f'"{name}" is a pattern; give one name that the certificate is valid for'
    alone = "the name alone, as the certificate has it"
    return _host(name, alone, alone, alone) or (
        f'"{name}" is an address; give the name that the certificate is for' if is_address(name) else None
    )


def route_hostname(name: str) -> Reason | None:
    """Checks a host name of a route, of which the first label may be `*`. Source: Hostname of the Gateway API."""
    if is_address(name):
        return f'"{name}" is an address; a route takes host names only'
    if name == "*":
        return lambda case: (
            f'"*" is not a host name; remove `{case("hostnames")}` to take all that the Gateway listens to'
        )
    if "*" in name.removeprefix("*."):
        return f'"{name}" has a * in the wrong place; only the whole first label can be one, as in *.example.com'
    return _host(
        name,
        scheme="the host name alone: the Gateway's listener has the protocol",
        path=lambda case: f"the host name alone, and the path as `{case('route_path')}`",
        port="the host name alone: the Gateway's listener has the port",
        example="llm.example.com",
        star="*." if name.startswith("*.") else "",
    )


def _host(
    name: str, scheme: Reason, path: Reason, port: Reason, example: str = "api.mistral.ai", star: str = ""
) -> Reason | None:
    """Checks a host name.

    Args:
        name: The name.
        scheme: What to give if there is a scheme before it.
        path: What to give if there is a path after it.
        port: What to give if there is a port after it.
        example: A host name that would do.
        star: What stands before it, and is no part of a host name.
    """

    def has(what: str, give: Reason) -> Reason:
        return lambda case: f'"{name}" has {what}; give {give if isinstance(give, str) else give(case)}'

    if "://" in name:
        return has("a scheme", scheme)
    if "/" in name:
        return has("a path", path)
    if re.search(r":\d*$", name) and name.count(":") == 1:
        return has("a port", port)
    if ":" in name:
        return f'"{name}" is an IPv6 address, which is not supported; give a host name'
    rest = name.removeprefix(star)
    if not name.isascii():
        return _international(star, rest, example)
    if len(name) > OBJECT_NAME_LENGTH or any(len(label) > NAMESPACE_LENGTH for label in name.split(".")):
        return f"too long; the limit is {OBJECT_NAME_LENGTH} characters, and {NAMESPACE_LENGTH} between dots"
    if not re.fullmatch(_HOST, rest):
        lower = rest.strip().rstrip(".").lower()
        meant = f'did you mean "{star}{lower}"?' if re.fullmatch(_HOST, lower) else None
        return f'"{name}" is not a host name; {meant or f"give one such as {example}"}'
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


def timeout_seconds(number: float) -> str | None:
    """Checks how long an answer may take to begin. Source: Duration of the Gateway API, of five digits."""
    return _in_range(number, 1, LARGEST_DURATION, "seconds")


def retry_attempts(number: float) -> str | None:
    """Checks how often a request is sent again. Source: agentgateway counts all attempts in one byte."""
    return _in_range(number, 1, MOST_RETRIES, "attempts")


def status_codes(codes: list[object]) -> str | None:
    """Checks that there are any, and none twice. Source: `traffic.retry.codes` of the AgentgatewayPolicy."""
    if not codes:
        return "empty; give statuses such as 429 and 503"
    known = [int(code) for code in codes if isinstance(code, int | float)]
    twice = [code for code in dict.fromkeys(known) if known.count(code) > 1]
    return f"{twice[0]} is listed twice" if twice else None


def status_code(number: float) -> str | None:
    """Checks the status of an answer that failed. Source: `traffic.retry.codes` of the AgentgatewayPolicy."""
    return None if 400 <= number <= 599 else f"{number:.0f} is not the status of an error; give 400 to 599"


def backoff_milliseconds(number: float) -> str | None:
    """Checks the time between two attempts. Source: Duration of the Gateway API, of five digits."""
    return _in_range(number, 1, LARGEST_DURATION, "milliseconds")


def rate_limit(number: float) -> str | None:
    """Checks how much may be used in a period."""
    return _in_range(number, 1, LARGEST_RATE)


def burst(number: float) -> str | None:
    """Checks how much may be used on top of a limit."""
    return _in_range(number, 0, LARGEST_RATE)


def seconds(number: float) -> str | None:
    """Checks a time to wait."""
    return f"{number:.0f} is too short; give at least 1 second" if number < 1 else None


def url_path(path: str, example: str) -> str | None:
    """Checks the path of a URL. Source: the rules of HTTPPathMatch in the Gateway API."""
    if not path.startswith("/"):
        return f'"{path}" doesn\'t start with a slash; give a path such as {example}'
    if too_long := _too_long(path, PATH_LENGTH):
        return too_long
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


def chat_path(path: str) -> str | None:
    """Checks the path of a provider's chat completions."""
    if path.endswith(CHAT_COMPLETIONS * 2):
        return f'"{path}" ends in {CHAT_COMPLETIONS} twice; give "{path.removesuffix(CHAT_COMPLETIONS)}"'
    return url_path(path, "/v1/chat/completions")


def route_path(path: str) -> str | None:
    """Checks the path prefix of a route."""
    return url_path(path, "/mistral")


def header_name(name: str) -> str | None:
    """Checks the name of a header with a key. Source: RFC 9110, token, and its fields with a meaning of their own."""
    if not _TOKEN.fullmatch(name):
        return f'"{name}" is not a header name; use letters, digits and "-", as in api-key'
    if _OF_HTTP.fullmatch(name.lower()):
        return f'"{name}" belongs to HTTP itself, so no key can be in it; give the header that the provider reads'
    return _too_long(name, HEADER_LENGTH)


def header_prefix(prefix: str) -> str | None:
    """Checks the text before the key in a header. Source: RFC 9110, field value."""
    if not prefix or not prefix.isascii() or not prefix.isprintable() or prefix != prefix.strip():
        return f'"{prefix}" is not a valid prefix; use printable characters without spaces around them, as in Token'
    return _too_long(f"{prefix} ", HEADER_LENGTH)


def model(name: str) -> str | None:
    """Checks a model's name; every provider has its own rules."""
    if not _is_printed_as_given(name):
        return f"{name!r} is not a model name; give it as the provider lists it"
    return _too_long(name, MODEL_LENGTH)


def model_alias(name: str) -> str | None:
    """Checks the name that callers use for a model."""
    if not _is_printed_as_given(name):
        return f"{name!r} is not a model name; give one without spaces around it"
    return _too_long(name, MODEL_LENGTH)


def api_key(key: object) -> str | None:
    """Checks an API key, as a header holds it. The reason never quotes it."""
    if not isinstance(key, str):
        return "the value is not a string"
    if not key.strip():
        return "the key is empty"
    if "\n" in key or "\r" in key:
        return "the key has a line break, as keys read from a file often do; remove it"
    if key != key.strip():
        return "the key has spaces around it; remove them"
    if len(key) > 1 and key[0] == key[-1] and key[0] in "\"'`":
        return "the key is in quotes; remove them"
    if _UNEXPANDED.fullmatch(key):
        return "the key is a variable that was not expanded; give its value"
    if not key.isascii() or not key.isprintable():
        return "the key has characters that a header can't hold"
    if key.lower().startswith("bearer "):
        return 'the key starts with "Bearer"; remove that, because the gateway adds it'
    return None


def client_key(key: object) -> str | None:
    """Checks the API key of a client, as the gateway reads it from a Secret. The reason never quotes it."""
    if isinstance(key, str) and key.startswith("{"):
        return "the key starts with a brace, so the gateway would take it for JSON; give another"
    if isinstance(key, str) and key.lower().startswith("bearer "):
        return 'the key starts with "Bearer"; remove that, because clients add it'
    if reason := api_key(key):
        return reason
    length = len(str(key))
    too_short = f"the key is {length} characters long; give at least {CLIENT_KEY_LENGTH}"
    return too_short if length < CLIENT_KEY_LENGTH else None


def client_name(name: str) -> str | None:
    """Checks a client's name, by which its key stands in a Secret. Source: keys of `data` in a Secret."""
    if too_long := _too_long(name, OBJECT_NAME_LENGTH):
        return too_long
    if not _SECRET_KEY.fullmatch(name) or name == "." or name.startswith(".."):
        return f'"{name}" is not a valid name for a client; use letters, digits, "-", "_" and "."'
    return None


def request_field(name: str) -> str | None:
    """Checks the name of a field in a request's body. Source: `ai.defaults[].field` of the AgentgatewayBackend."""
    return _too_long(name, FIELD_LENGTH) if name.strip() else "empty; give the name of a field such as temperature"


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


def _is_printed_as_given(name: str) -> bool:
    return bool(name) and name == name.strip() and name.isprintable()


def _in_range(number: float, least: int, greatest: int, unit: str = "") -> str | None:
    if least <= number <= greatest:
        return None
    return f"{number:.0f} is out of range; give {least} to {greatest} {unit}".rstrip()


def _too_long(text: str, longest: int) -> str | None:
    return f"{len(text)} characters long; the limit is {longest}" if len(text) > longest else None


def _international(star: str, name: str, example: str) -> str:
    try:
        ascii_name = name.encode("idna").decode()
    except UnicodeError:
        return f'"{star}{name}" is not a host name; give one such as {example}'
    return f'"{star}{name}" is an internationalized name; give it as "{star}{ascii_name}"'
