"""Holds names and types of arguments against the TypedDicts that declare them."""

import math
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from inspect import get_annotations
from typing import Any, Required, Union, get_args, get_origin, is_typeddict

import pulumi

from .errors import Issue, Key, Path, suggestion
from .names import to_camel_case

SECRET_FIELDS = ("api_key", "api_key_secret", "auth_header", "client_api_keys", "client_api_keys_secret")
"""Arguments whose values no message shows: they hold a key, or somebody may put one there by mistake."""

JSON_FIELDS = ("request_defaults", "request_overrides")
"""Arguments that go to the provider as they are, so that null in them has a meaning."""

_TYPE_NAMES = {str: "a string", int: "an integer", bool: "a boolean"}
_LONGEST_QUOTE = 100


@dataclass(frozen=True)
class Undeclared:
    """A name in camelCase that no argument has, even if Python has it, such as `route_path` in a stack file."""

    name: str


class _Withheld:
    """Stands in the place of API keys, so that no key is among the values that are resolved together."""


WITHHELD = _Withheld()


def is_output(value: object) -> bool:
    """Tells whether the value isn't there: an Output, something to await, or a key that was withheld."""
    return value is WITHHELD or isinstance(value, (pulumi.Output, Awaitable))


def has_outputs(value: object) -> bool:
    """Tells whether the value, or anything in it, is resolved later."""
    if isinstance(value, Mapping):
        return any(has_outputs(each) for each in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(has_outputs(each) for each in value)
    return value is not WITHHELD and is_output(value)


def without_nones(value: Any) -> Any:
    """Removes what is None: it counts as not given."""
    if isinstance(value, Mapping):
        return {
            key: each if key in JSON_FIELDS else without_nones(each) for key, each in value.items() if each is not None
        }
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return [without_nones(each) for each in value] if is_list else value


def to_python(declared: type, given: Mapping[str, Any]) -> dict[Any, Any]:
    """Returns arguments that were written in camelCase under their Python names; others become `Undeclared`.

    Keys of maps, such as labels, stay as they are.
    """
    hints = {to_camel_case(name): (name, hint) for name, hint in get_annotations(declared).items()}
    converted: dict[Any, Any] = {}
    for key, value in given.items():
        if key in hints:
            name, hint = hints[key]
            converted[name] = _nested_to_python(_kind(hint), value)
        else:
            converted[Undeclared(key)] = value
    return converted


def type_errors(declared: type, given: Mapping[Any, Any], at: Path = ()) -> Iterator[Issue]:
    """Yields an issue for each unknown, missing or mistyped argument.

    Args:
        declared: The TypedDict.
        given: The arguments, without Nones.
        at: Path of `given` itself.
    """
    hints = get_annotations(declared)
    required: frozenset[str] = getattr(declared, "__required_keys__", frozenset())
    for name in sorted(required - given.keys()):
        yield Issue((*at, name), "required")
    for name, value in given.items():
        if isinstance(name, Undeclared) or name not in hints:
            from .advice import unknown_argument  # Takes a while to import, and is needed for an error only.

            yield unknown_argument(at, name.name if isinstance(name, Undeclared) else str(name), value, hints)
        else:
            yield from _value_errors(hints[name], value, (*at, name))


def _nested_to_python(kind: Any, value: Any) -> Any:
    if is_typeddict(kind):
        if isinstance(value, pulumi.Output):
            return value.apply(lambda resolved: _nested_to_python(kind, resolved))
        return to_python(kind, value) if isinstance(value, Mapping) else value
    if get_origin(kind) is Sequence and isinstance(value, list):
        return [_nested_to_python(_kind(get_args(kind)[0]), each) for each in value]
    return value


def _value_errors(hint: Any, value: Any, at: Path) -> Iterator[Issue]:
    if get_origin(hint) is Required:
        (hint,) = get_args(hint)
    takes_outputs = get_origin(hint) is Union or hint is Any
    if is_output(value):
        if not takes_outputs:
            yield Issue(at, "must be a plain value, not a Pulumi output, because it decides which objects are created")
        return
    kind = _kind(hint)
    if is_typeddict(kind):
        if isinstance(value, Mapping):
            yield from type_errors(kind, value, at)
        else:
            yield Issue(at, f"{_quoted(value, at)} is not a group of settings")
    elif get_origin(kind) is not None:
        yield from _collection_errors(kind, value, at)
    elif kind is Any:
        if not _is_json(value):
            yield Issue(at, "not a value of JSON; give a string, a number, a boolean, a list or a map")
    elif issubclass(kind, Enum):
        names = [each.value for each in kind]
        if value not in names:
            yield Issue(at, f"{_quoted(value, at)} is not a valid value; {suggestion(str(value), names, 'values')}")
    elif not _is_instance(kind, value):
        yield Issue(at, f"{_quoted(value, at)} is not {_TYPE_NAMES[kind]}")


def _collection_errors(kind: Any, value: Any, at: Path) -> Iterator[Issue]:
    items: list[tuple[str | int, Any]]
    hint = get_args(kind)[-1]
    if issubclass(get_origin(kind), Mapping):
        if not isinstance(value, Mapping):
            yield Issue(at, f"{_quoted(value, at)} is not a map of {_plural(hint)}")
            return
        items = [(Key(name), each) for name, each in value.items()]
    else:
        if not isinstance(value, Sequence) or isinstance(value, str):
            yield Issue(at, f"{_quoted(value, at)} is not a list of {_plural(hint)}")
            return
        items = list(enumerate(value))
    for part, each in items:
        yield from _value_errors(hint, each, (*at, part))


def _plural(hint: Any) -> str:
    kind = _kind(hint)
    return "groups of settings" if is_typeddict(kind) else {str: "strings", int: "integers"}.get(kind, "values")


def _is_json(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(name, str) for name in value) and all(map(_is_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or is_output(value) or isinstance(value, str | int)


def _is_instance(kind: type, value: Any) -> bool:
    if kind is int:
        # Other languages have floats alone.
        return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value % 1 == 0))
    return isinstance(value, kind)


def _quoted(value: object, at: Path) -> str:
    if any(part in SECRET_FIELDS for part in at) or _has_secret_field(value):
        return "the value"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."


def _has_secret_field(value: object) -> bool:
    """Tells whether a group with a key in it stands in a wrong place, in either spelling."""
    if isinstance(value, Mapping):
        names = {*SECRET_FIELDS, *map(to_camel_case, SECRET_FIELDS)}
        return any(name in names or _has_secret_field(each) for name, each in value.items())
    return isinstance(value, list) and any(map(_has_secret_field, value))


def _kind(hint: Any) -> Any:
    """Returns the type itself, without `Input` or `Required` around it."""
    return _kind(get_args(hint)[0]) if get_origin(hint) in (Union, Required) else hint
