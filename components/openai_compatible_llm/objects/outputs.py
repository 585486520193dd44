"""Declares the outputs of a component beside their types and descriptions."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import pulumi

from ..arguments.cases import to_camel_case


class _Output(cached_property[pulumi.Output[Any]]):
    """Makes an Output when the program first asks for it, as each costs time."""

    def __init__(self, value: Callable[[Any, Any], Any]) -> None:
        # Whatever depends on an output can send requests: it waits for the last object.
        super().__init__(lambda component: component._objects.last.urn.apply(lambda _: component._objects.read(value)))
        self.value = value


def output(value: Callable[[Any, Any], Any]) -> Any:
    """Declares an output, whose value this returns from the plan and settings of the component's `_objects`."""
    return _Output(value)


def outputs_of(component: pulumi.ComponentResource) -> dict[str, Any]:
    """Returns the values of all outputs by their names in other languages, without a wait for the last object."""
    declared = vars(type(component)).items()
    objects: Any = component._objects  # type: ignore[attr-defined]
    return {to_camel_case(name): objects.read(each.value) for name, each in declared if isinstance(each, _Output)}
