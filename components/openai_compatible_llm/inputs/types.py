"""Holds names and types of arguments against the TypedDicts that declare them."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from inspect import get_annotations
from typing import Any, Union, get_args, get_origin, is_typeddict

import pulumi

from .errors import Issue, Key, Path, suggestion, unknown_argument
from .names import to_camel_case

SECRET_FIELDS = ("api_key", "api_key_secret", "auth_header")
"""Arguments whose values no message shows: they hold a key, or somebody may put one there by mistake."""

_TYPE_NAMES = {str: "a string", int: "an integer", bool: "a boolean"}
_LONGEST_QUOTE = 100


@dataclass(frozen=True)
class Undeclared:
    """A name in camelCase that no argument has, even if Python has it, such as `route_path` in a stack file."""

    name: str


class WithheldKey:
    """Stands in the place of an API key, so that no key is among the values that are resolved together."""


def is_output(value: object) -> bool:
    """Tells whether the value isn't there yet: an Output, something to await, or a key that was withheld."""
    return isinstance(value, (pulumi.Output, Awaitable, WithheldKey))


def has_outputs(value: object) -> bool:
    """Tells whether the value, or anything in it, is resolved later."""
    if isinstance(value, Mapping):
        return any(has_outputs(each) for each in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(has_outputs(each) for each in value)
    return is_output(value)


def without_nones(value: Any) -> Any:
    """Removes what is None: it counts as not given."""
    if isinstance(value, Mapping):
        return {key: without_nones(each) for key, each in value.items() if each is not None}
    return value


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
            yield unknown_argument(at, name.name if isinstance(name, Undeclared) else str(name), hints)
        else:
            yield from _value_errors(hints[name], value, (*at, name))


def _nested_to_python(kind: Any, value: Any) -> Any:
    if not is_typeddict(kind):
        return value
    if isinstance(value, pulumi.Output):
        return value.apply(lambda resolved: _nested_to_python(kind, resolved))
    return to_python(kind, value) if isinstance(value, Mapping) else value


def _value_errors(hint: Any, value: Any, at: Path) -> Iterator[Issue]:
    takes_outputs = get_origin(hint) is Union
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
    elif issubclass(kind, Enum):
        names = [each.value for each in kind]
        if value not in names:
            yield Issue(at, f"{_quoted(value, at)} is not a valid value; {suggestion(str(value), names, 'values')}")
    elif not _is_instance(kind, value):
        yield Issue(at, f"{_quoted(value, at)} is not {_TYPE_NAMES[kind]}")


def _collection_errors(kind: Any, value: Any, at: Path) -> Iterator[Issue]:
    items: list[tuple[str | int, Any]]
    if issubclass(get_origin(kind), Mapping):
        if not isinstance(value, Mapping):
            yield Issue(at, f"{_quoted(value, at)} is not a map of strings")
            return
        items = [(Key(name), each) for name, each in value.items()]
    else:
        if not isinstance(value, Sequence) or isinstance(value, str):
            yield Issue(at, f"{_quoted(value, at)} is not a list of strings")
            return
        items = list(enumerate(value))
    for part, each in items:
        yield from _value_errors(get_args(kind)[-1], each, (*at, part))


def _is_instance(kind: type, value: Any) -> bool:
    if kind is int:
        # Other languages have floats alone.
        return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value % 1 == 0))
    return isinstance(value, kind)


def _quoted(value: object, at: Path) -> str:
    if any(part in SECRET_FIELDS for part in at):
        return "the value"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."


def _kind(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Union else hint
