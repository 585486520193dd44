"""From a stack's config to the arguments of its components. Names in a stack file are in camelCase."""

import re
from collections.abc import Mapping
from typing import Any, cast

import pulumi

from .openai_compatible_llm import OpenAICompatibleLLMArgs


class InvalidStackConfig(pulumi.RunError):
    """Config that says nothing the program can use: one message that names every problem, shown without a traceback."""


def components_of(config: pulumi.Config, environment: Mapping[str, str]) -> dict[str, OpenAICompatibleLLMArgs]:
    """The components that the stack's config asks for: the arguments of each, by its name.

    Args:
        config: The project's config. A key under `providers` is a component's name and, where neither `preset` nor
            `host` says otherwise, its preset; what stands under it are the arguments. `gateway` holds for all.
        environment: Environment variables. A provider `mistral` without an `apiKey` in the config has it from
            `MISTRAL_API_KEY`.

    Raises:
        InvalidStackConfig: Where there are no providers, or one has no key.
    """
    providers = _object(config, "providers")
    gateway = _object(config, "gateway")
    if not providers:
        raise InvalidStackConfig(
            f"Stack {pulumi.get_stack()} names no provider. Name one: "
            f"pulumi config set --path 'providers.mistral.model' mistral-medium-latest"
        )
    components = {name: _arguments(name, given, gateway, environment) for name, given in providers.items()}
    without_key = [_no_key(name) for name, args in components.items() if "api_key" not in args]
    if without_key:
        raise InvalidStackConfig("\n".join(without_key))
    return components


def api_key_variable(name: str) -> str:
    """The environment variable with a provider's key: `MISTRAL_API_KEY` for `mistral`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_API_KEY"


def _object(config: pulumi.Config, key: str) -> dict[str, Any]:
    expected = f"Stack {pulumi.get_stack()}: {config.name}:{key} must be a group of settings"
    try:
        value = config.get_object(key)
    except pulumi.ConfigTypeError:
        # Pulumi's own message holds the value, and with it the keys.
        raise InvalidStackConfig(f"{expected}, and what stands there is none.") from None
    if value is not None and not isinstance(value, dict):
        raise InvalidStackConfig(f"{expected}, not a {type(value).__name__}.")
    return value or {}


def _arguments(
    name: str, given: object, gateway: dict[str, Any], environment: Mapping[str, str]
) -> OpenAICompatibleLLMArgs:
    if given is not None and not isinstance(given, dict):
        raise InvalidStackConfig(
            f"Stack {pulumi.get_stack()}: what stands under providers.{name} must be its settings, such as model: ..."
        )
    args = _snake_case_keys(given or {})
    if "preset" not in args and "host" not in args:
        args["preset"] = name
    if gateway:
        args.setdefault("gateway", _snake_case_keys(gateway))
    key = args.get("api_key") or environment.get(api_key_variable(name))
    if key:
        args["api_key"] = pulumi.Output.secret(key)
    return cast("OpenAICompatibleLLMArgs", args)


def _no_key(name: str) -> str:
    stack = pulumi.get_stack()
    return (
        f"Stack {stack} has no API key for provider {name}. Give it with "
        f"`pulumi config set -s {stack} --secret --path 'providers.{name}.apiKey'`, "
        f"or in the environment as {api_key_variable(name)}."
    )


def _snake_case_keys(given: dict[str, Any]) -> dict[str, Any]:
    return {
        re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), key): _snake_case_keys(value)
        if isinstance(value, dict)
        else value
        for key, value in given.items()
    }
