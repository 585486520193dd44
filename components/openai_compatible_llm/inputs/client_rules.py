"""Checks who may call the route, and how much."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..settings import ObjectNames
from . import validators
from .arguments import Arguments
from .errors import Case, Issue, Key
from .types import is_output

CLIENT_KEYS = "client_api_keys"
CLIENT_SECRET = ("client_api_keys_secret", "name")
CLIENT_SOURCES = (CLIENT_KEYS, CLIENT_SECRET[0])


def client_errors(name: str, arguments: Arguments) -> Iterator[Issue]:
    """Yields an issue for each rule that the clients' keys break."""
    given = list(filter(arguments.given, CLIENT_SOURCES))
    for source in given[1:]:
        yield arguments.issue(
            source, reason=lambda case: f"`{case(given[0])}` already says which keys clients have; remove one of them"
        )
    for source in given:
        if arguments.given("passthrough"):
            yield arguments.issue(
                source,
                reason=lambda case: (
                    "the gateway removes the client's key from the request, so with "
                    f"`{case('passthrough')}` the provider would get none; remove one of them"
                ),
            )
    yield from _shared_secret(name, arguments)
    keys = arguments.resolved(CLIENT_KEYS)
    if keys is not None:
        providers = (arguments, *arguments.groups("fallbacks"))
        yield from key_errors(keys, [each.resolved("api_key") for each in providers])


def _shared_secret(name: str, arguments: Arguments) -> Iterator[Issue]:
    """Of a Secret that has both, the gateway would take the provider's key for a client's."""
    secret = arguments.resolved(*CLIENT_SECRET)
    names = ObjectNames(name)
    holders = [names.secret] if arguments.given("api_key") else []
    with_key = [each for each in arguments.groups("fallbacks") if each.given("api_key")]
    holders += [names.fallback_secret(label) for each in with_key if (label := each.resolved("name"))]
    holders += [each.resolved("api_key_secret", "name") for each in (arguments, *arguments.groups("fallbacks"))]
    if secret is not None and secret in holders:
        yield arguments.issue(
            *CLIENT_SECRET, reason=f'"{secret}" holds the provider\'s key, with which clients could call; give another'
        )


def key_errors(keys: Any, provider_keys: Collection[Any]) -> Iterator[Issue]:
    """Yields an issue for each client whose name or key can't be used. No reason quotes a key.

    Args:
        keys: The clients' keys by their names. Those that are resolved later are left out.
        provider_keys: The keys of the providers, as far as they are resolved.
    """
    if not isinstance(keys, Mapping):
        yield Issue((CLIENT_KEYS,), "the value is not a map of strings")
        return
    if not keys:
        yield Issue(
            (CLIENT_KEYS,),
            lambda case: f"empty; give a client's key, or remove `{case(CLIENT_KEYS)}` to let anyone call",
        )
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


def rate_limit_errors(arguments: Arguments) -> Iterator[Issue]:
    """Yields an issue for each rule that the rate limits break."""
    limits = arguments.groups("rate_limits")
    if len(limits) > 1:
        reason = f"{len(limits)} entries; these gateways count the first limit of a route alone, so give one"
        yield arguments.issue("rate_limits", reason=reason)
    for limit in limits:
        if limit.given("requests") == limit.given("tokens"):
            yield limit.issue(reason=_both if limit.given("tokens") else _neither)


def _both(case: Case) -> str:
    return f"has `{case('requests')}` and `{case('tokens')}`; give one of them"


def _neither(case: Case) -> str:
    return f"has no limit; give `{case('requests')}` or `{case('tokens')}`"
