"""Finds routes by which anyone who reaches the gateway spends the key of an LLM provider."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .objects import GATEWAY_API, UNKNOWN, KubernetesObject, Unknown, values
from .tls import Violation

POLICIES = {"agentgateway.dev": "AgentgatewayPolicy", "gateway.kgateway.dev": "TrafficPolicy"}
"""Kind of the policy for routes in each gateway API's group."""

AUTHENTICATIONS = {"apiKeyAuthentication", "jwtAuthentication", "basicAuthentication", "extAuth"}
NOT_ENFORCED = {"Optional", "Permissive"}
PASSTHROUGH = {"agentgateway.dev": ("auth", "passthrough"), "gateway.kgateway.dev": ("authToken", "kind")}
"""The last two steps of the path at which a backend says that it forwards the caller's own token."""

KEYLESS = "openai"
"""Provider that gets no key where the backend has no `auth`. Others may have credentials of their cloud."""

Place = tuple[Any, Any, Any]
"""Kind, namespace and name of what a policy is for."""


def routes_without_authentication(objects: Collection[KubernetesObject]) -> Iterator[Violation]:
    """Yields a violation for each route to an LLM backend of the program that no policy asks for credentials.

    A backend that forwards the caller's own token, or sends no key, needs none. What isn't known yet breaks no rule.
    """
    backends = [each for each in objects if each.is_backend and _holds_a_key(each)]
    policies = [each for each in objects if POLICIES.get(each.group) == each.kind]
    for route in objects:
        if (route.group, route.kind) != (GATEWAY_API, "HTTPRoute"):
            continue
        backend = next((each for each in backends if _leads_to(route, each)), None)
        if backend is None:
            continue
        places = {("HTTPRoute", route.namespace, route.name), *_gateways(route)}
        guards = [each for each in policies if each.group == backend.group and _authenticates(each)]
        if not any(_is_for(policy, places) for policy in guards):
            message = f"anyone who reaches the gateway may use {backend}, because no policy asks for a key"
            remedy = f"Give the route or its Gateway {_remedy(backend)}"
            yield f"{route}: {message}. {remedy}.", route.urn


def _remedy(backend: KubernetesObject) -> str:
    if backend.group == "agentgateway.dev":
        return "an AgentgatewayPolicy with traffic.apiKeyAuthentication; for the component, give `clientApiKeys`"
    return "a TrafficPolicy with extAuth, or move to `api: agentgateway`, whose gateways check keys themselves"


def _holds_a_key(backend: KubernetesObject) -> bool:
    if not isinstance(backend.spec, Mapping) or not backend.spec.get("ai"):
        return False
    end = PASSTHROUGH[backend.group]
    found = list(values(backend.spec))
    if any(path[-2:] == end and value in ({}, "Passthrough") for path, value in found):
        return False
    steps = {path[-1] for path, _ in found}
    return end[0] in steps or KEYLESS not in steps


def _leads_to(route: KubernetesObject, backend: KubernetesObject) -> bool:
    for path, reference in values(route.spec):
        if path[-2:-1] == ("backendRefs",) and isinstance(reference, Mapping):
            found = (reference.get("group", ""), reference.get("kind", "Service"), reference.get("name"))
            namespace = reference.get("namespace") or route.namespace
            if (*found, namespace) == (backend.group, backend.kind, backend.name, backend.namespace):
                return True
    return False


def _gateways(route: KubernetesObject) -> Iterator[Place]:
    references = route.spec.get("parentRefs") if isinstance(route.spec, Mapping) else None
    for reference in references if isinstance(references, list) else []:
        if isinstance(reference, Mapping):
            yield "Gateway", reference.get("namespace") or route.namespace, reference.get("name")


def _authenticates(policy: KubernetesObject) -> bool:
    if not isinstance(policy.spec, Mapping):
        return policy.spec is UNKNOWN
    traffic = policy.spec.get("traffic", policy.spec)
    if not isinstance(traffic, Mapping):
        return traffic is UNKNOWN
    for name in AUTHENTICATIONS & traffic.keys():
        mode = traffic[name].get("mode") if isinstance(traffic[name], Mapping) else None
        if mode not in NOT_ENFORCED:
            return True
    return False


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
