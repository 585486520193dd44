"""Converts between the engine's property values, which know what is secret, and the API server's plain JSON."""

import base64
from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

Object = dict[str, Any]
Properties = Mapping[str, PropertyValue]

FIELD_MANAGER = "__fieldManager"
INPUTS = "__inputs"


def plain(value: PropertyValue | Properties) -> Any:
    """Drops secretness and nulls, and makes whole numbers int."""
    inner = value.value if isinstance(value, PropertyValue) else value
    if isinstance(inner, Mapping):
        return {key: plain(item) for key, item in inner.items() if item.value is not None}
    if isinstance(inner, tuple):
        return [plain(item) for item in inner]
    return int(inner) if isinstance(inner, float) and inner.is_integer() else inner


def as_properties(obj: Object, inputs: Properties) -> dict[str, PropertyValue]:
    """Makes a property secret if the program's has a secret anywhere, and a Secret's values always."""
    secret = {key for key, value in inputs.items() if value.contains_secret()}
    if is_secret_kind(obj):
        secret |= {"data", "stringData"}
    return {key: _as_property(value).with_secret(key in secret) for key, value in obj.items()}


def _as_property(value: Any) -> PropertyValue:
    if isinstance(value, dict):
        return PropertyValue({key: _as_property(item) for key, item in value.items()})
    if isinstance(value, list):
        return PropertyValue([_as_property(item) for item in value])
    return PropertyValue(float(value) if type(value) is int else value)


def checkpoint(live: Object, inputs: Properties, field_manager: str) -> dict[str, PropertyValue]:
    """Lays the state out as the official provider does, so that either can go on from the other's."""
    return as_properties(live, inputs) | {
        INPUTS: PropertyValue(inputs),
        "__initialApiVersion": PropertyValue(live["apiVersion"]),
        FIELD_MANAGER: PropertyValue(field_manager),
    }


def is_secret_kind(obj: Object) -> bool:
    return (obj.get("apiVersion"), obj.get("kind")) == ("v1", "Secret")


def with_data_only(obj: Object) -> Object:
    """Moves a Secret's stringData into its data, as the API server does."""
    if not is_secret_kind(obj) or "stringData" not in obj:
        return obj
    texts, data = obj["stringData"], UNKNOWN
    if isinstance(texts, dict):
        data = obj.get("data", {}) | {key: text if text == UNKNOWN else _encoded(text) for key, text in texts.items()}
    return {key: value for key, value in obj.items() if key != "stringData"} | {"data": data}


def without_data(message: str, obj: Object) -> str:
    """Takes a Secret's values out of the API server's message, which may quote them."""
    data = obj.get("data", {}) if is_secret_kind(obj) else {}
    for value in filter(None, data.values() if isinstance(data, dict) else [data]):
        message = message.replace(str(value), "[secret]")
    return message


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
