"""Checks single values of the arguments of providers, their routes and clients.

Each function returns what is wrong with a value and what to give instead, or None.
"""

import re

from ..arguments.validators import OBJECT_NAME_LENGTH, between, host_name, is_address, too_long, url_path
from ..model_patterns import ANY
from ..settings import CHAT_COMPLETIONS

_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_SHA256 = re.compile("[0-9a-f]{64}")
_UNEXPANDED = re.compile(r"\$\w+|\$?\{.*\}|\$\(.*\)")

MODEL_LENGTH = 256
CLIENT_KEY_LENGTH = 20
FIELD_LENGTH = 256
DOMAIN_LENGTH = 256

# Durations of the Gateway API have five digits at most. Agentgateway counts all attempts in one byte.
timeout_seconds = between(1, 99999, "seconds")
backoff_milliseconds = between(1, 99999, "milliseconds")
retry_attempts = between(1, 254, "attempts")
rate_limit = between(1, 1_000_000_000)
burst = between(0, 1_000_000_000)
# Agentgateway counts the bytes of a body in 32 bits.
request_bytes = between(1, 4_294_967_295, "bytes")


def host(name: str) -> str | None:
    """Checks a host name or an IPv4 address, without anything around it. Source: PreciseHostname of the Gateway API."""
    return host_name(
        name,
        scheme="the host name alone, or the whole URL as `base_url`",
        path="the host name alone, and the path as `path`",
        port="the host name alone, and the port as `port`",
    )


def service_host(name: str) -> str | None:
    """Checks the host name or IPv4 address of a service in the cluster."""
    example = "ratelimit.gloo-system.svc.cluster.local"
    return host_name(name, "the host name alone", "the host name alone", "the port as `port`", example)


def certificate_hostname(name: str) -> str | None:
    """Checks the name on a certificate. Source: `validation.hostname` of the BackendTLSPolicy."""
    if name.startswith("*"):
        return f'"{name}" is a pattern; give one name that the certificate is valid for'
    alone = "the name alone, as the certificate has it"
    return host_name(name, alone, alone, alone) or (
        f'"{name}" is an address; give the name that the certificate is for' if is_address(name) else None
    )


def status_codes(codes: list[object]) -> str | None:
    """Checks that there are any, and none twice. Source: `traffic.retry.codes` of the AgentgatewayPolicy."""
    if not codes:
        return "empty; give statuses such as 429 and 503"
    numbers = [int(code) for code in codes if isinstance(code, int | float)]
    twice = [code for code in dict.fromkeys(numbers) if numbers.count(code) > 1]
    return f"{twice[0]} is listed twice" if twice else None


def status_code(number: float) -> str | None:
    """Checks the status of an answer that failed. Source: `traffic.retry.codes` of the AgentgatewayPolicy."""
    return None if 400 <= number <= 599 else f"{number:.0f} is not the status of an error; give 400 to 599"


def chat_path(path: str) -> str | None:
    """Checks the path of a provider's chat completions."""
    if path.endswith(CHAT_COMPLETIONS * 2):
        return f'"{path}" ends in {CHAT_COMPLETIONS} twice; give "{path.removesuffix(CHAT_COMPLETIONS)}"'
    return url_path(path, "/v1/chat/completions")


def model(name: str, advice: str = "give it as the provider lists it") -> str | None:
    """Checks a model's name, of which every provider has its own rules, or the name that callers use for a model."""
    if not name or name != name.strip() or not name.isprintable():
        return f"{name!r} is not a model name; {advice}"
    return too_long(name, MODEL_LENGTH)


def models(names: list[object]) -> str | None:
    """Checks that there are any, and none twice."""
    if not names:
        return "empty; give names such as mistral-medium-latest, or patterns such as mistral-*"
    twice = [name for name in names if isinstance(name, str) and names.count(name) > 1]
    return f'"{twice[0]}" is listed twice' if twice else None


def model_pattern(name: str) -> str | None:
    """Checks the name by which clients ask for a model, or a pattern for such names, which a header has to carry."""
    if reason := model(name):
        return reason
    if not name.isascii():
        return f'"{name}" has characters that a header can\'t hold; give an alias without them in `model_aliases`'
    if ANY in name[1:-1] or name.count(ANY) > 1:
        return f'"{name}" has a * in the wrong place; give one at the beginning or at the end, as in mistral-*'
    return None


def owner(name: str) -> str | None:
    """Checks the name of whom models are, as a list of models has it."""
    if not name.strip() or not name.isprintable():
        return f"{name!r} is not a name; give one such as mistral"
    return too_long(name, MODEL_LENGTH)


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


def client_key_hash(value: object) -> str | None:
    """Checks the SHA-256 of a client's key. The reason never quotes it, as it may be the key itself."""
    if isinstance(value, str) and _SHA256.fullmatch(value):
        return None
    return "the value is not a SHA-256; give its 64 lower-case hexadecimal digits alone"


def rate_limit_domain(name: str) -> str | None:
    """Checks a domain of the rate limit service. Source: `rateLimit.global.domain` of the AgentgatewayPolicy."""
    if not name.strip() or not name.isprintable():
        return f"{name!r} is not a domain; give a name such as llm"
    return too_long(name, DOMAIN_LENGTH)


def client_name(name: str) -> str | None:
    """Checks a client's name, by which it stands in a Secret. Source: keys of `data` in a Secret."""
    if reason := too_long(name, OBJECT_NAME_LENGTH):
        return reason
    if not _SECRET_KEY.fullmatch(name) or name == "." or name.startswith(".."):
        return f'"{name}" is not a valid name for a client; use letters, digits, "-", "_" and "."'
    return None


def request_field(name: str) -> str | None:
    """Checks the name of a field in a request's body. Source: `ai.defaults[].field` of the AgentgatewayBackend."""
    return too_long(name, FIELD_LENGTH) if name.strip() else "empty; give the name of a field such as temperature"
