"""Reads the kinds of the Gateway API, which lead to the backends of every gateway API."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .objects import UNKNOWN, KubernetesObject, get, items, same

GROUP = "gateway.networking.k8s.io"
HEADER_MODIFIER = "requestHeaderModifier"

Identity = tuple[Any, ...]


@dataclass(frozen=True)
class Way:
    """One way for requests through a route: a parent by which they come, and a rule.

    Attributes:
        rule: Path of the rule in the route.
        parent: Path of the parent in the route.
        places: What a policy can be for: the route with the rule's name, and the parent with the listener's.
        backends: Where the rule leads.
    """

    rule: str
    parent: str
    places: Mapping[Identity, Any]
    backends: Collection[Identity]


def of_kind(objects: Iterable[KubernetesObject], kind: str) -> list[KubernetesObject]:
    return [each for each in objects if (each.group, each.kind) == (GROUP, kind)]


def ways_of(route: KubernetesObject) -> Iterator[Way]:
    """Yields each rule of a route with each of its parents; a route without parents has one that is none."""
    for number, rule in enumerate(items(get(route.spec, "rules"))):
        backends = [
            _identity(each, get(each, "namespace") or route.namespace, kind="Service")
            for each in items(get(rule, "backendRefs"))
        ]
        for index, parent in enumerate(items(get(route.spec, "parentRefs")) or [None]):
            gateway = _identity(parent, get(parent, "namespace") or route.namespace, GROUP, "Gateway")
            places = {route.identity: get(rule, "name"), gateway: get(parent, "sectionName")}
            yield Way(f"spec.rules[{number}]", f"spec.parentRefs[{index}]", places, backends)


def is_for(policy: KubernetesObject, *objects: Identity, section: Any = UNKNOWN, if_unknown: bool = True) -> bool:
    """Tells whether a policy of any kind is for one of these objects, or for this section of it.

    Where that isn't known yet, the answer is `if_unknown`.
    """
    references = items(get(policy.spec, "targetRefs"))
    targets = [(*_identity(each, policy.namespace), get(each, "sectionName") or section) for each in references]
    return any(same(target, (*each, section), if_unknown=if_unknown) for target in targets for each in objects)


def _identity(reference: Any, namespace: Any, group: str = "", kind: str = "") -> Identity:
    return get(reference, "group") or group, get(reference, "kind") or kind, namespace, get(reference, "name")
