"""Finds why a request's model doesn't lead to its provider at a URL that several providers share."""

from collections.abc import Iterator
from itertools import product

from ..backends.base import Object
from ..backends.model_routing import MODEL_HEADER, MODELS_RULE, UNKNOWN_RULE
from .hops import Finding, find
from .model_routing import RoutingPolicy, request_listeners, routing_policies, rules_for_model
from .outcome import Endpoint
from .redaction import sanitize
from .request_path import RequestPath, gateway_of, parent_ref, policy_conditions, unmet_conditions
from .targets import Target


def check_model_policies(path: RequestPath, target: Target) -> Iterator[Finding]:
    """Yields why the Gateway doesn't read the model of requests."""
    if path.gateway_policies is None or not path.gateway.found:
        return
    gateway, listeners = path.gateway.name, request_listeners(path, target)
    policies = routing_policies(path.gateway_policies, path.gateway.found)
    reading = [each for each in policies if each.reads_model]
    if not reading:
        yield find("route.no_model_policy", gateway=gateway, header=MODEL_HEADER)
        return
    reading_here = [each for each in reading if each.is_for(listeners)]
    if not reading_here:
        names = {"policy": reading[0].name, "gateway": gateway, "route": path.first_route.name}
        of_policy, of_request = (", ".join(sorted(each)) for each in (reading[0].listeners, listeners))
        yield find("route.other_listener", of_policy=of_policy, of_request=of_request, **names)
        return
    for each in reading_here:
        for problem in unmet_conditions(policy_conditions(each.found, "Gateway"), "Accepted", "Attached"):
            yield find("route.policy_not_accepted", policy=each.name, detail=sanitize(problem))
    for each, other in product(reading_here, policies):
        if other.is_for(listeners) and _loses(each, other):
            yield find("route.rival_policies", policies=f"{each.name} and {other.name}", gateway=gateway)


def _loses(policy: RoutingPolicy, other: RoutingPolicy) -> bool:
    """Tells whether the gateway may do what the other policy says instead: one for the listener goes first."""
    return policy.transformation != other.transformation and bool(other.listeners or not policy.listeners)


def check_shared_gateway(path: RequestPath) -> Iterator[Finding]:
    """Yields that the provider's route attaches to another Gateway or listener than the shared URL's."""
    route, shared = path.route.found, path.first_route.found
    if not route or not shared:
        return
    sections = {parent_ref(each).get("sectionName") for each in (route, shared)} - {None}
    if gateway_of(route) != gateway_of(shared) or len(sections) > 1:
        places = {"place": _place(route), "shared_place": _place(shared)}
        yield find("route.other_gateway", route=path.route.name, shared_route=path.first_route.name, **places)


def _place(route: Object) -> str:
    section = parent_ref(route).get("sectionName")
    return f"the Gateway {gateway_of(route)}{f', listener {section}' if section else ''}"


def check_model_rule(path: RequestPath, target: Target) -> Iterator[Finding]:
    """Yields that the provider's route takes no request for the model at the shared URL."""
    if path.route.found and not rules_for_model(path.route.found, target.path, target.model):
        yield find("route.no_rule_for_model", route=path.route.name, model=target.model, path=target.path)


def check_responding_policy(path: RequestPath, endpoint: Endpoint) -> Iterator[Finding]:
    """Yields that the rule of the shared URL's own route, which leads to no backend, has no policy that answers."""
    route = path.shared_route
    if not route or not route.found or path.gateway_policies is None:
        return
    rule = MODELS_RULE if endpoint is Endpoint.MODELS else UNKNOWN_RULE
    expected = {"kind": "HTTPRoute", "name": route.found["metadata"]["name"], "sectionName": rule}
    targets = [target for policy in path.gateway_policies for target in policy["spec"].get("targetRefs") or []]
    if not any(expected.items() <= each.items() for each in targets):
        yield find("backend.no_response_policy", rule=rule, route=route.name)
