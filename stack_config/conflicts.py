"""Finds what the components of a stack would take from each other: requests, names of objects, keys."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from components import BackendApi, Endpoints
from components.openai_compatible_llm.backends import AGENTGATEWAY
from components.openai_compatible_llm.route_conflicts import (
    ClientRoute,
    meets,
    models_in_common,
    own_route,
    shared_route,
    taken_path,
)
from components.openai_compatible_llm.settings import GatewaySettings

from .records import SHARED, Provider, Shared

SHARED_PATH = "the shared path"


@dataclass(frozen=True)
class Claim:
    """A route that the stack's file asks for.

    Attributes:
        setting: The setting that asks for it.
        name: What it is, in words.
        owner: What clients use when they use it, in words.
    """

    route: ClientRoute
    setting: str
    name: str
    owner: str


def conflicts(providers: Sequence[Provider], shared: Shared | None) -> Iterator[str]:
    """Yields what can't be of all that is valid by itself."""
    valid = [provider for provider in providers if provider.inputs]
    shared = shared if shared and shared.inputs else None
    yield from dict.fromkeys(_route_conflicts([*_shared_claims(valid, shared), *map(_own_claim, valid)]))
    for first, second in combinations(valid, 2):
        yield from _model_conflicts(first, second)
    yield from _name_conflicts(valid, shared)
    variables = ((place.variables[0], each, place.owner) for each in providers for place in each.key_places)
    for variable, provider, owner, another in _claimed_twice(variables):
        yield (
            f"{provider.location}: {variable} would be the variable with the key of {owner} and of {another}; "
            "give one of them another name, or its `apiKey`"
        )


def _route_conflicts(claims: Sequence[Claim]) -> Iterator[str]:
    for one, other in combinations(claims, 2):
        if one.name == other.name and one.route.path == other.route.path:
            continue  # At the shared path, headers tell the requests of providers apart.
        if conflict := _route_conflict(one, other) or _route_conflict(other, one):
            yield conflict


def _own_claim(provider: Provider) -> Claim:
    name, owner = f"the route of provider {provider.name}", f"provider {provider.name}"
    return Claim(own_route(provider.settings), f"{provider.location}.routePath", name, owner)


def _shared_claims(providers: Sequence[Provider], shared: Shared | None) -> list[Claim]:
    """Returns each shared path, once for all requests that an earlier claim has already."""
    claims: list[Claim] = []
    if shared:
        route = ClientRoute(shared.settings.gateway, shared.settings.route_path, (), Endpoints.ALL)
        claims.append(Claim(route, f"{shared.location}.routePath", SHARED_PATH, SHARED_PATH))
    for provider in providers:
        joined = shared_route(provider.settings)
        if joined and not any(_covers(claim.route, joined) for claim in claims):
            claims.append(Claim(joined, f"{provider.location}.sharedRoutePath", SHARED_PATH, SHARED_PATH))
    return claims


def _covers(one: ClientRoute, other: ClientRoute) -> bool:
    """Tells whether `one` has the path of `other` wherever `other` has it: at its listeners, for its host names."""
    return (
        one.path == other.path
        and meets(one.gateway, other.gateway)
        and one.gateway.section_name in (None, other.gateway.section_name)
        and one.hostnames in ((), other.hostnames)
    )


def _route_conflict(one: Claim, other: Claim) -> str | None:
    path = taken_path(one.route, other.route)
    if path is None:
        return None
    gateway = one.route.gateway
    at = f'{other.setting}: "{other.route.path}" at the Gateway {gateway.namespace}/{gateway.name}'
    if one.route.path == other.route.path:
        return f"{at} is already {one.name}; give another"
    return f"{at} takes the requests that clients of {one.owner} send to {path}; give another"


def _model_conflicts(one: Provider, other: Provider) -> Iterator[str]:
    for name, another in models_in_common(one.settings, other.settings):
        setting = "modelAliases" if another in other.settings.model_aliases else "models"
        if name == another:
            what = f"is a model of provider {one.name} too"
        else:
            what = f'and "{name}" of provider {one.name} can be the same model'
        path = other.settings.shared_route.path if other.settings.shared_route else ""
        yield f'{other.location}.{setting}: "{another}" {what} at the shared path {path}; give it to one of them'


def _name_conflicts(providers: Sequence[Provider], shared: Shared | None) -> Iterator[str]:
    secrets = ((name, each, each.name) for each in providers if each.inputs for name in each.inputs.secrets)
    for secret, provider, first, _ in _claimed_twice(secrets):
        yield (
            f"{provider.location}: its Secret {secret} would have the name of one of provider {first}; "
            "give the provider or the fallback another name"
        )
    yield from _service_conflicts(providers, shared)
    for provider in providers:
        if shared and (kind := _kind_of_both(provider, shared.settings)):
            yield (
                f"{provider.location}: its {kind} {provider.name} would have the name of one of `shared`; "
                "give the provider another name, or `shared.name`"
            )


def _service_conflicts(providers: Sequence[Provider], shared: Shared | None) -> Iterator[str]:
    """Yields each provider whose backend would have the name of one that leads to the rate limit service.

    Pulumi knows objects of two providers by their names alone, whatever their namespaces.
    """
    backends = {
        each.name: each for each in providers if each.inputs and each.inputs.plan.api == BackendApi.AGENTGATEWAY
    }
    services = {each.settings.names.rate_limits: each.name for each in providers if each.settings.rate_limit_service}
    taken = {name: f"provider {owner}" for name, owner in services.items() if name in backends}
    if shared and shared.settings.rate_limit_service:
        name = shared.settings.names.rate_limits
        if name in backends and backends[name].settings.namespace == shared.settings.namespace:
            taken.setdefault(name, f"`{SHARED}`")
    for name, owner in taken.items():
        yield (
            f"{backends[name].location}: its {AGENTGATEWAY.kind} {name} would have the name of the one by which "
            f"{owner} reaches the rate limit service; give the provider another name"
        )


def _kind_of_both(provider: Provider, shared: GatewaySettings) -> str | None:
    """Returns the kind of which provider and shared URL would both have an object with the provider's name."""
    if provider.settings.namespace != shared.namespace or provider.name not in shared.names.policies:
        return None
    if provider.inputs and provider.inputs.plan.api == BackendApi.AGENTGATEWAY:
        return AGENTGATEWAY.policy_kind
    return "HTTPRoute" if provider.name == shared.names.route else None


def _claimed_twice(claims: Iterable[tuple[str, Provider, str]]) -> Iterator[tuple[str, Provider, str, str]]:
    """Yields each name that an earlier claim has too, with the provider of the later one and both owners."""
    owners: dict[str, str] = {}
    for name, provider, owner in claims:
        if name in owners:
            yield name, provider, owners[name], owner
        owners[name] = owner
