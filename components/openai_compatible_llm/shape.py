"""Names and types of arguments, held against the TypedDict that declares them."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from enum import Enum
from inspect import get_annotations
from typing import Any, Union, get_args, get_origin, is_typeddict

import pulumi

from .problems import Problem, camel_case, nearest

# Where a key belongs, and where one might be put by mistake.
KEY_PLACES = ("api_key", "api_key_secret", "auth_header")
_NEVER_SHOWN = {*KEY_PLACES, *map(camel_case, KEY_PLACES)}
_TYPES = {str: "a string", int: "a whole number", bool: "true or false"}


def is_known_later(value: object) -> bool:
    """Whether the value is one that Pulumi resolves: an Output, or something to await."""
    return isinstance(value, (pulumi.Output, Awaitable))


def has_later_parts(value: object) -> bool:
    """Whether the value, or anything in it, is known only later."""
    if isinstance(value, Mapping):
        return any(has_later_parts(each) for each in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(has_later_parts(each) for each in value)
    return is_known_later(value)


def without_nones(value: Any) -> Any:
    """An argument that is None counts as not given."""
    if isinstance(value, Mapping):
        return {key: without_nones(each) for key, each in value.items() if each is not None}
    return value


def shape_problems(
    declared: type, given: Mapping[str, Any], spelled: Callable[[str], str] = str, at: tuple[str, ...] = ()
) -> Iterator[Problem]:
    """What has no such name or is not of its type.

    Args:
        declared: The TypedDict.
        given: The arguments, without Nones.
        spelled: How the names of the TypedDict are written in `given`.
        at: Where `given` itself stands.
    """
    hints = {spelled(name): hint for name, hint in get_annotations(declared).items()}
    required: frozenset[str] = getattr(declared, "__required_keys__", frozenset())
    for name in map(spelled, required):
        if name not in given:
            yield Problem((*at, name), "it is needed")
    for name, value in given.items():
        if name not in hints:
            yield Problem((*at, name), f"there is no such argument; {nearest(name, hints)}")
        else:
            yield from _type_problems(hints[name], value, spelled, (*at, name))


def _type_problems(hint: Any, value: Any, spelled: Callable[[str], str], at: tuple[str, ...]) -> Iterator[Problem]:
    may_be_later = get_origin(hint) is Union
    if is_known_later(value):
        if not may_be_later:
            yield Problem(at, "it must be known when the component is made, and a Pulumi output is known later")
        return
    kind = _kind(hint)
    if is_typeddict(kind):
        if isinstance(value, Mapping):
            yield from shape_problems(kind, value, spelled, at)
        else:
            yield Problem(at, f"{shown(value, at)} is not a group of settings")
    elif get_origin(kind) is not None:
        yield from _collection_problems(kind, value, spelled, at)
    elif issubclass(kind, Enum):
        names = [each.value for each in kind]
        if value not in names:
            yield Problem(at, f"{shown(value, at)} is not one of them; {nearest(str(value), names)}")
    elif not _is_a(kind, value):
        yield Problem(at, f"{shown(value, at)} is not {_TYPES[kind]}")


def _collection_problems(
    kind: Any, value: Any, spelled: Callable[[str], str], at: tuple[str, ...]
) -> Iterator[Problem]:
    if issubclass(get_origin(kind), Mapping):
        if not isinstance(value, Mapping):
            yield Problem(at, f"{shown(value, at)} is not a map of strings")
            return
        parts = [(str(name), each) for name, each in value.items()]
    else:
        if not isinstance(value, Sequence) or isinstance(value, str):
            yield Problem(at, f"{shown(value, at)} is not a list of strings")
            return
        parts = [(str(index), each) for index, each in enumerate(value)]
    for name, each in parts:
        yield from _type_problems(get_args(kind)[-1], each, spelled, (*at, name))


def _is_a(kind: type, value: Any) -> bool:
    if kind is int:
        return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value % 1 == 0))
    return isinstance(value, kind)


def shown(value: object, at: tuple[str, ...]) -> str:
    """What was given, for a message: never a key, and not at length."""
    if at[0] in _NEVER_SHOWN:
        return "what was given"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def in_snake_case(declared: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments written in camelCase as the TypedDict has them. Keys of maps, such as labels, stay as they are."""
    hints = get_annotations(declared)
    names = {camel_case(name): name for name in hints}
    converted = {}
    for key, value in given.items():
        name = names.get(key, key)
        kind = _kind(hints.get(name))
        converted[name] = _nested_in_snake_case(kind, value) if is_typeddict(kind) else value
    return converted


def _nested_in_snake_case(declared: type, value: Any) -> Any:
    if isinstance(value, pulumi.Output):
        return value.apply(lambda known: _nested_in_snake_case(declared, known))
    return in_snake_case(declared, value) if isinstance(value, Mapping) else value


def _kind(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Union else hint
