"""Finds API keys outside of Secrets. No message contains a key."""

import re
from collections.abc import Iterator, Mapping

from .apis import APIS
from .objects import KubernetesObject, Path, format_path, values

# The prefix of a provider's keys, then up to three short parts, then a long random one.
# Sources: the providers' documentation, and the rules of the secret scanner gitleaks.
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9_-])"
    r"(?:(?:sk|csk|xai|pplx|nvapi)-|(?:gsk|hf|r8|gh[pousr]|github_pat)_|AIza)"
    r"(?:[A-Za-z0-9]{1,8}-){0,3}"
    r"(?P<random>[A-Za-z0-9_]{16,})"
)
_BEARER = re.compile(r"\bbearer\s+(?P<random>[A-Za-z0-9._~+/-]{16,})", re.IGNORECASE)
_UNMISTAKABLE = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"
)

_CREDENTIAL_HEADERS = {
    "api-key",
    "api-subscription-key",
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "x-goog-api-key",
}


def inline_tokens(obj: KubernetesObject) -> Iterator[str]:
    """Yields a message for each key in the field that a gateway API has for keys outside of Secrets."""
    for path, value in values(obj.spec):
        if _is_inline_token(obj, path) and value:
            remedy = f"Put it into a Secret, and name the Secret in {APIS[obj.group].secret_reference}"
            yield f"{obj}: {format_path(path)} contains the key itself. {remedy}."


def keys_in_spec(obj: KubernetesObject) -> Iterator[str]:
    """Yields a message for each key anywhere else in a custom resource's spec, or in a header that carries keys."""
    if not obj.is_custom_resource:
        return
    for path, value in values(obj.spec):
        if isinstance(value, str) and _looks_like_a_key(value) and not _is_inline_token(obj, path):
            yield f"{obj}: {format_path(path)} looks like a key. Put it into a Secret, and refer to the Secret."
        elif isinstance(value, Mapping) and _sets_a_credential_header(path, value):
            yield f"{obj}: {format_path(path)} sets a header that carries keys. Let the backend set it, from a Secret."


def _is_inline_token(obj: KubernetesObject, path: Path) -> bool:
    return obj.group in APIS and path[-2:] == APIS[obj.group].inline_token


def _looks_like_a_key(text: str) -> bool:
    found = (match for pattern in (_PREFIXED, _BEARER) for match in pattern.finditer(text))
    return bool(_UNMISTAKABLE.search(text)) or any(_is_random(match["random"]) for match in found)


def _is_random(text: str) -> bool:
    """Tells a key from a name: it mixes lower and upper case, or has more than two digits."""
    return len(re.findall(r"\d", text)) > 2 or text not in (text.lower(), text.upper())


def _sets_a_credential_header(path: Path, value: Mapping[str, object]) -> bool:
    name, text = value.get("name"), value.get("value")
    if not isinstance(name, str) or name.lower() not in _CREDENTIAL_HEADERS or not isinstance(text, str):
        return False
    modifiers = {"requestHeaderModifier", *(api.header_modifiers for api in APIS.values())}
    return bool(text) and not modifiers.isdisjoint(path) and not _looks_like_a_key(text)
