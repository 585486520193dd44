"""The component for programs in other languages: Pulumi's engine asks a plugin for its schema, and to make one."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
from pulumi.provider import ConstructResult, main
from pulumi.provider.experimental.analyzer import ComponentDefinition
from pulumi.provider.experimental.component import ComponentProvider

from .args import OpenAICompatibleLLMArgs
from .component import OpenAICompatibleLLM
from .package_schema import completed
from .problems import InvalidArguments, Problem, camel_case
from .shape import KEY_PLACES, in_snake_case
from .validation import find_problems

_DECLARED = cast("type", OpenAICompatibleLLMArgs)
_SHOWN_BY_THE_ENGINE = {camel_case(name) for name in _DECLARED.__annotations__ if name not in KEY_PLACES}


def serve(project: Mapping[str, Any]) -> None:
    """Answers the engine until it has done.

    Args:
        project: What the package says of itself: the `project` table of its pyproject.toml.
    """
    # As Pulumi does for programs: of a component that can't be made, tasks are left that nobody asks for their errors.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    main(Plugin(project), sys.argv[1:])


class Plugin(ComponentProvider):
    """Takes inputs as the component does, and tells the engine which of them are wrong.

    The class that it extends takes a group that is an Output for an empty one, fails on an integer that is an Output,
    drops misspelt properties, and has a traceback for what the component refuses (pulumi 3.246).
    """

    def __init__(self, project: Mapping[str, Any]) -> None:
        super().__init__([OpenAICompatibleLLM], project["name"], version=project["version"])
        self.schema = json.dumps(completed(json.loads(self.schema or "{}"), project))

    def map_inputs(self, inputs: pulumi.Inputs, component_def: ComponentDefinition) -> pulumi.Inputs:  # noqa: ARG002
        return in_snake_case(_DECLARED, inputs)

    def construct(
        self, name: str, resource_type: str, inputs: pulumi.Inputs, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        problems = find_problems(name, inputs, in_camel_case=True)
        if problems:
            raise _refusal(name, inputs, problems)
        result = super().construct(name, resource_type, inputs, options)
        return ConstructResult(_urn_of_made(name, inputs, result), result.state)


async def _urn_of_made(name: str, inputs: pulumi.Inputs, result: ConstructResult) -> str:
    """Comes with the outputs, which wait for all inputs that are Outputs, and for what the component says of them."""
    try:
        await cast("pulumi.Output[str]", result.state["path"]).future()
    except InvalidArguments as error:
        raise _refusal(name, inputs, [problem.in_camel_case() for problem in error.problems]) from None
    return cast("str", await cast("pulumi.Output[str]", result.urn).future())


def _refusal(name: str, inputs: pulumi.Inputs, problems: Sequence[Problem]) -> pulumi.InputPropertiesError:
    """The engine puts the list below the message. It isn't a RunError, of which it would get the bare message."""
    return pulumi.InputPropertiesError(
        f'OpenAICompatibleLLM "{name}" can\'t be made:',
        [{"property_path": _property_path(problem, inputs), "reason": problem.reason} for problem in problems],
    )


def _property_path(problem: Problem, inputs: pulumi.Inputs) -> str:
    """The engine shows what it finds at a path, even a secret. Where that might be a key, it finds nothing."""
    outermost = problem.argument[0]
    shown = outermost in _SHOWN_BY_THE_ENGINE or outermost not in inputs
    return problem.property_path if shown else f"`{problem.property_path}`"
