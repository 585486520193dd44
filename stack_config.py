"""Reads a stack's config into the arguments of its components. Stack files spell names in camelCase."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, cast

import pulumi
from pulumi.runtime import config as runtime_config

from components import OpenAICompatibleLLMArgs
from components.openai_compatible_llm import BackendApi
from components.openai_compatible_llm.inputs import (
    DECLARED,
    HOST_SOURCES,
    KEY_SOURCES,
    InvalidArguments,
    Issue,
    parse,
    suggestion,
    to_camel_case,
    to_python,
)
from components.openai_compatible_llm.settings import Gateway, Settings

PROVIDERS = "providers"
GATEWAY = "gateway"
NAMESPACE = "namespace"
API = "api"
SETTINGS = (PROVIDERS, GATEWAY, NAMESPACE, API)


class InvalidStackConfig(pulumi.RunError):
    """Reports every problem with a stack's config in one message, which Pulumi shows without a traceback."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class Placement:
    """Says where a provider's objects go.

    Attributes:
        api: The gateway API of its backend.
        namespace: Namespace of all its objects.
        gateway: The Gateway that its route attaches to.
    """

    api: BackendApi
    namespace: str
    gateway: Gateway


def load_providers(config: pulumi.Config, environment: Mapping[str, str]) -> dict[str, OpenAICompatibleLLMArgs]:
    """Returns the arguments of each component that the stack's config asks for, by its name.

    Args:
        config: The project's config. A key under `providers` is a component's name and, unless `preset`, `baseUrl` or
            `host` is given, its preset. `gateway`, `namespace` and `api` hold for all providers that give none.
        environment: Environment variables. A provider `mistral` without a key in the config gets the one of
            `MISTRAL_API_KEY`.

    Raises:
        InvalidStackConfig: With every problem of every provider, route conflicts included.
    """
    problems = list(_unknown_settings(config))
    providers = _group(config, PROVIDERS)
    defaults = {GATEWAY: _group(config, GATEWAY), NAMESPACE: config.get(NAMESPACE), API: config.get(API)}
    if not providers:
        example = "pulumi config set --path 'providers.mistral.model' mistral-medium-latest"
        raise InvalidStackConfig(
            [*problems, f"Stack {pulumi.get_stack()} has no providers. Add one, for example: {example}"]
        )
    arguments, settings = {}, []
    for name, given in providers.items():
        if given is not None and not isinstance(given, Mapping):
            problems.append(f"{_location(name)}: must be a group of settings, such as {{model: ...}}")
            continue
        args = _arguments(name, given or {}, defaults, environment)
        try:
            settings.append(cast("Settings", parse(name, args).settings))
        except InvalidArguments as error:
            lacks_key = needs_api_key(given) and "api_key" not in args
            problems += [_problem(name, issue, lacks_key=lacks_key) for issue in error.issues]
        else:
            arguments[name] = _with_secret_key(args)
    problems += _route_conflicts(settings)
    if problems:
        raise InvalidStackConfig(problems)
    _warn_of_plain_text_keys(config, providers)
    return arguments


def read_placements(config: Mapping[str, Any], project: str) -> dict[str, Placement]:
    """Reads from a stack file where each provider's objects go, without running the program.

    Leaves out a provider whose gateway, namespace or API the program refuses.

    Args:
        config: What stands under `config` in the stack's file, and what Pulumi.yaml has for all stacks.
        project: Name of the Pulumi project.
    """
    defaults = {
        GATEWAY: _group_in(config, project, GATEWAY),
        NAMESPACE: config.get(f"{project}:{NAMESPACE}"),
        API: config.get(f"{project}:{API}"),
    }
    placements = {}
    for name, given in _group_in(config, project, PROVIDERS).items():
        args = _arguments(str(name), given if isinstance(given, Mapping) else {}, defaults, {})
        place = {key: value for key, value in args.items() if key in defaults}
        try:
            inputs = parse(str(name), {**place, "host": "any.example.com", "passthrough": True})
        except InvalidArguments:
            continue
        settings = cast("Settings", inputs.settings)
        placements[str(name)] = Placement(inputs.plan.api, settings.namespace, settings.gateway)
    return placements


def read_key_variables(config: Mapping[str, Any], project: str) -> list[str]:
    """Reads from a stack file which environment variables the program takes API keys from.

    Args:
        config: What stands under `config` in the stack's file, and what Pulumi.yaml has for all stacks.
        project: Name of the Pulumi project.
    """
    providers = _group_in(config, project, PROVIDERS)
    return [api_key_variable(str(name)) for name, given in providers.items() if needs_api_key(given)]


