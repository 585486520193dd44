"""Between the engine's property values, which know what is secret, and plain JSON, which the API server speaks."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

Properties = Mapping[str, PropertyValue]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
FIELD_MANAGER = "__fieldManager"
INPUTS = "__inputs"


def plain(value: PropertyValue | Properties) -> Any:
    """Without secretness and nulls; whole numbers as int."""
    inner = value.value if isinstance(value, PropertyValue) else value
    if isinstance(inner, Mapping):
        return {key: plain(item) for key, item in inner.items() if item.value is not None}
    if isinstance(inner, tuple):
        return [plain(item) for item in inner]
    if isinstance(inner, float) and inner.is_integer():
        return int(inner)
    if inner is None or isinstance(inner, str | bool | float):
        return inner
    raise TypeError(type(inner).__name__)


def has_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(has_unknown, value))
    return bool(value == UNKNOWN)


def as_property(value: Any, like: PropertyValue | None = None) -> PropertyValue:
    """Secret wherever `like` is. A list with a secret in it becomes secret as a whole: its items may have moved."""
    secret = like is not None and like.is_secret
    if isinstance(value, dict):
        shape = like.value if like is not None and isinstance(like.value, Mapping) else {}
        return PropertyValue({key: as_property(item, shape.get(key)) for key, item in value.items()}, secret)
    if isinstance(value, list):
        secret = secret or (like is not None and like.contains_secret())
        return PropertyValue([as_property(item) for item in value], secret)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return PropertyValue(float(value) if whole else value, secret)


def as_properties(obj: Mapping[str, Any], like: Properties) -> dict[str, PropertyValue]:
    """An object's properties: secret where `like` is, and wherever a Secret can hold its values."""
    properties = {key: as_property(value, like.get(key)) for key, value in obj.items()}
    if is_secret_kind(obj):
        properties |= {key: properties[key].with_secret(True) for key in ("data", "stringData") if key in properties}
    metadata = obj.get("metadata", {})
    if any(value.contains_secret() for value in properties.values()) and (
        "managedFields" in metadata or LAST_APPLIED in metadata.get("annotations", {})
    ):
        properties["metadata"] = _metadata_sealed(properties["metadata"])
    return properties


def _metadata_sealed(metadata: PropertyValue) -> PropertyValue:
    """Keys of lists in managedFields, and what `kubectl apply` notes down, can repeat a secret value."""
    fields = dict(metadata.value) if isinstance(metadata.value, Mapping) else {}
    for key in fields.keys() & {"managedFields", "annotations"}:
        annotations = fields[key].value
        if not isinstance(annotations, Mapping):
            fields[key] = fields[key].with_secret(True)
        elif LAST_APPLIED in annotations:
            sealed = {**annotations, LAST_APPLIED: annotations[LAST_APPLIED].with_secret(True)}
            fields[key] = fields[key].with_value(sealed)
    return metadata.with_value(fields)


def checkpoint(live: Mapping[str, Any], inputs: Properties, field_manager: str) -> dict[str, PropertyValue]:
    """The state, laid out as the official provider does, so that either can go on from the other's."""
    return as_properties(live, inputs) | {
        INPUTS: PropertyValue(dict(inputs)),
        "__initialApiVersion": PropertyValue(live["apiVersion"]),
        FIELD_MANAGER: PropertyValue(field_manager),
    }


def is_secret_kind(obj: Mapping[str, Any]) -> bool:
    return obj.get("apiVersion") == "v1" and obj.get("kind") == "Secret"


def without_secrets(message: str, properties: Properties) -> str:
    """The API server's refusals can quote what was refused."""
    spellings: set[str] = set()
    for text in _secret_texts(PropertyValue(dict(properties)), secret=False):
        spellings |= {text, json.dumps(text)[1:-1], base64.b64encode(text.encode()).decode()}
    for spelling in sorted(spellings - {""}, key=len, reverse=True):
        message = message.replace(spelling, "[secret]")
    return message


def _secret_texts(value: PropertyValue, *, secret: bool) -> Iterator[str]:
    secret = secret or value.is_secret
    if isinstance(value.value, Mapping):
        for item in value.value.values():
            yield from _secret_texts(item, secret=secret)
    elif isinstance(value.value, tuple):
        for item in value.value:
            yield from _secret_texts(item, secret=secret)
    elif secret and value.value is not None:
        yield str(value.value)
