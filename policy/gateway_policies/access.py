"""Finds routes by which anyone who reaches the gateway spends the key of an LLM provider."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from . import gateway_api
from .apis import GatewayApi
from .objects import UNKNOWN, KubernetesObject, Violation, backends, get, walk


def routes_without_authentication(objects: Collection[KubernetesObject]) -> Iterator[Violation]:
    """Yields a violation for each route to an LLM backend of the program on which a way asks for no credentials.

    A backend that forwards the caller's own token, or sends no key, needs none. What isn't known yet breaks no policy.
    """
    with_key = [(backend, api) for backend, api in backends(objects) if _has_key(backend.spec, api)]
    for route in gateway_api.of_kind(objects, "HTTPRoute"):
        for backend, api in with_key:
            policies = (each for each in objects if each.api == api and each.kind == api.policy)
            guards = [each for each in policies if _authenticates(each.spec, api)]
            ways = [way for way in gateway_api.ways_of(route) if backend.identity in way.backends]
            unguarded = [way for way in ways if not any(_guards(each, way, api) for each in guards)]
            if unguarded:
                rules = _some(" by ", (way.rule for way in unguarded), (way.rule for way in ways))
                parents = _some(" at ", (way.parent for way in unguarded), (way.parent for way in ways))
                message = f"anyone who reaches the gateway may use {backend}{rules}{parents}"
                remedy = f"Give the route or its Gateway {api.remedy}"
                if any(gateway_api.is_for(each, *ways[0].places) for each in guards):
                    remedy += ". A policy with `sectionName` is for that rule or listener alone"
                yield f"{route}: {message}, because no policy asks for a key. {remedy}.", route.urn


def _guards(policy: KubernetesObject, way: gateway_api.Way, api: GatewayApi) -> bool:
    if get(policy.spec, api.selectors):
        return True
    return any(gateway_api.is_for(policy, place, section=section) for place, section in way.places.items())


def _some(preposition: str, some: Iterable[str], every: Iterable[str]) -> str:
    """Names some of several; nothing where it is every one."""
    named = dict.fromkeys(some)
    return "" if named.keys() == set(every) else preposition + " and ".join(named)


def _has_key(spec: Any, api: GatewayApi) -> bool:
    llm = get(spec, api.llm)
    if llm is UNKNOWN or not llm:
        return False
    values = [(path[-2:], value) for path, value, _ in walk(spec)]
    field, setting = api.passthrough
    fields = {path[-1] for path, _ in values}
    return ((api.auth, field), setting) not in values and (api.auth in fields or api.keyless not in fields)


def _authenticates(spec: Any, api: GatewayApi) -> bool:
    traffic = get(spec, *api.traffic)
    found = [each for name in api.authentications if (each := get(traffic, name)) is not None]
    return any(all(get(each, field) != setting for field, setting in api.unenforced) for each in found)
