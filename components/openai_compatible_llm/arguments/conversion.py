"""Converts arguments into the form in which they are checked: Python's names, without Nones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import get_annotations
from typing import Any, get_args, get_origin, is_typeddict

from .cases import to_camel_case
from .declaration import kind
from .outputs import is_list, map_output


@dataclass(frozen=True)
class Undeclared:
    """Holds a name in camelCase that no argument has, even if Python has it, such as `route_path` in a stack file."""

    name: str


def to_python(declared: type, arguments: Mapping[str, Any]) -> dict[Any, Any]:
    """Returns arguments that are spelled in camelCase under their Python names; others become `Undeclared`.

    Keys of maps, such as labels or clients' names, stay as they are.
    """
    hints = {to_camel_case(name): (name, hint) for name, hint in get_annotations(declared).items()}
    converted: dict[Any, Any] = {}
    for key, value in arguments.items():
        if key in hints:
            name, hint = hints[key]
            converted[name] = _nested_to_python(kind(hint), value)
        else:
            converted[Undeclared(key)] = value
    return converted


def without_nones(value: Any, verbatim: frozenset[str]) -> Any:
    """Removes what is None, as it counts as not given, but for what is in the arguments with the verbatim names."""
    if isinstance(value, Mapping):
        return {
            key: each if key in verbatim else without_nones(each, verbatim)
            for key, each in value.items()
            if each is not None
        }
    return [without_nones(each, verbatim) for each in value] if is_list(value) else value


def _nested_to_python(expected: Any, value: Any) -> Any:
    if is_typeddict(expected):
        return map_output(value, lambda group: to_python(expected, group) if isinstance(group, Mapping) else group)
    if get_origin(expected) is Sequence and isinstance(value, list):
        return [_nested_to_python(kind(get_args(expected)[0]), each) for each in value]
    if get_origin(expected) is Mapping and isinstance(value, Mapping):
        return {key: _nested_to_python(kind(get_args(expected)[1]), each) for key, each in value.items()}
    return value
