"""Parses who may call the route."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..arguments import Arguments, Issue, Key
from ..arguments.outputs import is_output
from ..arguments.validators import object_name
from ..settings import ObjectNames, Provider
from . import validators
from .providers import provider_groups

CLIENT_KEYS = "client_api_keys"
CLIENT_SECRET = ("client_api_keys_secret", "name")
CLIENT_SOURCES = (CLIENT_KEYS, CLIENT_SECRET[0])


def parse_clients(arguments: Arguments, names: ObjectNames, providers: Collection[Provider]) -> str | None:
    """Returns the name of the Secret with the clients' keys, empty if it isn't resolved; None where anyone may call."""
    sources = list(filter(arguments.given, CLIENT_SOURCES))
    for source in sources[1:]:
        arguments.report(f"`{sources[0]}` already says which keys clients have; remove one of them", source)
    for source in sources if arguments.given("passthrough") else ():
        reason = (
            "the gateway removes the client's key from the request, so with `passthrough` the provider would get none; "
            "remove one of them"
        )
        arguments.report(reason, source)
    existing: str | None = arguments.read(
        *CLIENT_SECRET, check=object_name, default="" if arguments.given(CLIENT_SECRET[0]) else None
    )
    if existing and existing in {provider.secret_name for provider in providers}:
        # Of a Secret that has both, the gateway would take the provider's key for a client's.
        arguments.report(
            f'"{existing}" holds the provider\'s key, with which clients could call; give another', *CLIENT_SECRET
        )
    keys = arguments.read(CLIENT_KEYS)
    if keys is not None:
        of_providers = [each.read("api_key") for each in provider_groups(arguments)]
        arguments.issues += key_errors(keys, of_providers)
    return names.clients_secret if arguments.given(CLIENT_KEYS) else existing


def key_errors(keys: Any, provider_keys: Collection[Any]) -> Iterator[Issue]:
    """Yields an issue for each client whose name or key can't be used, if it is resolved. No reason quotes a key."""
    if not isinstance(keys, Mapping):
        yield Issue((CLIENT_KEYS,), "the value is not a map of strings")
        return
    if not keys:
        yield Issue((CLIENT_KEYS,), f"empty; give a client's key, or remove `{CLIENT_KEYS}` to let anyone call")
    if any(map(_looks_swapped, keys, keys.values())):
        # The name may be the key, and then no message may show it.
        yield Issue((CLIENT_KEYS,), "a client's name is longer than its key; give each key under its client's name")
    counts = Counter(key for key in keys.values() if isinstance(key, str))
    for client, key in keys.items():
        at = (CLIENT_KEYS, Key(client))
        if _looks_swapped(client, key):
            continue
        if reason := validators.client_name(client):
            yield Issue(at, reason)
        if is_output(key):
            continue
        if reason := validators.client_key(key):
            yield Issue(at, reason)
        elif key in provider_keys:
            yield Issue(at, "the key is a provider's own; give the client another")
        elif counts[key] > 1:
            yield Issue(at, "another client has the same key; give each client its own")


def _looks_swapped(client: str, key: object) -> bool:
    return isinstance(key, str) and len(key) < validators.CLIENT_KEY_LENGTH <= len(client)