def api_key_variable(name: str) -> str:
    """Returns the environment variable of a provider's key: `MISTRAL_API_KEY` for `mistral`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_API_KEY"


def needs_api_key(given: object) -> bool:
    """Tells whether a provider's config leaves the key to the environment."""
    return not (isinstance(given, Mapping) and any(given.get(to_camel_case(source)) for source in KEY_SOURCES))


def _arguments(
    name: str, given: Mapping[str, Any], defaults: Mapping[str, Any], environment: Mapping[str, str]
) -> dict[Any, Any]:
    """Returns a provider's arguments, completed from the stack's settings and the environment."""
    args = to_python(DECLARED, {key: value for key, value in defaults.items() if value} | dict(given))
    if not any(map(args.get, HOST_SOURCES)):
        args["preset"] = name
    if needs_api_key(given) and (key := environment.get(api_key_variable(name))):
        args["api_key"] = key
    return args


def _with_secret_key(args: dict[Any, Any]) -> OpenAICompatibleLLMArgs:
    """Makes the key a secret from here on: `Config.get_object` returned it in plain text."""
    secret = {"api_key": pulumi.Output.secret(args["api_key"])} if args.get("api_key") else {}
    return cast("OpenAICompatibleLLMArgs", args | secret)


def _group(config: pulumi.Config, key: str) -> dict[str, Any]:
    expected = f"Stack {pulumi.get_stack()}: {config.name}:{key} must be a group of settings"
    try:
        value = config.get_object(key)
    except pulumi.ConfigTypeError:
        # Pulumi's own message quotes the value, and with it the keys.
        raise InvalidStackConfig([f"{expected}, and its value is not."]) from None
    if value is not None and not isinstance(value, dict):
        raise InvalidStackConfig([f"{expected}, not a {type(value).__name__}."])
    return value or {}


def _group_in(config: Mapping[str, Any], project: str, key: str) -> dict[str, Any]:
    """Returns a group of settings in a stack file, which may be JSON there; an empty one where it is no group."""
    value = config.get(f"{project}:{key}")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _unknown_settings(config: pulumi.Config) -> Iterator[str]:
    for key in sorted({*runtime_config.CONFIG.get(), *runtime_config.get_config_env()}):
        namespace, _, name = key.partition(":")
        if namespace == config.name and name not in SETTINGS:
            yield f"Stack {pulumi.get_stack()}: {key}: unknown setting; {suggestion(name, SETTINGS, 'settings')}"


def _location(name: str) -> str:
    return f"Stack {pulumi.get_stack()}: {PROVIDERS}.{name}"


def _problem(name: str, issue: Issue, *, lacks_key: bool) -> str:
    if lacks_key and issue.path == ("api_key",):
        stack = pulumi.get_stack()
        return (
            f"Stack {stack} has no API key for provider {name}. Set it with "
            f"`pulumi config set -s {stack} --secret --path 'providers.{name}.apiKey'`, "
            f"or in the environment as {api_key_variable(name)}."
        )
    return f"{_location(name)}.{issue.location(to_camel_case)}: {issue.text(to_camel_case)}"


def _route_conflicts(settings: list[Settings]) -> Iterator[str]:
    for one, other in combinations(settings, 2):
        if _same_route(one, other):
            gateway = f"{one.gateway.namespace}/{one.gateway.name}"
            yield (
                f'{_location(other.names.component)}.routePath: "{one.route_path}" at the Gateway {gateway} '
                f"is already the route of provider {one.names.component}; give another"
            )


def _same_route(one: Settings, other: Settings) -> bool:
    def overlap(ones: set[str], others: set[str]) -> bool:
        return not ones or not others or bool(ones & others)

    return (
        (one.gateway.namespace, one.gateway.name) == (other.gateway.namespace, other.gateway.name)
        and one.route_path == other.route_path
        and overlap({one.gateway.section_name or ""} - {""}, {other.gateway.section_name or ""} - {""})
        and overlap(set(one.hostnames), set(other.hostnames))
    )


def _warn_of_plain_text_keys(config: pulumi.Config, providers: Mapping[str, Any]) -> None:
    if runtime_config.is_config_secret(config.full_key(PROVIDERS)):
        return
    for name, given in providers.items():
        if isinstance(given, Mapping) and given.get("apiKey"):
            pulumi.log.warn(
                f"Stack {pulumi.get_stack()} has the API key of provider {name} in plain text in its file. Encrypt it: "
                f"pulumi config set --secret --path 'providers.{name}.apiKey'"
            )
