"""Tells which client a request comes from, as agentgateway does with the entries of a clients' Secret."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.support.http_server import Request

BEARER = {"name": "Authorization", "prefix": "Bearer "}


def header_of(authentication: Mapping[str, Any]) -> dict[str, str]:
    """Returns the header in which the policy says that clients' keys are."""
    return dict(authentication.get("location", {}).get("header", BEARER))


def key_in(header: Mapping[str, str], request: Request) -> str | None:
    """Returns the key; the case of the word before it doesn't count."""
    value, prefix = request.headers.get(header["name"].lower()), header.get("prefix", "")
    if value is None or not value.lower().startswith(prefix.lower()):
        return None
    return value[len(prefix) :]


def claims(entries: Iterable[str], key: str) -> dict[str, Any] | None:
    """Returns the variable `apiKey` of the client that has the key; None where nobody has it."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    for entry in map(_parsed, entries):
        if entry.get("key") == key or entry.get("keyHash", "").lower() == f"sha256:{digest}":
            return {"key": "<redacted>", **(entry.get("metadata") or {})}
    return None


def _parsed(entry: str) -> dict[str, Any]:
    if not entry.strip().startswith("{"):
        return {"key": entry}
    parsed: dict[str, Any] = json.loads(entry)
    assert ("key" in parsed) != ("keyHash" in parsed), "the gateway drops an entry with both or none"
    return parsed
