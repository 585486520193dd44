"""Tells Outputs from values that are known now."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeGuard, TypeVar

import pulumi

T = TypeVar("T")
U = TypeVar("U")


WITHHELD = object()
"""Stands in the place of API keys, so that no key is among the values that are resolved together."""


def is_output(value: object) -> bool:
    """Tells whether the value isn't there: an Output, something to await, or a key that was withheld."""
    return value is WITHHELD or isinstance(value, (pulumi.Output, Awaitable))


def has_outputs(value: object) -> bool:
    """Tells whether the value, or anything in it, is resolved later."""
    if isinstance(value, Mapping):
        return any(map(has_outputs, value.values()))
    if is_list(value):
        return any(map(has_outputs, value))
    return value is not WITHHELD and is_output(value)


def withhold(values: Any, path: Sequence[str | int]) -> Any:
    """Takes a key out of arguments. With a key among them, all that is built from them would be secret."""
    *outer, last = path
    for part in outer:
        values = values[part]
    key, values[last] = values[last], WITHHELD
    return key


def map_output(value: T | pulumi.Output[T], build: Callable[[T], U]) -> U | pulumi.Output[U]:
    """Builds at once where the value is known, because every Output makes an `up` slower."""
    return value.apply(build) if isinstance(value, pulumi.Output) else build(value)


def when_resolved(values: Any, now: U, build: Callable[[Any], U]) -> U | pulumi.Output[U]:
    """Returns what was built now if all values are known, and otherwise what is built from them once they are."""
    return pulumi.Output.from_input(values).apply(build) if has_outputs(values) else now


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Tells whether the value is a list, and not a string."""
    return isinstance(value, Sequence) and not isinstance(value, str)
