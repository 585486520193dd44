"""Checks who may call the route, and how much."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from . import validators
from .arguments import Arguments
from .errors import Case, Issue, Key
from .types import is_output

CLIENT_KEYS = "client_api_keys"
CLIENT_SOURCES = (CLIENT_KEYS, "client_api_keys_secret")
MOST_RATE_LIMITS = 16


def client_errors(arguments: Arguments) -> Iterator[Issue]:
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
                    "the gateway removes the client's key from the request, and with "
                    f"`{case('passthrough')}` no other reaches the provider; remove one of them"
                ),
            )
    keys = arguments.resolved("client_api_keys")
    if keys is not None:
        providers = (arguments, *arguments.groups("fallbacks"))
        yield from key_errors(keys, {each.resolved("api_key") for each in providers})


def key_errors(keys: Mapping[str, Any], provider_keys: set[Any]) -> Iterator[Issue]:
    """Yields an issue for each client whose name or key can't be used. No reason quotes a key.

    Args:
        keys: The clients' keys by their names. Those that are resolved later are left out.
        provider_keys: The keys of the providers, as far as they are resolved.
    """
    if not keys:
        yield Issue(
            (CLIENT_KEYS,),
            lambda case: f"empty; give a client's key, or remove `{case('client_api_keys')}` to let anyone call",
        )
    counts = Counter(key for key in keys.values() if isinstance(key, str))
    for client, key in keys.items():
        at = (CLIENT_KEYS, Key(client))
        if isinstance(key, str) and len(key) < validators.CLIENT_KEY_LENGTH <= len(client):
            # The name may be the key, and then no message may show it.
            yield Issue((CLIENT_KEYS,), "a client's name is longer than its key; give keys by their clients' names")
            continue
        if reason := validators.client_name(client):
            yield Issue(at, reason)
        if is_output(key):
            continue
        if reason := validators.client_key(key):
            yield Issue(at, reason)
        elif key in provider_keys:
            yield Issue(at, "the key is the provider's own; give the client another")
        elif counts[key] > 1:
            yield Issue(at, "the key is another client's as well; give each client its own")


def rate_limit_errors(arguments: Arguments) -> Iterator[Issue]:
    """Yields an issue for each rule that the rate limits break."""
    limits = arguments.groups("rate_limits")
    if len(limits) > MOST_RATE_LIMITS:
        yield arguments.issue("rate_limits", reason=f"{len(limits)} entries; give at most {MOST_RATE_LIMITS}")
    for limit in limits:
        if limit.given("requests") == limit.given("tokens"):
            yield limit.issue(reason=_both if limit.given("tokens") else _neither)


def _both(case: Case) -> str:
    return f"has `{case('requests')}` and `{case('tokens')}`; give one of them"


def _neither(case: Case) -> str:
    return f"has no limit; give `{case('requests')}` or `{case('tokens')}`"
