"""Serves the component to Pulumi's engine."""

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any, cast

import pulumi
from pulumi.provider import ConstructResult, main
from pulumi.provider.experimental.analyzer import ComponentDefinition
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from ..component import OpenAICompatibleLLM
from ..inputs import DECLARED, SECRET_FIELDS, InvalidArguments, Issue, to_camel_case, to_python
from .schema import finalize_schema

_PUBLIC = {to_camel_case(name) for name in DECLARED.__annotations__ if name not in SECRET_FIELDS}


def serve(project: Mapping[str, Any]) -> None:
    """Serves the engine until the engine has finished.

    Args:
        project: The `project` table of the package's pyproject.toml.
    """
    # Pulumi does the same for programs: a component that fails leaves tasks behind whose errors nobody reads.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    main(Plugin(project), sys.argv[1:])


class Plugin(ComponentProvider):
    """Converts inputs for the component, and reports invalid ones to the engine as a list of properties.

    The SDK's own class (pulumi 3.246) takes a group that is an Output for an empty one, fails on an integer that is an
    Output, drops misspelt properties, and prints a traceback for invalid arguments.
    """

    def __init__(self, project: Mapping[str, Any]) -> None:
        super().__init__([OpenAICompatibleLLM], project["name"], version=project["version"])
        self.schema = json.dumps(finalize_schema(json.loads(self.schema or "{}"), project))

    def map_inputs(self, inputs: pulumi.Inputs, component_def: ComponentDefinition) -> pulumi.Inputs:  # noqa: ARG002
        return to_python(DECLARED, inputs)

    def construct(
        self, name: str, resource_type: str, inputs: pulumi.Inputs, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        try:
            result = super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, InvalidArguments):
                raise _input_errors(error.inner, inputs) from None
            raise
        return ConstructResult(_urn_when_valid(inputs, result), result.state)


async def _urn_when_valid(inputs: pulumi.Inputs, result: ConstructResult) -> str:
    """Resolves after the outputs, so that problems in inputs that are resolved late are reported."""
    try:
        await cast("pulumi.Output[str]", result.state["path"]).future()
    except InvalidArguments as error:
        raise _input_errors(error, inputs) from None
    return cast("str", await cast("pulumi.Output[str]", result.urn).future())


def _input_errors(error: InvalidArguments, inputs: pulumi.Inputs) -> pulumi.InputPropertiesError:
    """Makes an error whose list of properties the engine prints; of a RunError it would print the message only."""
    return pulumi.InputPropertiesError(
        f'OpenAICompatibleLLM "{error.name}" has invalid arguments:',
        [
            {"property_path": _property_path(issue, inputs), "reason": issue.text(to_camel_case)}
            for issue in error.issues
        ],
    )


def _property_path(issue: Issue, inputs: pulumi.Inputs) -> str:
    """Writes the path so that the engine prints no key: it prints the value that it finds there, even a secret one."""
    path = issue.location(to_camel_case)
    outermost = Issue(issue.path[:1], "").location(to_camel_case)
    return path if outermost in _PUBLIC or outermost not in inputs else f"`{path}`"
