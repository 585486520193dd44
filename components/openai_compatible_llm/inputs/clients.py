"""Parses who may call: keys of clients, their models, and how much they may use."""

from collections.abc import Collection
from typing import Any

from ..args import RateLimitPeriod
from ..arguments import Arguments
from ..arguments.validators import object_name, port
from ..backends.clients import MOST_CLIENTS_WITH_LIMITS
from ..settings import Client, Clients, Provider, RateLimit, RateLimitService
from . import validators
from .client_keys import CLIENTS, key_issues, report_key_count, resolved_keys
from .providers import parse_auth_header
from .traffic import parse_rate_limit

EXISTING_SECRET = ("clients_secret", "name")
SOURCES = (CLIENTS, EXISTING_SECRET[0])
AUTH_HEADER, SERVICE = "client_auth_header", "rate_limit_service"

DEFAULT_SERVICE_PORT = 8081
DEFAULT_DOMAIN = "llm"


def parse_clients(
    arguments: Arguments, own_secret: str, providers: Collection[Provider] = (), provider_keys: Collection[Any] = ()
) -> Clients | None:
    """Parses who may call; None where anyone may. A Secret whose name isn't resolved has an empty one.

    If the arguments have clients, the component creates its `own_secret`.
    """
    header, service = parse_auth_header(arguments, AUTH_HEADER), _parse_service(arguments)
    existing: str | None = arguments.read(*EXISTING_SECRET, check=object_name, default="")
    known = _parse_known(arguments, has_service=service is not None)
    arguments.issues += key_issues(resolved_keys(arguments), provider_keys)
    sources = list(filter(arguments.given, SOURCES))
    for source in sources[1:]:
        arguments.report(f"`{sources[0]}` already says who the clients are; remove one of them", source)
    if not sources:
        for argument in filter(arguments.given, (AUTH_HEADER, SERVICE)):
            arguments.report("has no effect without `clients`; give them, or remove it", argument)
        return None
    if arguments.given("passthrough") and (header is None or header.is_authorization):
        reason = (
            "the gateway removes the client's key from `Authorization`, so with `passthrough` the provider would get "
            f"none; remove one of them, or give `{AUTH_HEADER}`"
        )
        for source in sources:
            arguments.report(reason, source)
    if existing and existing in {provider.secret_name for provider in providers}:
        # Of a Secret that has both, the gateway would take the provider's key for a client's.
        arguments.report(
            f'"{existing}" holds the provider\'s key, with which clients could call; give another', *EXISTING_SECRET
        )
    return Clients(own_secret if arguments.given(CLIENTS) else existing or "", known, header, service)


def report_uncountable_limits(arguments: Arguments, clients: Clients | None) -> None:
    """Reports limits that a route can't have without the service."""
    limited = [client for client in clients.known if client.rate_limits] if clients else []
    if not limited or (clients and clients.rate_limit_service):
        return
    if len(limited) > MOST_CLIENTS_WITH_LIMITS:
        reason = f"{len(limited)} clients have limits, and these gateways take {MOST_CLIENTS_WITH_LIMITS} at most"
        arguments.report(f"{reason}; give `{SERVICE}`", CLIENTS)
    if arguments.given("rate_limits") and arguments.read("rate_limits") != []:
        reason = "these gateways can't count it beside limits of `clients`"
        arguments.report(f"{reason}; give `{SERVICE}`, or remove one of them", "rate_limits")


def _parse_known(arguments: Arguments, *, has_service: bool) -> tuple[Client, ...]:
    if arguments.read(CLIENTS) == {}:
        arguments.report(f"empty; give a client, or remove `{CLIENTS}` to let anyone call", CLIENTS)
    _hide_swapped_names(arguments)
    return tuple(_parse_client(name, group, has_service=has_service) for name, group in arguments.named_groups(CLIENTS))


def _hide_swapped_names(arguments: Arguments) -> None:
    """Replaces what was found wrong with a client whose name may be its key, so that no message shows that."""
    clients = arguments.values.get(CLIENTS)
    swapped = (
        {name for name, value in clients.items() if _looks_swapped(name, value)} if isinstance(clients, dict) else set()
    )
    if swapped:
        arguments.issues[:] = [each for each in arguments.issues if swapped.isdisjoint(each.path)]
        for name in swapped:
            del clients[name]
        arguments.report("a client's name is longer than its key; give each key under its client's name", CLIENTS)


def _looks_swapped(name: object, value: object) -> bool:
    key = value.get("api_key") if isinstance(value, dict) else value
    return isinstance(name, str) and isinstance(key, str) and len(key) < validators.CLIENT_KEY_LENGTH <= len(name)


def _parse_client(name: str, client: Arguments, *, has_service: bool) -> Client:
    if reason := validators.client_name(name):
        client.report(reason)
    report_key_count(client)
    client.read("models", check=_models)
    models = tuple(model for _, model in client.read_each("models", check=validators.model_pattern))
    return Client(
        name=name,
        models=models if client.given("models") else None,
        rate_limits=_parse_limits(client, has_service=has_service),
    )


def _models(names: list[object]) -> str | None:
    return validators.models(names) if names else "empty; give names or patterns, or remove `models` to allow all"


def _parse_limits(client: Arguments, *, has_service: bool) -> tuple[RateLimit, ...]:
    groups = client.groups("rate_limits")
    limits = tuple(map(parse_rate_limit, groups))
    if not has_service and len(limits) > 1:
        reason = f"{len(limits)} entries; these gateways count one limit of a client"
        client.report(f"{reason}, so give one, or `{SERVICE}`", "rate_limits")
    seen: set[tuple[bool, RateLimitPeriod]] = set()
    for group, limit in zip(groups, limits, strict=True):
        kind = group.given("tokens"), limit.per
        if has_service and kind in seen:
            group.report(
                f"another entry limits {'tokens' if kind[0] else 'requests'} per {limit.per}; give one of them"
            )
        if has_service and limit.burst:
            group.report(f"has no effect with `{SERVICE}`, which knows no bursts; remove it", "burst")
        if not has_service and limit.per == RateLimitPeriod.DAY:
            reason = f'"day" needs `{SERVICE}`; these gateways count a `second`, a `minute` or an `hour`'
            group.report(reason, "per")
        seen.add(kind)
    return limits


def _parse_service(arguments: Arguments) -> RateLimitService | None:
    service = arguments.within(SERVICE)
    parsed = RateLimitService(
        host=service.read("host", check=validators.service_host, default=""),
        port=service.read("port", check=port, default=DEFAULT_SERVICE_PORT),
        domain=service.read("domain", check=validators.rate_limit_domain, default=DEFAULT_DOMAIN),
        fail_open=service.read("fail_open", default=False),
    )
    return parsed if arguments.given(SERVICE) else None
