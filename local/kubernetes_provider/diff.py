"""What differs between two sets of inputs, and what it takes. Plain dicts in, no API server, no engine."""

import base64
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from pulumi.provider.experimental.provider import DiffResponse, PropertyDiff, PropertyDiffKind

from local.kubernetes_provider.values import LAST_APPLIED, is_secret_kind

Path = tuple[str | int, ...]
Object = dict[str, Any]

_ABSENT = object()
_REPLACING = {
    PropertyDiffKind.ADD: PropertyDiffKind.ADD_REPLACE,
    PropertyDiffKind.DELETE: PropertyDiffKind.DELETE_REPLACE,
    PropertyDiffKind.UPDATE: PropertyDiffKind.UPDATE_REPLACE,
}


def diff(old: Object, new: Object, *, secret_mutable: bool) -> DiffResponse:
    """New inputs against old ones. The live object doesn't count: a refresh brings it into the old inputs."""
    if ("stringData" in old) != ("stringData" in new):
        old, new = with_data_only(old), with_data_only(new)
    old, new = _with_namespace(old), _with_namespace(new)
    detailed, replaces = {}, []
    for path, kind in differences(old, new):
        name = property_path(path)
        if must_replace(path, new, secret_mutable=secret_mutable):
            kind = _REPLACING[kind]
            replaces.append(name)
        detailed[name] = PropertyDiff(kind, input_diff=True)
    return DiffResponse(
        changes=bool(detailed),
        replaces=replaces,
        delete_before_replace=bool(replaces) and identity(old) == identity(new),
        diffs=sorted({re.split(r"[.\[]", name)[0] for name in detailed}),
        detailed_diff=detailed,
    )


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[Path, PropertyDiffKind]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old | new:
            yield from differences(old.get(key, _ABSENT), new.get(key, _ABSENT), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index, (before, after) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from differences(before, after, (*path, index))
    elif old is _ABSENT:
        yield path, PropertyDiffKind.ADD
    elif new is _ABSENT:
        yield path, PropertyDiffKind.DELETE
    elif type(old) is not type(new) or old != new:
        yield path, PropertyDiffKind.UPDATE


def must_replace(path: Path, obj: Object, *, secret_mutable: bool) -> bool:
    if path[0] in ("apiVersion", "kind") or path in (("metadata", "name"), ("metadata", "namespace")):
        return True
    if not is_secret_kind(obj):
        return False
    return path[0] == "type" or (path[0] in ("data", "stringData") and not secret_mutable)


def property_path(path: Path) -> str:
    """As the engine reads it: `spec.rules[0].name`, `metadata.annotations["example.com/key"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z_]\w*", step):
            text += f".{step}" if text else step
        else:
            escaped = step.replace('"', '\\"')
            text += f'["{escaped}"]'
    return text


def identity(obj: Object) -> tuple[str, str]:
    metadata = obj["metadata"]
    return metadata.get("namespace", "default"), metadata.get("name", "")


def with_data_only(obj: Object) -> Object:
    """As the API server keeps it: a Secret's stringData goes into its data."""
    if not is_secret_kind(obj) or "stringData" not in obj:
        return obj
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in obj["stringData"].items()}
    rest = {key: value for key, value in obj.items() if key != "stringData"}
    return rest | {"data": obj.get("data", {}) | encoded}


def with_live_values(inputs: Object, live: Object) -> Object:
    """The inputs as a refresh sees them: the same places, the live values."""
    if not is_secret_kind(inputs) or "stringData" not in inputs:
        return _at_the_same_places(inputs, live)  # type: ignore[no-any-return]
    data = live.get("data", {})
    texts = {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
    return _at_the_same_places(inputs, {**live, "stringData": texts})  # type: ignore[no-any-return]


def _at_the_same_places(inputs: Any, live: Any) -> Any:
    if isinstance(inputs, dict) and isinstance(live, dict):
        return {key: _at_the_same_places(value, live[key]) for key, value in inputs.items() if key in live}
    if isinstance(inputs, list) and isinstance(live, list):
        common = [_at_the_same_places(value, found) for value, found in zip(inputs, live, strict=False)]
        return common + live[len(inputs) :]
    return live


def imported_inputs(live: Object) -> Object:
    """What a program would have had to say for the object to be as it is."""
    metadata = {key: live["metadata"][key] for key in ("name", "namespace", "labels") if key in live["metadata"]}
    annotations = {k: v for k, v in live["metadata"].get("annotations", {}).items() if k != LAST_APPLIED}
    if annotations:
        metadata["annotations"] = annotations
    return {key: value for key, value in live.items() if key != "status"} | {"metadata": metadata}


def _with_namespace(obj: Object) -> Object:
    return obj | {"metadata": {"namespace": "default", **obj.get("metadata", {})}}
