"""Defines what a stack's config is read into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import pulumi

from components import OpenAICompatibleGatewayArgs, OpenAICompatibleLLMArgs
from components.openai_compatible_llm.arguments import Issue, Key, Path
from components.openai_compatible_llm.inputs import Inputs, gateway_placement_of, placement_of, shared_path_of
from components.openai_compatible_llm.settings import GatewayPlan, GatewaySettings, Placement, Plan, Settings

PROVIDERS = "providers"
SHARED = "shared"
GATEWAY = "gateway"
NAMESPACE = "namespace"
API = "api"
CLIENTS = "clients"
CLIENTS_SECRET = "clientsSecret"  # noqa: S105 (a setting's name)
CLIENT_SOURCES = (CLIENTS, CLIENTS_SECRET)
CLIENT_AUTH_HEADER = "clientAuthHeader"
RATE_LIMIT_SERVICE = "rateLimitService"
CLIENT_SETTINGS = (*CLIENT_SOURCES, CLIENT_AUTH_HEADER, RATE_LIMIT_SERVICE)
SETTINGS = (PROVIDERS, SHARED, GATEWAY, NAMESPACE, API, *CLIENT_SETTINGS)


class InvalidStackConfig(pulumi.RunError):
    """Reports every problem with a stack's config in one message, which Pulumi shows without a traceback."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class KeyPlace:
    """Says where the API key of one provider belongs.

    Attributes:
        owner: Whose key it is, in words.
        group: The provider's arguments.
        path: Path of that group in the component's arguments; empty for the component's own.
        variables: Environment variables that may hold the key; the first one that is set counts.
    """

    owner: str
    group: dict[Any, Any] = field(repr=False)
    path: Path
    variables: tuple[str, ...]


@dataclass
class Provider:
    """One provider of a stack.

    Attributes:
        config: What the stack's file says of it alone.
        args: The component's arguments, completed from the stack's settings and the environment.
        key_places: Where keys belong that the config leaves out.
        inputs: The arguments, parsed; None if something is wrong with them.
    """

    name: str
    config: dict[str, Any]
    args: dict[Any, Any]
    key_places: list[KeyPlace]
    issues: Sequence[Issue] = ()
    inputs: Inputs[Plan, Settings] | None = None

    @property
    def location(self) -> str:
        """Where it stands, as messages begin."""
        return f"Stack {pulumi.get_stack()}: {Issue((PROVIDERS, Key(self.name)), '').location()}"

    @cached_property
    def placement(self) -> Placement | None:
        """Where its objects go; None if that isn't valid, whatever else is."""
        return placement_of(self.args)

    @property
    def settings(self) -> Settings:
        """Its settings, if they are valid; no config has Outputs."""
        return cast("Settings", cast("Inputs[Plan, Settings]", self.inputs).settings)


@dataclass
class Shared:
    """The group `shared`: what the stack's providers have in common at one base URL.

    Attributes:
        config: What the stack's file says of it alone.
        args: The component's arguments, completed from the stack's settings.
        inputs: The arguments, parsed; None if something is wrong with them.
    """

    name: Any
    config: Mapping[str, Any]
    args: dict[Any, Any]
    issues: Sequence[Issue] = ()
    inputs: Inputs[GatewayPlan, GatewaySettings] | None = None

    @property
    def location(self) -> str:
        """Where it stands, as messages begin."""
        return f"Stack {pulumi.get_stack()}: {SHARED}"

    @cached_property
    def placement(self) -> Placement | None:
        """Where its objects go; None if that isn't valid, whatever else is."""
        return gateway_placement_of(self.args)

    @cached_property
    def path(self) -> str | None:
        """The shared path; None if that isn't valid."""
        return shared_path_of(self.args)

    @property
    def settings(self) -> GatewaySettings:
        """Its settings, if they are valid; no config has Outputs."""
        return cast("GatewaySettings", cast("Inputs[GatewayPlan, GatewaySettings]", self.inputs).settings)


@dataclass(frozen=True)
class Stack:
    """The components that a stack's config asks for: each one's arguments by its name.

    Attributes:
        gateways: One if the providers share a base URL, else none.
    """

    providers: dict[str, OpenAICompatibleLLMArgs]
    gateways: dict[str, OpenAICompatibleGatewayArgs]
