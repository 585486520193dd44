"""Reads a stack's config into the arguments of its components. Stack files spell names in camelCase."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, cast

import pulumi
from pulumi.runtime import config as runtime_config

from components import OpenAICompatibleLLMArgs
from components.openai_compatible_llm import BackendApi
from components.openai_compatible_llm.config_command import config_command
from components.openai_compatible_llm.inputs import (
    DECLARED,
    HOST_SOURCES,
    KEY_SOURCES,
    Inputs,
    InvalidArguments,
    Issue,
    Key,
    Path,
    closest,
    parse,
    suggestion,
    to_camel_case,
    to_python,
)
from components.openai_compatible_llm.inputs.advice import advice_text, argument_advice
from components.openai_compatible_llm.presets import PRESETS
from components.openai_compatible_llm.route_conflicts import taken_path
from components.openai_compatible_llm.settings import Gateway, Settings

PROVIDERS = "providers"
GATEWAY = "gateway"
NAMESPACE = "namespace"
API = "api"
CLIENT_KEYS = "clientApiKeys"
CLIENT_KEYS_SECRET = "clientApiKeysSecret"  # noqa: S105 (a setting's name)
CLIENT_SETTINGS = (CLIENT_KEYS, CLIENT_KEYS_SECRET)
SETTINGS = (PROVIDERS, GATEWAY, NAMESPACE, API, CLIENT_KEYS, CLIENT_KEYS_SECRET)


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


@dataclass(frozen=True)
class KeyPlace:
    """Says where the API key of one provider belongs.

    Attributes:
        owner: Whose key it is, in words.
        path: Path of the provider in its component's arguments; empty for the component's own.
        variables: Environment variables that may hold the key; the first one that is set counts.
    """

    owner: str
    path: tuple[str | int, ...]
    variables: tuple[str, ...]


def load_providers(config: pulumi.Config, environment: Mapping[str, str]) -> dict[str, OpenAICompatibleLLMArgs]:
    """Returns the arguments of each component that the stack's config asks for, by its name.

    Args:
        config: The project's config. A key under `providers` is a component's name and, unless `preset`, `baseUrl` or
            `host` is given, its preset; so is the name of a fallback. `gateway`, `namespace`, `api` and the clients'
            keys hold for all providers that give none.
        environment: Environment variables. A provider `mistral` without a key in the config gets the one of
            `MISTRAL_API_KEY`, its fallback `eu` the one of `MISTRAL_EU_API_KEY`, and each else the one of its preset.

    Raises:
        InvalidStackConfig: With every problem of every provider, conflicts between them included.
    """
    problems = list(_unknown_settings(config))
    providers = _group(config, PROVIDERS)
    defaults = {
        GATEWAY: _group(config, GATEWAY),
        NAMESPACE: config.get(NAMESPACE),
        API: config.get(API),
        CLIENT_KEYS: _group(config, CLIENT_KEYS),
        CLIENT_KEYS_SECRET: _group(config, CLIENT_KEYS_SECRET),
    }
    if defaults[CLIENT_KEYS] == {} and config.get(CLIENT_KEYS) is not None:
        # Taken for no setting, it would open the routes of all providers.
        problems.append(_no_clients_left(config))
    if not providers:
        command = config_command("set", pulumi.get_stack(), (PROVIDERS, "mistral", "model"))
        example = f"{command} mistral-medium-latest"
        raise InvalidStackConfig(
            [*problems, f"Stack {pulumi.get_stack()} has no providers. Add one, for example: {example}"]
        )
    arguments, parsed = {}, []
    places: dict[str, list[KeyPlace]] = {}
    of_all_providers: dict[str, list[str]] = {}
    for name, given in providers.items():
        args = _arguments(name, given if isinstance(given, Mapping) else {}, defaults)
        places[name] = key_places(name, args)
        if given is not None and not isinstance(given, Mapping):
            problems.append(f"{_location(name)}: must be a group of settings, such as {{model: ...}}")
            continue
        lacking = [place for place in places[name] if not _take_key(args, place, environment)]
        try:
            parsed.append(parse(name, args))
        except InvalidArguments as error:
            for issue in error.issues:
                if _is_of_the_stack(issue, given or {}):
                    of_all_providers.setdefault(_stack_problem(issue), []).append(name)
                else:
                    problems.append(_problem(name, issue, lacking))
        else:
            arguments[name] = _with_secret_keys(args)
    problems += [f"{problem} (providers: {', '.join(names)})" for problem, names in of_all_providers.items()]
    problems += _route_conflicts([cast("Settings", inputs.settings) for inputs in parsed])
    problems += _name_conflicts(parsed)
    problems += _variable_conflicts(places)
    if problems:
        raise InvalidStackConfig(problems)
    _warn_of_plain_text_keys(config, providers, defaults)
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
        args = _arguments(str(name), given if isinstance(given, Mapping) else {}, defaults)
        place = {key: value for key, value in args.items() if key in defaults}
        try:
            inputs = parse(str(name), {**place, "host": "any.example.com", "passthrough": True})
        except InvalidArguments:
            continue
        settings = cast("Settings", inputs.settings)
        placements[str(name)] = Placement(inputs.plan.api, settings.namespace, settings.gateway)
    return placements


def read_key_variables(config: Mapping[str, Any], project: str) -> list[tuple[str, ...]]:
    """Reads from a stack file which environment variables the program takes API keys from.

    Args:
        config: What stands under `config` in the stack's file, and what Pulumi.yaml has for all stacks.
        project: Name of the Pulumi project.

    Returns:
        For each key the variables that may hold it; the first one that is set counts.
    """
    return [
        place.variables
        for name, given in _group_in(config, project, PROVIDERS).items()
        for place in key_places(str(name), _arguments(str(name), given if isinstance(given, Mapping) else {}, {}))
    ]


def key_places(name: str, args: Mapping[Any, Any]) -> list[KeyPlace]:
    """Returns the places of the API keys that a component's arguments leave out.

    Args:
        name: The component's name.
        args: Its arguments, in Python's spelling.
    """
    places = []
    if not any(map(args.get, KEY_SOURCES)):
        places.append(KeyPlace(f"provider {name}", (), _variables(name, args)))
    for index, fallback in _fallbacks(args):
        label = fallback.get("name")
        if isinstance(label, str) and not any(map(fallback.get, KEY_SOURCES)):
            variables = _variables(f"{name}-{label}", fallback)
            places.append(KeyPlace(f"fallback {label} of provider {name}", ("fallbacks", index), variables))
    return places


def api_key_variable(name: str) -> str:
    """Returns the environment variable of a provider's key: `MISTRAL_API_KEY` for `mistral`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_API_KEY"


