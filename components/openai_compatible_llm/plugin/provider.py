"""Serves the components to Pulumi's engine."""

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

from .. import __version__
from ..arguments import InvalidArguments, Issue
from ..arguments.cases import to_camel_case
from ..arguments.conversion import to_python
from .registry import COMPONENTS, Component
from .schema import finalize_schema


def serve(project: Mapping[str, Any]) -> None:
    """Serves the engine until the engine has finished, with the `project` table of the package's pyproject.toml."""
    # Pulumi does the same for programs: a component that fails leaves tasks behind whose errors nobody reads.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    main(Plugin(project), sys.argv[1:])


class Plugin(ComponentProvider):
    """Converts inputs for the components, and reports invalid ones to the engine as a list of properties.

    The SDK's own class (pulumi 3.272) takes a group that is an Output for an empty one, fails on an integer that is an
    Output, drops misspelt properties, and prints a traceback for invalid arguments.
    """

    def __init__(self, project: Mapping[str, Any], components: Mapping[str, Component] = COMPONENTS) -> None:
        super().__init__([each.resource for each in components.values()], project["name"], version=__version__)
        secret_fields = {field for each in components.values() for field in each.declaration.secret_fields}
        self.schema = json.dumps(finalize_schema(self.schema or "{}", project, secret_fields))
        self._registered = {each.resource.__name__: each for each in components.values()}

    def map_inputs(self, inputs: pulumi.Inputs, component_def: ComponentDefinition) -> pulumi.Inputs:
        return to_python(self._registered[component_def.name].declaration.args, inputs)

    def construct(
        self, name: str, resource_type: str, inputs: pulumi.Inputs, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        component = self._registered[resource_type.rpartition(":")[2]]
        try:
            result = super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, InvalidArguments):
                raise _input_errors(component, error.inner, inputs) from None
            raise
        return ConstructResult(_urn_when_valid(component, inputs, result), result.state)


async def _urn_when_valid(component: Component, inputs: pulumi.Inputs, result: ConstructResult) -> str:
    """Resolves after the outputs, so that problems in inputs that are resolved late are reported."""
    try:
        await pulumi.Output.all(**result.state).future()
    except InvalidArguments as error:
        raise _input_errors(component, error, inputs) from None
    return cast("str", await cast("pulumi.Output[str]", result.urn).future())


def _input_errors(component: Component, error: InvalidArguments, inputs: pulumi.Inputs) -> pulumi.InputPropertiesError:
    """Makes an error whose list of properties the engine prints; of a RunError it would print the message only."""
    return pulumi.InputPropertiesError(
        error.title,
        [
            {"property_path": _property_path(component, issue, inputs), "reason": issue.text(to_camel_case)}
            for issue in error.issues
        ],
    )


def _property_path(component: Component, issue: Issue, inputs: pulumi.Inputs) -> str:
    """Writes the path so that the engine prints no key: it prints the value that it finds there, even a secret one."""
    path = issue.location(to_camel_case)
    outermost = Issue(issue.path[:1], "").location(to_camel_case)
    return path if outermost not in inputs or component.is_public(issue.path) else f"`{path}`"
