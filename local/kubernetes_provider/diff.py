"""What differs between two sets of inputs, and what it takes. Plain dicts in, no API server, no engine."""

import json
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from pulumi.provider.experimental.provider import DiffResponse, PropertyDiff, PropertyDiffKind
from pulumi.runtime.rpc import UNKNOWN

from local.kubernetes_provider.values import Object, encoded, has_unknown, is_secret_kind

Path = tuple[str | int, ...]

_ABSENT = object()
_IDENTITY = (("metadata", "name"), ("metadata", "namespace"))


def diff(old: Object, new: Object, *, live: Object, secret_mutable: bool) -> DiffResponse:
    """New inputs against the object as it was last seen, where the old inputs had something to say."""
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
    """As the engine reads it: `spec.rules[0].name`, `metadata.annotations["example.com/key"]`."""
    plain_name = re.compile(r"[A-Za-z_]\w*")
    steps = (f".{step}" if plain_name.fullmatch(str(step)) else f"[{json.dumps(step)}]" for step in path)
    return "".join(steps).removeprefix(".")


def with_data_only(obj: Object) -> Object:
    """As the API server keeps it: a Secret's stringData goes into its data."""
    if not is_secret_kind(obj) or "stringData" not in obj:
        return obj
    data: Any = UNKNOWN
    if not has_unknown([obj["stringData"], obj.get("data")]):
        data = obj.get("data", {}) | {key: encoded(text) for key, text in obj["stringData"].items()}
    return {key: value for key, value in obj.items() if key != "stringData"} | {"data": data}


def with_live_values(inputs: Object, live: Object) -> Object:
    """What the inputs say, as it is: without what the API server dropped, and whatever else it has."""
    return dict(_at_the_same_places(with_data_only(inputs), live))


def _at_the_same_places(inputs: Any, live: Any) -> Any:
    if isinstance(inputs, dict) and isinstance(live, dict):
        return {key: _at_the_same_places(value, live[key]) for key, value in inputs.items() if key in live}
    if isinstance(inputs, list) and isinstance(live, list):
        return list(map(_at_the_same_places, inputs, live))
    return live


def imported_inputs(live: Object) -> Object:
    """What a program would have had to say for the object to be as it is; of a custom resource, its name alone.

    So does the official provider, which takes what its schema has of a kind, and has none of custom resources. The next
    `up` then shows their whole spec as added.
    """
    core = "/" not in live["apiVersion"]
    said = ("name", "namespace", "labels", "annotations") if core else ("name", "namespace")
    metadata = {key: value for key, value in live["metadata"].items() if key in said}
    taken = live.keys() - {"status"} if core else ("apiVersion", "kind")
    return {key: value for key, value in live.items() if key in taken} | {"metadata": metadata}
