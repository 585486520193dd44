"""What the annotation `pulumi.com/waitFor` waits for: a condition, or what a path finds (a small part of RFC 9535)."""

import json
import re
from collections.abc import Callable
from typing import Any

from local.kubernetes_provider.refusals import ProviderError
from local.kubernetes_provider.values import Object

ANNOTATION = "pulumi.com/waitFor"

_CONDITION = re.compile(r"condition=(?P<type>[^=]+)(?:=(?P<status>.+))?")
_TEST = r'@(?:\.[A-Za-z_]\w*)+\s*==\s*"[^"\\]*"'
_STEP = rf"\.(?P<name>[A-Za-z_]\w*)|(?P<all>\[\*\])|\[\?\s*(?P<tests>{_TEST}(?:\s*&&\s*{_TEST})*)\s*\]"
_PATH = re.compile(rf"jsonpath=\{{\s*\$?(?P<steps>(?:{_STEP})+)\s*\}}(?:=(?P<value>[^={{][^=]*))?")

Check = Callable[[Object], bool]


def checks(metadata: Object) -> list[Check]:
    """All of them must hold of the live object."""
    annotations = metadata.get("annotations", {})
    wanted = annotations.get(ANNOTATION)
    if not wanted or annotations.get("pulumi.com/skipAwait") == "true":
        return []
    try:
        several = json.loads(wanted)
    except ValueError:
        several = None
    expressions = several if isinstance(several, list) and several else [wanted]
    return [_check(str(expression)) for expression in expressions]


def _check(expression: str) -> Check:
    if condition := _CONDITION.fullmatch(expression):
        return lambda live: _has_condition(live, condition["type"], condition["status"] or "True")
    if path := _PATH.fullmatch(expression):
        steps, value = list(re.finditer(_STEP, path["steps"])), path["value"]
        return lambda live: _finds(live, steps, value)
    raise ProviderError(f"the Kubernetes stand-in doesn't know how to wait for {expression}")


def _has_condition(live: Object, wanted: str, status: str) -> bool:
    """Not where what is said is about an earlier generation of the object."""
    for condition in live.get("status", {}).get("conditions", []):
        if condition["type"].lower() == wanted.lower():
            seen = condition.get("observedGeneration", live["status"].get("observedGeneration"))
            current = seen is None or seen >= live["metadata"].get("generation", 0)
            return bool(current and condition["status"].lower() == status.lower())
    return False


def _finds(live: Object, steps: list[re.Match[str]], value: str | None) -> bool:
    found: list[Any] = [live]
    for step in steps:
        if name := step["name"]:
            found = [each[name] for each in found if isinstance(each, dict) and name in each]
        else:
            tests = re.findall(_TEST, step["tests"] or "")
            found = [item for each in found for item in _items(each) if all(_passes(item, test) for test in tests)]
    if not found or value is None:
        return bool(found)
    return value == (found[0] if isinstance(found[0], str) else json.dumps(found[0]))


def _items(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _passes(item: Any, test: str) -> bool:
    path, _, text = test.partition("==")
    for name in path.strip().split(".")[1:]:
        item = item.get(name) if isinstance(item, dict) else None
    return bool(item == text.strip()[1:-1])
