"""Finds API keys outside of Secrets. No message contains a key."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from . import gateway_api
from .apis import GatewayApi
from .objects import KubernetesObject, Path, Violation, format_path, get, walk

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


def inline_tokens(objects: Iterable[KubernetesObject]) -> Iterator[Violation]:
    """Yields a violation for each key in the field that a gateway API has for keys outside of Secrets."""
    for each in objects:
        for path, value, _ in walk(each.spec):
            if each.api and value and _is_inline_key(path, each.api):
                remedy = f"Put it into a Secret, and name the Secret in {each.api.secret}"
                yield f"{each}: {format_path(path)} contains the key itself. {remedy}.", each.urn


def keys_in_spec(objects: Iterable[KubernetesObject]) -> Iterator[Violation]:
    """Yields a violation for each other key in a custom resource's spec, or in a header that carries keys."""
    for each in filter(_is_custom_resource, objects):
        for path, value, _ in walk(each.spec):
            if isinstance(value, str) and _looks_like_a_key(value) and not _is_inline_key(path, each.api):
                problem = "looks like a key. Put it into a Secret, and refer to the Secret"
            elif _modifies_headers(path, each.api) and _is_credential(value):
                problem = "sets a header that carries keys. Let the backend set it, from a Secret"
            else:
                continue
            yield f"{each}: {format_path(path)} {problem}.", each.urn


def _is_custom_resource(obj: KubernetesObject) -> bool:
    """Tells whether its group isn't Kubernetes' own: those have no dot, or end in `.k8s.io`.

    Groups that end in `.networking.k8s.io`, such as the Gateway API's, count as custom.
    """
    builtin = "." not in obj.group or obj.group.endswith(".k8s.io")
    return not builtin or obj.group.endswith(".networking.k8s.io")


def _is_inline_key(path: Path, api: GatewayApi | None) -> bool:
    return api is not None and path[-2:] == (api.auth, api.inline_key)


def _modifies_headers(path: Path, api: GatewayApi | None) -> bool:
    return gateway_api.HEADER_MODIFIER in path or (api is not None and api.header_modifiers in path)


def _looks_like_a_key(text: str) -> bool:
    found = (match for pattern in (_PREFIXED, _BEARER) for match in pattern.finditer(text))
    return bool(_UNMISTAKABLE.search(text)) or any(_is_random(match["random"]) for match in found)


def _is_random(text: str) -> bool:
    """Tells a key from a name: it mixes lower and upper case, or has more than two digits."""
    return len(re.findall(r"\d", text)) > 2 or text not in (text.lower(), text.upper())


def _is_credential(header: Any) -> bool:
    name, text = get(header, "name"), get(header, "value")
    if not isinstance(name, str) or name.lower() not in _CREDENTIAL_HEADERS or not isinstance(text, str):
        return False
    return bool(text) and not _looks_like_a_key(text)