def _variables(name: str, args: Mapping[Any, Any]) -> tuple[str, ...]:
    """Its own variable, else its preset's, so that several providers can share a key."""
    preset = args.get("preset")
    names = [name, preset] if isinstance(preset, str) else [name]
    return tuple(dict.fromkeys(map(api_key_variable, names)))


def _arguments(name: str, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[Any, Any]:
    """Returns a provider's arguments, completed from the stack's settings."""
    inherited = {key: value for key, value in defaults.items() if value}
    if any(given.get(key) is not None for key in CLIENT_SETTINGS):
        inherited = {key: value for key, value in inherited.items() if key not in CLIENT_SETTINGS}
    args = to_python(DECLARED, inherited | dict(given))
    for label, provider in ((name, args), *((each.get("name"), each) for _, each in _fallbacks(args))):
        if label and not any(map(provider.get, HOST_SOURCES)):
            provider["preset"] = label
    return args


def _fallbacks(args: Mapping[Any, Any]) -> list[tuple[int, dict[Any, Any]]]:
    """Returns each fallback that is a group of settings, with its place in the list."""
    fallbacks = args.get("fallbacks")
    entries = enumerate(fallbacks) if isinstance(fallbacks, list) else ()
    return [(index, each) for index, each in entries if isinstance(each, dict)]


def _take_key(args: dict[Any, Any], place: KeyPlace, environment: Mapping[str, str]) -> bool:
    """Puts the key from the environment into its place, if there is one."""
    key = next(filter(None, map(environment.get, place.variables)), None)
    if key is not None:
        _at(args, place)["api_key"] = key
    return key is not None


def _at(args: dict[Any, Any], place: KeyPlace) -> dict[Any, Any]:
    group: Any = args
    for part in place.path:
        group = group[part]
    return cast("dict[Any, Any]", group)


def _with_secret_keys(args: dict[Any, Any]) -> OpenAICompatibleLLMArgs:
    """Makes all keys secrets from here on: `Config.get_object` returned them in plain text."""
    for provider in (args, *(each for _, each in _fallbacks(args))):
        if provider.get("api_key"):
            provider["api_key"] = pulumi.Output.secret(provider["api_key"])
    if args.get("client_api_keys"):
        args["client_api_keys"] = {client: pulumi.Output.secret(key) for client, key in args["client_api_keys"].items()}
    return cast("OpenAICompatibleLLMArgs", args)


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
            yield f"Stack {pulumi.get_stack()}: {key}: unknown setting; {_setting_advice(name)}"


def _setting_advice(name: str) -> str:
    """Says where a setting belongs: an argument of a provider, or a provider, may have been given to the stack."""
    meant = closest(name, SETTINGS) or (f"{PROVIDERS}.{name}" if name in PRESETS else argument_advice(name))
    if meant is None:
        return suggestion(name, SETTINGS, "settings")
    is_of_provider = " " not in meant and to_camel_case(meant).partition(".")[0] not in SETTINGS
    return advice_text(f"{PROVIDERS}.<name>.{meant}" if is_of_provider else meant, to_camel_case)


def _location(name: str) -> str:
    return f"Stack {pulumi.get_stack()}: {Issue((PROVIDERS, Key(name)), '').location()}"


def _problem(name: str, issue: Issue, lacking: Sequence[KeyPlace]) -> str:
    place = next((each for each in lacking if (*each.path, "api_key") == issue.path), None)
    if place is None:
        return f"{_location(name)}.{issue.location(to_camel_case)}: {issue.text(to_camel_case)}"
    command = config_command("set", pulumi.get_stack(), (PROVIDERS, Key(name), *issue.path), "--secret")
    return (
        f"Stack {pulumi.get_stack()} has no API key for {place.owner}. Set it with `{command}`, "
        f"or in the environment as {' or '.join(place.variables)}."
    )


def _is_of_the_stack(issue: Issue, given: Mapping[str, Any]) -> bool:
    """Tells whether the issue is with the clients' keys of the stack."""
    setting = to_camel_case(str(issue.path[0]))
    return setting in CLIENT_SETTINGS and given.get(setting) is None


def _stack_problem(issue: Issue) -> str:
    return f"Stack {pulumi.get_stack()}: {issue.location(to_camel_case)}: {issue.text(to_camel_case)}"


def _no_clients_left(config: pulumi.Config) -> str:
    return (
        f"Stack {pulumi.get_stack()}: {CLIENT_KEYS}: empty; give a client's key, or let anyone call: "
        f"pulumi config rm -s {pulumi.get_stack()} {config.name}:{CLIENT_KEYS}"
    )


def _route_conflicts(settings: list[Settings]) -> Iterator[str]:
    for pair in combinations(settings, 2):
        for one, other in (pair, pair[::-1]):
            if path := taken_path(one, other):
                yield _route_conflict(one, other, path)
                break


def _route_conflict(one: Settings, other: Settings, path: str) -> str:
    at = f'{_location(other.names.component)}.routePath: "{other.route_path}" at the Gateway '
    at += f"{one.gateway.namespace}/{one.gateway.name}"
    if one.route_path == other.route_path:
        return f"{at} is already the route of provider {one.names.component}; give another"
    return f"{at} takes the requests that clients of provider {one.names.component} send to {path}; give another"


def _name_conflicts(parsed: Sequence[Inputs]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for inputs in parsed:
        for secret in inputs.secret_names.values():
            if secret in owners:
                yield (
                    f"{_location(inputs.name)}: its Secret {secret} would have the name of one of provider "
                    f"{owners[secret]}; give the provider or the fallback another name"
                )
            owners[secret] = inputs.name


def _variable_conflicts(places: Mapping[str, Sequence[KeyPlace]]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for name, of_provider in places.items():
        for place in of_provider:
            variable = place.variables[0]
            if variable in owners:
                yield (
                    f"{_location(name)}: {variable} would be the variable with the key of {owners[variable]} and of "
                    f"{place.owner}; give one of them another name, or its `apiKey`"
                )
            owners[variable] = place.owner


def _warn_of_plain_text_keys(config: pulumi.Config, providers: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    of_stack = [((CLIENT_KEYS, Key(client)), f"client {client}") for client in defaults[CLIENT_KEYS]]
    of_providers = [
        ((PROVIDERS, Key(name), *path), owner)
        for name, given in providers.items()
        if isinstance(given, Mapping)
        for path, owner in _plain_text_keys(name, given)
    ]
    for setting, keys in ((CLIENT_KEYS, of_stack), (PROVIDERS, of_providers)):
        if runtime_config.is_config_secret(config.full_key(setting)):
            continue
        for path, owner in keys:
            pulumi.log.warn(
                f"Stack {pulumi.get_stack()} has the API key of {owner} in plain text in its file. Encrypt it: "
                f"{config_command('set', pulumi.get_stack(), path, '--secret')}"
            )


def _plain_text_keys(name: str, given: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    if given.get("apiKey"):
        yield ("apiKey",), f"provider {name}"
    for index, fallback in _fallbacks(given):
        if fallback.get("apiKey"):
            yield ("fallbacks", index, "apiKey"), f"fallback {fallback.get('name')} of provider {name}"
    for client in given.get(CLIENT_KEYS) or {}:
        yield (CLIENT_KEYS, Key(client)), f"client {client} of provider {name}"
