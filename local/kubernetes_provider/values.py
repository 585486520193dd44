"""Between the engine's property values, which know what is secret, and plain JSON, which the API server speaks."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

Object = dict[str, Any]
Properties = Mapping[str, PropertyValue]

FIELD_MANAGER = "__fieldManager"
INPUTS = "__inputs"


def plain(value: PropertyValue | Properties) -> Any:
    """Without secretness and nulls; whole numbers as int."""
    inner = value.value if isinstance(value, PropertyValue) else value
    if isinstance(inner, Mapping):
        return {key: plain(item) for key, item in inner.items() if item.value is not None}
    if isinstance(inner, tuple):
        return [plain(item) for item in inner]
    return int(inner) if isinstance(inner, float) and inner.is_integer() else inner


def has_unknown(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(has_unknown, value.values() if isinstance(value, dict) else value))
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
    return PropertyValue(float(value) if type(value) is int else value, secret)


def as_properties(obj: Object, like: Properties) -> dict[str, PropertyValue]:
    """An object's properties: secret where `like` is, and a Secret's values always."""
    properties = {key: as_property(value, like.get(key)) for key, value in obj.items()}
    sealed = properties.keys() & {"data", "stringData"} if is_secret_kind(obj) else set()
    return properties | {key: properties[key].with_secret(True) for key in sealed}


def checkpoint(live: Object, inputs: Properties, field_manager: str) -> dict[str, PropertyValue]:
    """The state, laid out as the official provider does, so that either can go on from the other's."""
    return as_properties(live, inputs) | {
        INPUTS: PropertyValue(inputs),
        "__initialApiVersion": PropertyValue(live["apiVersion"]),
        FIELD_MANAGER: PropertyValue(field_manager),
    }


def is_secret_kind(obj: Object) -> bool:
    return (obj.get("apiVersion"), obj.get("kind")) == ("v1", "Secret")


def without_secrets(message: str, properties: Properties) -> str:
    """The API server's refusals can quote what was refused. Of three letters or fewer nothing can be told apart."""
    texts = set(_secret_texts(PropertyValue(properties), secret=False))
    spellings = texts | {json.dumps(text)[1:-1] for text in texts} | {encoded(text) for text in texts}
    for spelling in sorted(spellings, key=len, reverse=True):
        if len(spelling) > 3:
            message = message.replace(spelling, "[secret]")
    return message


def _secret_texts(value: PropertyValue, *, secret: bool) -> Iterator[str]:
    secret = secret or value.is_secret
    if isinstance(value.value, Mapping | tuple):
        for item in value.value.values() if isinstance(value.value, Mapping) else value.value:
            yield from _secret_texts(item, secret=secret)
    elif secret:
        yield str(value.value)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
