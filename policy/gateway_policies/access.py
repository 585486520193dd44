"""Finds routes by which anyone who reaches the gateway spends the key of an LLM provider."""

from collections.abc import Collection, Iterator
from typing import Any

from . import gateway_api
from .apis import GatewayApi
from .objects import UNKNOWN, KubernetesObject, Violation, backends, get, walk


def routes_without_authentication(objects: Collection[KubernetesObject]) -> Iterator[Violation]:
    """Yields a violation for each route to an LLM backend of the program that no policy asks for credentials.

    A backend that forwards the caller's own token, or sends no key, needs none. What isn't known yet breaks no policy.
    """
    with_key = [(backend, api) for backend, api in backends(objects) if _has_key(backend.spec, api)]
    for route in gateway_api.of_kind(objects, "HTTPRoute"):
        references = list(gateway_api.backends_of(route))
        backend, api = next((each for each in with_key if each[0].identity in references), (None, None))
        if backend is None or api is None:
            continue
        places = [route.identity, *gateway_api.gateways_of(route)]
        policies = (each for each in objects if each.api == api and each.kind == api.policy)
        guards = [each for each in policies if _authenticates(each.spec, api)]
        if not any(get(each.spec, api.selectors) or gateway_api.is_for(each, *places) for each in guards):
            message = f"anyone who reaches the gateway may use {backend}, because no policy asks for a key"
            yield f"{route}: {message}. Give the route or its Gateway {api.remedy}.", route.urn


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
