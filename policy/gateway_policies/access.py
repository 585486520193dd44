"""Finds routes by which anyone who reaches the gateway spends the key of an LLM provider."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .apis import APIS, GatewayApi
from .objects import GATEWAY_API, UNKNOWN, KubernetesObject, Unknown, Violation, value_at, values

Place = tuple[Any, Any, Any]
"""Kind, namespace and name of what a policy is for."""


def routes_without_authentication(objects: Collection[KubernetesObject]) -> Iterator[Violation]:
    """Yields a violation for each route to an LLM backend of the program that no policy asks for credentials.

    A backend that forwards the caller's own token, or sends no key, needs none. What isn't known yet breaks no rule.
    """
    for route in objects:
        if (route.group, route.kind) != (GATEWAY_API, "HTTPRoute"):
            continue
        for backend in objects:
            api = APIS.get(backend.group)
            if api and backend.is_backend and _holds_a_key(backend, api) and _leads_to(route, backend):
                places = {("HTTPRoute", route.namespace, route.name), *_gateways(route)}
                if not any(_guards(policy, api, places) for policy in objects):
                    message = f"anyone who reaches the gateway may use {backend}, because no policy asks for a key"
                    yield f"{route}: {message}. Give the route or its Gateway {api.remedy}.", route.urn
                break


def _holds_a_key(backend: KubernetesObject, api: GatewayApi) -> bool:
    if not isinstance(backend.spec, Mapping) or not backend.spec.get(api.llm):
        return False
    found = list(values(backend.spec))
    if any(path[-2:] == api.passthrough and value == api.passes_through for path, value in found):
        return False
    steps = {path[-1] for path, _ in found}
    return api.inline_token[0] in steps or api.keyless not in steps


def _leads_to(route: KubernetesObject, backend: KubernetesObject) -> bool:
    for path, reference in values(route.spec):
        if path[-2:-1] == ("backendRefs",) and isinstance(reference, Mapping):
            found = (reference.get("group", ""), reference.get("kind", "Service"), reference.get("name"))
            namespace = reference.get("namespace") or route.namespace
            if (*found, namespace) == (backend.group, backend.kind, backend.name, backend.namespace):
                return True
    return False


def _gateways(route: KubernetesObject) -> Iterator[Place]:
    references = value_at(route.spec, "parentRefs")
    for reference in references if isinstance(references, list) else []:
        if isinstance(reference, Mapping):
            yield "Gateway", reference.get("namespace") or route.namespace, reference.get("name")


def _guards(policy: KubernetesObject, api: GatewayApi, places: Collection[Place]) -> bool:
    is_policy = (policy.group, policy.kind) == (api.group, api.policy)
    return is_policy and _authenticates(policy, api) and _is_for(policy, places)


def _authenticates(policy: KubernetesObject, api: GatewayApi) -> bool:
    traffic = value_at(policy.spec, *api.traffic)
    if not isinstance(traffic, Mapping):
        return traffic is UNKNOWN
    asked = [traffic[name] for name in api.authentications & traffic.keys()]
    return any(value_at(each, "mode") not in api.unenforced for each in asked)


def _is_for(policy: KubernetesObject, places: Collection[Place]) -> bool:
    if not isinstance(policy.spec, Mapping) or policy.spec.get("targetSelectors"):
        return True
    references = policy.spec.get("targetRefs") or []
    if isinstance(references, Unknown):
        return True
    return any(
        _matches((reference.get("kind"), policy.namespace, reference.get("name")), place)
        for reference in references
        for place in places
        if isinstance(reference, Mapping)
    )


def _matches(one: Place, other: Place) -> bool:
    return all(UNKNOWN in pair or pair[0] == pair[1] for pair in zip(one, other, strict=True))
