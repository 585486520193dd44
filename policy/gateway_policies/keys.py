"""API keys that stand where everybody reads them. What is said of one never holds it."""

import re
from collections.abc import Iterator, Mapping

from .objects import KubernetesObject, Path, shown, values

_INLINE = {"gateway.kgateway.dev": ("authToken", "inline"), "agentgateway.dev": ("auth", "key")}

# Prefixes by which providers mark their keys, and what follows them: perhaps a few short parts, then a long one that is
# no word. Sources: the providers' documentation, and the rules of the secret scanner gitleaks.
_MARKED = re.compile(
    r"(?<![A-Za-z0-9_-])"
    r"(?:(?:sk|csk|xai|pplx|nvapi)-|(?:gsk|hf|r8|gh[pousr]|github_pat)_|AIza)"
    r"(?:[A-Za-z0-9]{1,8}-){0,3}"
    r"(?P<random>[A-Za-z0-9_]{16,})"
)
_BEARER = re.compile(r"\bbearer\s+(?P<random>[A-Za-z0-9._~+/-]{16,})", re.IGNORECASE)
_BEYOND_DOUBT = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"
)

_HEADER_MODIFIERS = {"requestHeaderModifier", "headerModifiers"}
_CREDENTIAL_HEADERS = {
    "api-key",
    "api-subscription-key",
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "x-goog-api-key",
}


def inline_tokens(obj: KubernetesObject) -> Iterator[str]:
    """In the field that the gateway's API has for keys that aren't in a Secret."""
    for path, value in values(obj.spec):
        if _is_inline_token(obj, path) and value:
            yield f"{obj}: {shown(path)} holds the key itself. Put it into a Secret, and name that in secretRef."


def keys_in_spec(obj: KubernetesObject) -> Iterator[str]:
    """Anywhere else in a custom resource's spec: what is marked as a key, or is sent in a header for one."""
    if not obj.is_custom_resource:
        return
    for path, value in values(obj.spec):
        if isinstance(value, str) and _looks_like_a_key(value) and not _is_inline_token(obj, path):
            yield f"{obj}: {shown(path)} looks like a key. Put it into a Secret, and refer to that."
        elif isinstance(value, Mapping) and _sets_a_credential_header(path, value):
            yield f"{obj}: {shown(path)} sets a header for keys. Have the backend do so, from a Secret."


def _is_inline_token(obj: KubernetesObject, path: Path) -> bool:
    return path[-2:] == _INLINE.get(obj.group)


def _looks_like_a_key(text: str) -> bool:
    found = (match for pattern in (_MARKED, _BEARER) for match in pattern.finditer(text))
    return bool(_BEYOND_DOUBT.search(text)) or any(_is_random(match["random"]) for match in found)


def _is_random(text: str) -> bool:
    """A name is in small letters, with a digit or two; a key has capitals among them, or more digits."""
    return len(re.findall(r"\d", text)) > 2 or text not in (text.lower(), text.upper())


def _sets_a_credential_header(path: Path, value: Mapping[str, object]) -> bool:
    name, text = value.get("name"), value.get("value")
    if not isinstance(name, str) or name.lower() not in _CREDENTIAL_HEADERS or not isinstance(text, str):
        return False
    return bool(text) and not _HEADER_MODIFIERS.isdisjoint(path) and not _looks_like_a_key(text)
