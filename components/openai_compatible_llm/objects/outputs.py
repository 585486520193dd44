"""Declares the outputs of a component beside their types and descriptions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import pulumi

from ..arguments.cases import to_camel_case
from ..arguments.outputs import map_output


@dataclass(frozen=True)
class Created:
    """What a component's outputs are read from, as its attribute `_created`; `last` is the last of its objects."""

    plan: Any
    settings: Any
    last: pulumi.Resource

    def read(self, value: Callable[[Any, Any], Any]) -> Any:
        """Returns what plan and settings say, at once where they are known."""
        return map_output(self.settings, partial(value, self.plan))


class _Output(cached_property[pulumi.Output[Any]]):
    """Makes an Output when the program first asks for it, as each costs time."""

    def __init__(self, value: Callable[[Any, Any], Any]) -> None:
        # Whatever depends on an output can send requests: it waits for the last object.
        super().__init__(lambda component: component._created.last.urn.apply(lambda _: component._created.read(value)))
        self.value = value


def output(value: Callable[[Any, Any], Any]) -> Any:
    """Declares an output, whose value this returns from the component's plan and settings."""
    return _Output(value)


def outputs_of(component: pulumi.ComponentResource) -> dict[str, Any]:
    """Returns the values of all outputs by their names in other languages, without a wait for the last object."""
    declared = vars(type(component)).items()
    created: Created = component._created  # type: ignore[attr-defined]
    return {to_camel_case(name): created.read(each.value) for name, each in declared if isinstance(each, _Output)}
