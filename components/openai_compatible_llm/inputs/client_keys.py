"""Checks the keys of clients, and makes of them what the cluster gets: their hashes."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, cast

import pulumi

from ..arguments import Arguments, Declaration, Issue, Key, Path
from ..arguments.outputs import map_output, withhold
from ..backends.clients import secret_entry
from ..objects.factory import SecretEntries
from ..settings import Client
from . import validators

CLIENTS = "clients"

KEY_CHECKS = {"api_key": validators.client_key, "api_key_sha256": validators.client_key_hash}
"""The arguments that say which key a client has, of which each gives one."""

ClientKeys = Mapping[str, Mapping[str, Any]]
"""What says which key each client has, by its name and by the argument."""


def report_key_count(client: Arguments) -> None:
    """Reports a client that doesn't have exactly one key."""
    given = list(filter(client.given, KEY_CHECKS))
    if not given:
        client.report("has no key; give `api_key` or `api_key_sha256`")
    elif len(given) > 1:
        client.report("has `api_key` and `api_key_sha256`; give one of them")


def resolved_keys(arguments: Arguments) -> ClientKeys:
    """Returns the keys of clients that are known now."""
    return {
        name: {argument: key for argument in KEY_CHECKS if (key := group.read(argument)) is not None}
        for name, group in arguments.named_groups(CLIENTS)
    }


def client_keys(args: Mapping[Any, Any]) -> ClientKeys:
    """Returns the keys of clients in valid arguments without Outputs."""
    return {
        name: {argument: client[argument] for argument in KEY_CHECKS if client.get(argument) is not None}
        for name, client in (args.get(CLIENTS) or {}).items()
    }


def withhold_keys(arguments: Arguments) -> ClientKeys:
    """Takes the keys of all clients out of valid arguments."""
    return {
        name: {
            argument: withhold(arguments.values, group.path(argument))
            for argument in KEY_CHECKS
            if group.given(argument)
        }
        for name, group in arguments.named_groups(CLIENTS)
    }


def secret_entries(
    declaration: Declaration,
    component: str,
    clients: Iterable[Client] | pulumi.Output[Iterable[Client]],
    keys: ClientKeys,
    provider_keys: Collection[Any] = (),
) -> SecretEntries:
    """Builds the entries of the Secret with the clients, in which no key is. Keys are checked when resolved."""

    def build(known: Iterable[Client]) -> pulumi.Output[Mapping[str, str]]:
        def entries(resolved: Mapping[str, Any]) -> Mapping[str, str]:
            declaration.raise_issues(component, key_issues(resolved["clients"], resolved["providers"]))
            return {client.name: secret_entry(client, _hash(resolved["clients"][client.name])) for client in known}

        return pulumi.Output.secret({"clients": keys, "providers": list(provider_keys)}).apply(entries)

    return cast("SecretEntries", map_output(clients, build))


def key_issues(keys: ClientKeys, provider_keys: Collection[Any]) -> Iterator[Issue]:
    """Yields an issue for each key that can't be used. No reason quotes a key."""
    hashes: dict[Path, str] = {}
    for client, given in keys.items():
        for argument, value in given.items():
            at: Path = (CLIENTS, Key(client), argument)
            if reason := KEY_CHECKS[argument](value):
                yield Issue(at, reason)
            else:
                hashes[at] = _hash({argument: value})
    of_providers = {_sha256(key) for key in provider_keys if isinstance(key, str)}
    counts = Counter(hashes.values())
    for at, key_hash in hashes.items():
        if key_hash in of_providers:
            yield Issue(at, "the key is a provider's own; give the client another")
        elif counts[key_hash] > 1:
            yield Issue(at, "another client has the same key; give each client its own")


def _hash(given: Mapping[str, Any]) -> str:
    return _sha256(given["api_key"]) if "api_key" in given else str(given["api_key_sha256"])


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
