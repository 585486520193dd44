"""Checks names and types of arguments against the TypedDicts that declare them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from inspect import get_annotations
from typing import Any, Required, Union, get_args, get_origin, is_typeddict

from .cases import to_camel_case
from .conversion import Undeclared
from .declaration import Declaration, kind
from .issues import Issue, Key, Path
from .outputs import is_list, is_output
from .suggestions import suggestion

_TYPE_NAMES = {str: "a string", int: "an integer", bool: "a boolean"}
_LONGEST_QUOTE = 100


@dataclass(frozen=True)
class TypeChecker:
    """Checks arguments without Nones."""

    declaration: Declaration

    def errors(self, declared: type, arguments: Mapping[Any, Any], at: Path = ()) -> Iterator[Issue]:
        """Yields an issue for each unknown, missing or mistyped argument of a group."""
        hints = get_annotations(declared)
        required: frozenset[str] = getattr(declared, "__required_keys__", frozenset())
        for name in sorted(required - arguments.keys()):
            yield Issue((*at, name), "required")
        for name, value in arguments.items():
            if name in hints:
                yield from self._value_errors(hints[name], value, (*at, name))
            else:
                text = name.name if isinstance(name, Undeclared) else str(name)
                yield Issue((*at, Key(text)), self.declaration.unknown(at, text, value, hints))

    def _value_errors(self, hint: Any, value: Any, at: Path) -> Iterator[Issue]:
        if get_origin(hint) is Required:
            (hint,) = get_args(hint)
        takes_outputs = get_origin(hint) is Union or hint is Any
        if is_output(value):
            if not takes_outputs:
                reason = "must be a plain value, not a Pulumi output, because it decides which objects are created"
                yield Issue(at, reason)
            return
        expected = kind(hint)
        if is_typeddict(expected):
            if isinstance(value, Mapping):
                yield from self.errors(expected, value, at)
            else:
                yield Issue(at, f"{self._quote(value, at)} is not a group of settings")
        elif get_origin(expected) is not None:
            yield from self._collection_errors(expected, value, at)
        elif expected is Any:
            if not _is_json(value):
                yield Issue(at, "not a value of JSON; give a string, a number, a boolean, a list or a map")
        elif issubclass(expected, Enum):
            values = [each.value for each in expected]
            if value not in values:
                advice = suggestion(str(value), values, "values")
                yield Issue(at, f"{self._quote(value, at)} is not a valid value; {advice}")
        elif not _is_instance(expected, value):
            yield Issue(at, f"{self._quote(value, at)} is not {_TYPE_NAMES[expected]}")

    def _collection_errors(self, expected: Any, value: Any, at: Path) -> Iterator[Issue]:
        hint = get_args(expected)[-1]
        is_map = issubclass(get_origin(expected), Mapping)
        if not (isinstance(value, Mapping) if is_map else is_list(value)):
            yield Issue(at, f"{self._quote(value, at)} is not a {'map' if is_map else 'list'} of {_plural(hint)}")
            return
        for part, each in value.items() if is_map else enumerate(value):
            if is_map and not isinstance(part, str):
                yield Issue((*at, Key(part)), f"the name is {part!r}, not a string; put it in quotes")
                continue
            yield from self._value_errors(hint, each, (*at, Key(part) if is_map else part))

    def _quote(self, value: object, at: Path) -> str:
        if not self._secret_names.isdisjoint(at) or self._has_secret_field(value):
            return "the value"
        text = f'"{value}"' if isinstance(value, str) else str(value)
        return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."

    @cached_property
    def _secret_names(self) -> frozenset[str]:
        fields = self.declaration.secret_fields
        return fields.union(map(to_camel_case, fields))

    def _has_secret_field(self, value: object) -> bool:
        """Tells whether a group with a key in it stands in a wrong place, in either spelling."""
        if isinstance(value, Mapping):
            return any(name in self._secret_names or self._has_secret_field(each) for name, each in value.items())
        return isinstance(value, list) and any(map(self._has_secret_field, value))


def _plural(hint: Any) -> str:
    expected = kind(hint)
    if is_typeddict(expected):
        return "groups of settings"
    return "lists" if get_origin(expected) is Sequence else {str: "strings", int: "integers"}.get(expected, "values")


def _is_json(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(name, str) for name in value) and all(map(_is_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or is_output(value) or isinstance(value, str | int)


def _is_instance(expected: type, value: Any) -> bool:
    if expected is int:
        # Other languages have floats alone.
        return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value % 1 == 0))
    return isinstance(value, expected)
