"""Defines what parsing makes of a component's arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pulumi

from ..objects import ObjectPlan, ObjectSettings
from ..objects.factory import SecretEntries

P = TypeVar("P", bound=ObjectPlan)
S = TypeVar("S", bound=ObjectSettings)


@dataclass(frozen=True)
class Inputs(Generic[P, S]):
    """What a component is made from.

    Attributes:
        plan: What is decided before any Output is resolved.
        settings: All but the keys. An Output only where an argument is one.
        secrets: What makes the entries of each Secret, by its name. The keys in them are checked when resolved.
    """

    plan: P
    settings: S | pulumi.Output[S]
    secrets: Mapping[str, Callable[[], SecretEntries]] = field(default_factory=dict, repr=False)
