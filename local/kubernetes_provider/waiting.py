"""Tells whether an object is as its annotation `pulumi.com/waitFor` wants it, in the forms that the component uses."""

import json
import re

from local.kubernetes_provider.errors import ProviderError
from local.kubernetes_provider.values import Object

_ANNOTATION = "pulumi.com/waitFor"
_CONDITION = re.compile(r"condition=(?P<type>\w+)")
_CONDITION_OF_EACH = re.compile(
    r'jsonpath=\{\.status\.(?P<list>\w+)\[(?:\*|\?@\.parentRef\.name=="(?P<parent>[^"]+)")\]'
    r'\.conditions\[\?@\.type=="(?P<type>\w+)" && @\.status=="True"\]\}'
)


def is_ready(live: Object) -> bool:
    """Tells whether everything that the annotation names holds; without the annotation, it does.

    Raises:
        ProviderError: The annotation has another form.
    """
    wanted = live["metadata"].get("annotations", {}).get(_ANNOTATION, "[]")
    return all(_holds(each, live) for each in (json.loads(wanted) if wanted.startswith("[") else [wanted]))


def _holds(wanted: str, live: Object) -> bool:
    status = live.get("status", {})
    if found := _CONDITION.fullmatch(wanted):
        generation = live["metadata"].get("generation", 0)
        reported = status.get("conditions", [])
        conditions = [each for each in reported if each.get("observedGeneration", generation) >= generation]
    elif found := _CONDITION_OF_EACH.fullmatch(wanted):
        parent = found["parent"]
        reports = status.get(found["list"], [])
        if parent is not None:
            reports = [each for each in reports if each["parentRef"]["name"] == parent]
        conditions = [condition for each in reports for condition in each["conditions"]]
    else:
        raise ProviderError(f"the Kubernetes stand-in doesn't know how to wait for {wanted}")
    return any(each["type"] == found["type"] and each["status"] == "True" for each in conditions)
