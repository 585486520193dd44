"""Reads the entries of a Secret with clients' keys, and finds out whose key one is. No key is kept."""

import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..settings import AUTHORIZATION
from .redaction import sanitize

_HASH_PREFIX = "sha256:"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ClientKey:
    """A client's key, or the caller's own token, and where a request has it.

    Attributes:
        prefix: What stands before it in the header, literally.
    """

    value: str = field(repr=False)
    header: str = AUTHORIZATION
    prefix: str = "Bearer "


@dataclass(frozen=True)
class Client:
    """A client as an entry of a Secret describes it.

    Attributes:
        entry: The entry's name.
        digest: SHA-256 of its key, in lower-case hexadecimal digits.
        name: Its name in policies; None where the entry has none.
        models: What it may ask for, as one regular expression; None where it may ask for anything. Somebody else's
            Secret may have something else here.
        has_blanks: Whether the entry has blanks around a bare key, which count as a part of it.
    """

    entry: str
    digest: str = field(repr=False)
    name: str | None = None
    models: Any = None
    has_blanks: bool = False

    @property
    def label(self) -> str:
        """Returns how reports name it."""
        return sanitize(self.name or self.entry)

    @property
    def patterns(self) -> str:
        """Returns the models that it may ask for, as `clients` has them; empty where that is anything."""
        alternatives = re.split(r"(?<!\\)\|", self.models or "")
        return sanitize(", ".join(re.sub(r"\\(.)|\.(\*)", r"\1\2", each) for each in alternatives))

    def may_use(self, model: str) -> bool | None:
        """Tells whether it may ask for the model; None where its models are not a regular expression."""
        if self.models is None:
            return True
        try:
            return re.fullmatch(self.models, model) is not None
        except (TypeError, re.error):
            return None


def read_clients(data: Mapping[str, str]) -> tuple[tuple[Client, ...], tuple[str, ...]]:
    """Reads a Secret's entries, which are bare keys or JSON.

    Source: `processAPIKeyAuthenticationPolicy` of agentgateway's controller.

    Returns:
        The clients by their entries' names, and the names of entries that the gateway can't read.
    """
    clients = {entry: _read_client(entry, data[entry]) for entry in sorted(data)}
    found = tuple(client for client in clients.values() if client)
    return found, tuple(entry for entry, client in clients.items() if client is None)


def find_client(clients: Iterable[Client], key: str) -> Client | None:
    """Returns the client that has the key; None where none has it."""
    digest = _digest(key)
    return next((each for each in clients if each.digest == digest), None)


def _read_client(entry: str, encoded: str) -> Client | None:
    try:
        text = b64decode(encoded).decode()
        if not text.strip().startswith("{"):
            return Client(entry, _digest(text.strip()), has_blanks=text != text.strip()) if text.strip() else None
        content = json.loads(text)
    except ValueError:
        return None
    key, key_hash, metadata = content.get("key"), content.get("keyHash"), content.get("metadata")
    if metadata is None:
        metadata = {}
    digest = _digest(key) if isinstance(key, str) else str(key_hash).removeprefix(_HASH_PREFIX).lower()
    has_one = bool(key) != bool(key_hash) and (key or str(key_hash).startswith(_HASH_PREFIX))
    if not has_one or not _DIGEST.fullmatch(digest) or not isinstance(metadata, dict):
        return None
    name = metadata.get("client")
    return Client(entry, digest, name if isinstance(name, str) else None, metadata.get("models"))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
