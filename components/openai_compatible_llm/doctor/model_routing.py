"""Reads what chooses a provider by a request's model: the rules of HTTPRoutes, and the policies of their Gateway."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..backends.base import Object
from ..backends.model_routing import MODEL_HEADER
from ..client_url import matches_hostname
from .request_path import RequestPath, is_below, matches_of, model_header, parent_ref, path_of
from .targets import Target


@dataclass(frozen=True)
class RoutingPolicy:
    """A policy that transforms requests before the Gateway routes them.

    Attributes:
        name: Its kind, namespace and name.
        listeners: Names of the listeners that it is for; empty where it is for all of the Gateway.
        transformation: What it does, as its spec has it.
        found: The object.
    """

    name: str
    listeners: frozenset[str]
    transformation: Any
    found: Object

    @property
    def reads_model(self) -> bool:
        """Tells whether it sets the header by which routes choose a provider."""
        request = self.transformation.get("request") or {}
        return any(str(each.get("name")).lower() == MODEL_HEADER for each in request.get("set") or [])

    def is_for(self, listeners: frozenset[str]) -> bool:
        """Tells whether it is for one of these listeners; they are empty where it isn't known which."""
        return not self.listeners or not listeners or bool(self.listeners & listeners)


def routing_policies(policies: Iterable[Object], gateway: Object) -> list[RoutingPolicy]:
    """Returns those of the policies that transform requests to this Gateway before it routes them."""
    found = []
    for each in policies:
        traffic, metadata = each["spec"].get("traffic") or {}, each["metadata"]
        targets = [target for target in targets_of(each["spec"], gateway) if target.get("kind") == "Gateway"]
        if traffic.get("phase") == "PreRouting" and traffic.get("transformation") and targets:
            sections = [target.get("sectionName") for target in targets]
            listeners = frozenset(filter(None, sections)) if all(sections) else frozenset()
            name = f"{each['kind']} {metadata['namespace']}/{metadata['name']}"
            found.append(RoutingPolicy(name, listeners, traffic["transformation"], each))
    return found


def request_listeners(path: RequestPath, target: Target) -> frozenset[str]:
    """Returns the listeners by which the request may have come; none where the Gateway's aren't known."""
    if section := parent_ref(path.first_route.found or path.route.found).get("sectionName"):
        return frozenset({section})
    host = target.url.hostname or ""
    hostnames = {each["name"]: [each["hostname"]] if each.get("hostname") else [] for each in path.listeners}
    return frozenset(name for name, names in hostnames.items() if matches_hostname(names, host))


def targets_of(spec: Object, found: Object) -> Iterator[Object]:
    """Yields the references and selectors by which a policy targets the object, or another kind's of its name."""
    metadata = found["metadata"]
    yield from (each for each in spec.get("targetRefs") or [] if each.get("name") == metadata["name"])
    labels = (metadata.get("labels") or {}).items()
    for each in spec.get("targetSelectors") or []:
        if (each.get("matchLabels") or {}).items() <= labels:
            yield each


def find_routes(routes: Iterable[Object], path: str) -> tuple[list[Object], list[Object]]:
    """Returns the routes that take requests below this path: those of any model, and those of some models alone.

    Only the longest path counts, as for the gateway.
    """
    lengths = [(route, _longest(route, path, by_model=False), _longest(route, path, by_model=True)) for route in routes]
    longest = max((length for _, *both in lengths for length in both if length is not None), default=None)
    if longest is None:
        return [], []
    of_any = [route for route, length, _ in lengths if length == longest]
    return of_any, [route for route, _, length in lengths if length == longest]


def _longest(route: Object, path: str, *, by_model: bool) -> int | None:
    prefixes = (path_of(match) for _, match in matches_of(route) if bool(model_header(match)) == by_model)
    return max((len(each.rstrip("/")) for each in prefixes if is_below(path, each)), default=None)


def rules_for_model(route: Object, path: str, model: str | None) -> list[Object]:
    """Returns the route's rules that take requests below this path because of their model."""
    return [
        rule
        for rule, match in matches_of(route)
        if model is not None
        and is_below(path, path_of(match))
        and (header := model_header(match))
        and _accepts(header, model)
    ]


def _accepts(header: Object, model: str) -> bool:
    """Tells whether the header match accepts the model: for the proxy, an expression's first find must be all of it."""
    value = str(header.get("value"))
    if header.get("type") != "RegularExpression":
        return value == model
    try:
        found = re.search(value, model)
        return found is not None and found[0] == model
    except re.error:
        return False
