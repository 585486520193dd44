"""Parses a component's arguments, once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi

from ..args import OpenAICompatibleLLMArgs
from ..settings import Plan, Settings
from . import validators
from .arguments import Arguments
from .errors import InvalidArguments, Issue
from .resolve import resolve_plan, resolve_settings
from .rules import rule_errors
from .types import WithheldKey, has_outputs, type_errors, without_nones

DECLARED = cast("type", OpenAICompatibleLLMArgs)


@dataclass(frozen=True)
class Inputs:
    """What a component is made from.

    Attributes:
        name: The component's name.
        plan: What is decided before any Output is resolved.
        settings: All but the key. An Output only where an argument is one.
        api_key: The provider's key as it was given; None where the component gets none.
    """

    name: str
    plan: Plan
    settings: Settings | pulumi.Output[Settings]
    api_key: pulumi.Input[str] | None = field(repr=False)

    @property
    def secret_api_key(self) -> pulumi.Output[str]:
        """The key as a secret, checked when it is resolved."""
        return pulumi.Output.secret(self.api_key).apply(lambda key: _valid_key(self.name, key))


def parse(name: str, args: Mapping[Any, Any]) -> Inputs:
    """Parses the arguments, and fills in their defaults.

    What is an Output is checked as soon as all Outputs are resolved.

    Args:
        name: The component's name.
        args: As in `OpenAICompatibleLLMArgs`. An argument that is None counts as not given.

    Raises:
        InvalidArguments: With every problem of what is known now.
    """
    given = without_nones(args)
    _validate(name, given)
    plan = resolve_plan(given)
    key = given.pop("api_key", None)
    # No key is among what gets resolved, or all that is built from it would be secret.
    withheld = given if key is None else {**given, "api_key": WithheldKey()}
    return Inputs(
        name,
        plan,
        pulumi.Output.from_input(withheld).apply(lambda resolved: _parse_resolved(name, resolved, plan))
        if has_outputs(given)
        else resolve_settings(name, withheld),
        key,
    )


def _parse_resolved(name: str, given: Mapping[str, Any], plan: Plan) -> Settings:
    resolved = without_nones(given)
    _validate(name, resolved)
    settings = resolve_settings(name, resolved)
    if plan.uses_tls != (settings.provider.tls is not None):
        raise InvalidArguments(
            name,
            [
                Issue(
                    ("base_url",),
                    lambda case: (
                        "an output that turned out to be http when TLS was already set up; give "
                        f"`{case('host')}`, `{case('port')}`, `{case('path')}` and `{case('tls.disabled')}` instead"
                    ),
                )
            ],
        )
    return settings


def _validate(name: str, given: Mapping[Any, Any]) -> None:
    mistyped = list(type_errors(DECLARED, given))
    arguments = Arguments(given, frozenset(issue.path for issue in mistyped))
    issues = [*mistyped, *rule_errors(name, arguments)]
    if issues:
        order = {argument: place for place, argument in enumerate(("name", *DECLARED.__annotations__))}
        raise InvalidArguments(name, sorted(issues, key=lambda issue: order.get(str(issue.path[0]), -1)))


def _valid_key(name: str, key: object) -> str:
    if reason := validators.api_key(key):
        raise InvalidArguments(name, [Issue(("api_key",), reason)])
    return cast("str", key)
