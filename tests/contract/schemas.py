"""Validates objects against CRD schemas, and refuses the fields that the API server would drop silently.

CEL rules are not run here; the API server of the e2e tests does that.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from jsonschema import Draft4Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

Schema = dict[str, Any]

_STRING_MAP: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_METADATA: Schema = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 253},
        "namespace": {"type": "string", "minLength": 1, "maxLength": 63},
        "labels": _STRING_MAP,
        "annotations": _STRING_MAP,
    },
}
_SECRET: Schema = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata"],
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"enum": ["v1"]},
        "kind": {"enum": ["Secret"]},
        "metadata": _METADATA,
        "type": {"type": "string"},
        "data": _STRING_MAP,
        "stringData": _STRING_MAP,
        "immutable": {"type": "boolean"},
    },
}

_CONFIG_MAP: Schema = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata"],
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"enum": ["v1"]},
        "kind": {"enum": ["ConfigMap"]},
        "metadata": _METADATA,
        "data": _STRING_MAP,
        "immutable": {"type": "boolean"},
    },
}

_formats = FormatChecker(formats=())


@_formats.checks("int32")
def _is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@_formats.checks("int64")
def _is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


@_formats.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _unique_keys(
    _validator: object, keys: Sequence[str], items: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(items, list):
        return
    defaults = {key: schema["items"]["properties"].get(key, {}).get("default") for key in keys}
    seen = []
    for item in items:
        identity = [item.get(key, defaults[key]) for key in keys]
        if identity in seen:
            yield ValidationError(f"two items have the same {', '.join(keys)}")
        seen.append(identity)


_CrdValidator: type[Validator] = extend(Draft4Validator, {"x-kubernetes-list-map-keys": _unique_keys})


def _closed(schema: Mapping[str, Any]) -> Schema:
    """Returns the structural schema with every object closed to fields that it doesn't name."""
    closed = dict(schema)
    if "properties" in schema:
        closed["properties"] = {name: _closed(child) for name, child in schema["properties"].items()}
    if "items" in schema:
        closed["items"] = _closed(schema["items"])
    if schema.get("x-kubernetes-embedded-resource"):
        own = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": _METADATA}
        closed["properties"] = {**closed.get("properties", {}), **own}
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        if isinstance(values, Mapping):
            closed["additionalProperties"] = _closed(values)
        elif values is None and not schema.get("x-kubernetes-preserve-unknown-fields"):
            closed["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        closed["type"] = ["integer", "string"]
    if schema.get("nullable") and "type" in closed:
        types = closed["type"]
        closed["type"] = [*(types if isinstance(types, list) else [types]), "null"]
        if "enum" in schema:
            closed["enum"] = [*schema["enum"], None]
    return closed


def strict_validator(crd: Mapping[str, Any], version: str) -> Validator:
    """Makes a validator for one version of a CRD. Metadata may not have fields that only the API server writes."""
    spec = crd["spec"]
    served = {entry["name"]: entry for entry in spec["versions"]}
    schema = _closed(served[version]["schema"]["openAPIV3Schema"])
    properties = {
        **schema["properties"],
        "apiVersion": {"enum": [f"{spec['group']}/{version}"]},
        "kind": {"enum": [spec["names"]["kind"]]},
        "metadata": _METADATA,
    }
    required = sorted({*schema.get("required", ()), "apiVersion", "kind", "metadata"})
    return _CrdValidator({**schema, "properties": properties, "required": required}, format_checker=_formats)


def spec_field(crd: Mapping[str, Any], path: str) -> Schema:
    return field_schema(crd, f"spec.{path}")


def field_schema(crd: Mapping[str, Any], path: str) -> Schema:
    """Returns the schema of a field; `[]` in the path stands for the items of a list."""
    schema: Schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for step in path.split("."):
        schema = schema["items"] if step == "[]" else schema["properties"][step]
    return schema


def _described(error: ValidationError) -> Iterator[str]:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    if error.validator != "additionalProperties" or not isinstance(error.schema, Mapping):
        yield f"{path or 'object'}: {error.message}"
        return
    known = list(error.schema.get("properties", ()))
    given: Any = error.instance
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known) or 'none'}"
            yield f"{f'{path}.{name}'.lstrip('.')}: no such field{hint}"


class StrictSchemas:
    """Has the schemas of the kinds that the component creates, by apiVersion and kind."""

    def __init__(self, crds: Sequence[Mapping[str, Any]]) -> None:
        self._validators = {
            ("v1", "Secret"): _CrdValidator(_SECRET),
            ("v1", "ConfigMap"): _CrdValidator(_CONFIG_MAP),
        }
        for crd in crds:
            for version in crd["spec"]["versions"]:
                key = (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"])
                self._validators[key] = strict_validator(crd, version["name"])

    def problems(self, manifest: Mapping[str, Any]) -> list[str]:
        """Returns what is wrong with the object, each as `path: reason`."""
        kind = (manifest.get("apiVersion", ""), manifest.get("kind", ""))
        if kind not in self._validators:
            return [f"object: no schema for {kind[1]} of {kind[0]}"]
        errors = self._validators[kind].iter_errors(dict(manifest))
        return sorted(line for error in errors for line in _described(error))
