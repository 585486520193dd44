"""Reads the kinds of the Gateway API, which lead to the backends of every gateway API."""

from collections.abc import Iterable, Iterator
from typing import Any

from .objects import UNKNOWN, KubernetesObject, get, items, same

GROUP = "gateway.networking.k8s.io"
HEADER_MODIFIER = "requestHeaderModifier"

Identity = tuple[Any, ...]


def of_kind(objects: Iterable[KubernetesObject], kind: str) -> list[KubernetesObject]:
    return [each for each in objects if (each.group, each.kind) == (GROUP, kind)]


def backends_of(route: KubernetesObject) -> Iterator[Identity]:
    for rule in items(get(route.spec, "rules")):
        for reference in items(get(rule, "backendRefs")):
            yield _identity(reference, get(reference, "namespace") or route.namespace, kind="Service")


def gateways_of(route: KubernetesObject) -> Iterator[Identity]:
    for reference in items(get(route.spec, "parentRefs")):
        yield _identity(reference, get(reference, "namespace") or route.namespace, GROUP, "Gateway")


def is_for(policy: KubernetesObject, *objects: Identity, section: Any = UNKNOWN, if_unknown: bool = True) -> bool:
    """Tells whether a policy of any kind is for one of these objects, or for this section of it.

    Where that isn't known yet, the answer is `if_unknown`.
    """
    references = items(get(policy.spec, "targetRefs"))
    targets = [(*_identity(each, policy.namespace), get(each, "sectionName") or section) for each in references]
    return any(same(target, (*each, section), if_unknown=if_unknown) for target in targets for each in objects)


def _identity(reference: Any, namespace: Any, group: str = "", kind: str = "") -> Identity:
    return get(reference, "group") or group, get(reference, "kind") or kind, namespace, get(reference, "name")
