"""From a stack's config to the arguments of its components. Names in a stack file are in camelCase."""

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, cast

import pulumi
from pulumi.runtime import config as runtime_config

from .openai_compatible_llm import OpenAICompatibleLLMArgs
from .openai_compatible_llm.problems import Problem, nearest
from .openai_compatible_llm.resolution import settings_from, uses_tls
from .openai_compatible_llm.settings import Settings
from .openai_compatible_llm.shape import in_snake_case
from .openai_compatible_llm.validation import find_problems

PROVIDERS = "providers"
GATEWAY = "gateway"
API = "api"
NAMESPACE = "namespace"

_HOST_SOURCES = ("preset", "baseUrl", "host")
_OTHER_KEY_SOURCES = ("apiKeySecret", "passthrough")


class InvalidStackConfig(pulumi.RunError):
    """Config that the program can't use: one message that names every problem, shown without a traceback."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))


def components_of(config: pulumi.Config, environment: Mapping[str, str]) -> dict[str, OpenAICompatibleLLMArgs]:
    """The components that the stack's config asks for: the arguments of each, by its name.

    Args:
        config: The project's config. A key under `providers` is a component's name and, where none of `preset`,
            `baseUrl` and `host` says otherwise, its preset; what stands under it are the arguments. `gateway`,
            `namespace` and `api` hold for all that name none.
        environment: Environment variables. A provider `mistral` that says nothing of a key has it from
            `MISTRAL_API_KEY`.

    Raises:
        InvalidStackConfig: With every problem of every provider, and where two providers would have one route.
    """
    problems = list(_unknown_keys(config))
    providers = _object(config, PROVIDERS)
    defaults = {GATEWAY: _object(config, GATEWAY), NAMESPACE: config.get(NAMESPACE), API: config.get(API)}
    if not providers:
        example = "pulumi config set --path 'providers.mistral.model' mistral-medium-latest"
        raise InvalidStackConfig([*problems, f"Stack {pulumi.get_stack()} names no provider. Name one: {example}"])
    components = {}
    for name, given in providers.items():
        args = _completed(name, given, defaults, environment)
        found = list(_problems(name, given, args))
        if not found:
            components[name] = _arguments(args)
        problems += found
    problems += _shared_routes(components)
    if problems:
        raise InvalidStackConfig(problems)
    _warn_of_plain_keys(config, providers)
    return components


def api_key_variable(name: str) -> str:
    """The environment variable with a provider's key: `MISTRAL_API_KEY` for `mistral`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_API_KEY"


def needs_api_key(given: object) -> bool:
    """Whether what stands under a provider leaves its key to the environment."""
    return not (isinstance(given, dict) and any(given.get(source) for source in ("apiKey", *_OTHER_KEY_SOURCES)))


_ARGS = cast("type", OpenAICompatibleLLMArgs)


def _unknown_keys(config: pulumi.Config) -> Iterator[str]:
    known = (PROVIDERS, GATEWAY, NAMESPACE, API)
    for key in sorted({*runtime_config.CONFIG.get(), *runtime_config.get_config_env()}):
        namespace, _, name = key.partition(":")
        if namespace == config.name and name not in known:
            yield _line(Problem((key,), f"there is no such setting; {nearest(name, known)}"))


def _object(config: pulumi.Config, key: str) -> dict[str, Any]:
    expected = f"Stack {pulumi.get_stack()}: {config.name}:{key} must be a group of settings"
    try:
        value = config.get_object(key)
    except pulumi.ConfigTypeError:
        # Pulumi's own message holds the value, and with it the keys.
        raise InvalidStackConfig([f"{expected}, and what stands there is none."]) from None
    if value is not None and not isinstance(value, dict):
        raise InvalidStackConfig([f"{expected}, not a {type(value).__name__}."])
    return value or {}


def _completed(name: str, given: object, defaults: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The arguments, with what the stack and the environment say for them."""
    own = dict(given) if isinstance(given, dict) else {}
    args = {setting: value for setting, value in defaults.items() if value} | own
    if not any(args.get(source) for source in _HOST_SOURCES):
        args["preset"] = name
    if needs_api_key(given) and (key := environment.get(api_key_variable(name))):
        args["apiKey"] = key
    return args


def _arguments(args: dict[str, Any]) -> OpenAICompatibleLLMArgs:
    """As a Python program writes them, with the key a secret from here on."""
    named = in_snake_case(_ARGS, args)
    if named.get("api_key"):
        named["api_key"] = pulumi.Output.secret(named["api_key"])
    return cast("OpenAICompatibleLLMArgs", named)


def _problems(name: str, given: object, args: dict[str, Any]) -> Iterator[str]:
    if given is not None and not isinstance(given, dict):
        yield _line(Problem((PROVIDERS, name), "its settings stand under it, such as model: ..."))
        return
    no_key = needs_api_key(given) and "apiKey" not in args
    for problem in find_problems(name, args, in_camel_case=True):
        if no_key and problem.argument == ("apiKey",):
            yield _no_key(name)
        else:
            yield _line(Problem((PROVIDERS, name, *problem.argument), problem.reason))


def _line(problem: Problem) -> str:
    return f"Stack {pulumi.get_stack()}: {problem}"


def _no_key(name: str) -> str:
    stack = pulumi.get_stack()
    return (
        f"Stack {stack} has no API key for provider {name}. Give it with "
        f"`pulumi config set -s {stack} --secret --path 'providers.{name}.apiKey'`, "
        f"or in the environment as {api_key_variable(name)}."
    )


def _shared_routes(components: Mapping[str, OpenAICompatibleLLMArgs]) -> Iterator[str]:
    settings = [settings_from(name, args, tls_expected=uses_tls(args)) for name, args in components.items()]
    for one, other in combinations(settings, 2):
        if _same_route(one, other):
            name = other.names.component
            at = f'"{one.route_path}" at the Gateway {one.gateway.namespace}/{one.gateway.name}'
            reason = f"{at} is the route of provider {one.names.component} already; give another"
            yield _line(Problem((PROVIDERS, name, "routePath"), reason))


def _same_route(one: Settings, other: Settings) -> bool:
    def meet(ones: set[str], others: set[str]) -> bool:
        return not ones or not others or bool(ones & others)

    return (
        (one.gateway.namespace, one.gateway.name) == (other.gateway.namespace, other.gateway.name)
        and one.route_path == other.route_path
        and meet({one.gateway.section_name or ""} - {""}, {other.gateway.section_name or ""} - {""})
        and meet(set(one.hostnames), set(other.hostnames))
    )


def _warn_of_plain_keys(config: pulumi.Config, providers: Mapping[str, Any]) -> None:
    if runtime_config.is_config_secret(config.full_key(PROVIDERS)):
        return
    for name, given in providers.items():
        if isinstance(given, dict) and given.get("apiKey"):
            pulumi.log.warn(
                f"Stack {pulumi.get_stack()} has the API key of provider {name} in plain text in its file. Encrypt it: "
                f"pulumi config set --secret --path 'providers.{name}.apiKey'"
            )
