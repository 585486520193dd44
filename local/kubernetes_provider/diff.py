"""Compares two sets of inputs. Plain dicts in, no API server, no engine."""

import json
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from pulumi.provider.experimental.provider import DiffResponse, PropertyDiff, PropertyDiffKind

from local.kubernetes_provider.values import Object, is_secret_kind, with_data_only

Path = tuple[str | int, ...]

_ABSENT = object()
_IDENTITY = (("metadata", "name"), ("metadata", "namespace"))


def diff(old: Object, new: Object, *, live: Object, secret_mutable: bool) -> DiffResponse:
    """Compares new inputs with the object as it was last seen, wherever the old inputs said something."""
    said_as = "stringData" if is_secret_kind(new) and "stringData" in new else "data"
    old, new = with_live_values(old, live), with_data_only(new)
    detailed, replaces = {}, []
    for path, kind in _differences(old, new):
        name = property_path((said_as, *path[1:]) if path[0] == "data" else path)
        if _must_replace(path, new, secret_mutable=secret_mutable):
            kind = PropertyDiffKind[f"{kind.name}_REPLACE"]
            replaces.append(name)
        detailed[name] = PropertyDiff(kind, input_diff=True)
    stays = not {property_path(path) for path in _IDENTITY} & set(replaces)
    return DiffResponse(bool(detailed), replaces, [], bool(replaces) and stays, detailed_diff=detailed)


def _differences(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[Path, PropertyDiffKind]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old | new:
            yield from _differences(old.get(key, _ABSENT), new.get(key, _ABSENT), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index, (before, after) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from _differences(before, after, (*path, index))
    elif old is _ABSENT:
        yield path, PropertyDiffKind.ADD
    elif new is _ABSENT:
        yield path, PropertyDiffKind.DELETE
    elif type(old) is not type(new) or old != new:
        yield path, PropertyDiffKind.UPDATE


def _must_replace(path: Path, obj: Object, *, secret_mutable: bool) -> bool:
    if path[0] in ("apiVersion", "kind") or path in _IDENTITY:
        return True
    return is_secret_kind(obj) and path[0] in (("type",) if secret_mutable else ("type", "data"))


def property_path(path: Path) -> str:
    """Spells a path as the engine reads it: `spec.rules[0].name`, `metadata.annotations["example.com/key"]`."""
    steps = (f".{step}" if re.fullmatch(r"[A-Za-z_]\w*", str(step)) else f"[{json.dumps(step)}]" for step in path)
    return "".join(steps).removeprefix(".")


def with_live_values(inputs: Object, live: Object) -> Object:
    """Returns what the inputs say as it is in the cluster, without what the API server dropped."""
    return dict(_at_the_same_places(with_data_only(inputs), live))


def _at_the_same_places(inputs: Any, live: Any) -> Any:
    if isinstance(inputs, dict) and isinstance(live, dict):
        return {key: _at_the_same_places(value, live[key]) for key, value in inputs.items() if key in live}
    if isinstance(inputs, list) and isinstance(live, list):
        return list(map(_at_the_same_places, inputs, live))
    return live
