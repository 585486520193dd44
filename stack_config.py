"""Reads a stack's config into the arguments of its components. Stack files spell names in camelCase."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, cast

import pulumi
from pulumi.runtime import config as runtime_config

from components import InvalidArguments, OpenAICompatibleLLMArgs
from components.openai_compatible_llm.arguments import Issue, Key, Path
from components.openai_compatible_llm.arguments.cases import respell, to_camel_case
from components.openai_compatible_llm.arguments.conversion import to_python
from components.openai_compatible_llm.arguments.suggestions import closest, suggestion
from components.openai_compatible_llm.config_command import config_command
from components.openai_compatible_llm.inputs import DECLARATION, HOST_SOURCES, KEY_SOURCES, Inputs, parse
from components.openai_compatible_llm.inputs.advice import argument_advice, sentence
from components.openai_compatible_llm.presets import PRESETS
from components.openai_compatible_llm.route_conflicts import taken_path
from components.openai_compatible_llm.settings import Plan, Settings

PROVIDERS = "providers"
GATEWAY = "gateway"
NAMESPACE = "namespace"
API = "api"
CLIENT_KEYS = "clientApiKeys"
CLIENT_KEYS_SECRET = "clientApiKeysSecret"  # noqa: S105 (a setting's name)
CLIENT_SETTINGS = (CLIENT_KEYS, CLIENT_KEYS_SECRET)
SETTINGS = (PROVIDERS, GATEWAY, NAMESPACE, API, *CLIENT_SETTINGS)


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

    @property
    def settings(self) -> Settings:
        """Its settings, if they are valid; no config has Outputs."""
        return cast("Settings", cast("Inputs[Plan, Settings]", self.inputs).settings)


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
    stack = pulumi.get_stack()
    configured = _group(config, PROVIDERS)
    groups = {key: _group(config, key) for key in (CLIENT_KEYS, GATEWAY, CLIENT_KEYS_SECRET)}
    defaults = {**groups, NAMESPACE: config.get(NAMESPACE), API: config.get(API)}
    clients = groups[CLIENT_KEYS]
    problems = list(_unknown_settings(config))
    if clients == {} and config.get(CLIENT_KEYS) is not None:
        # Taken for no setting, it would open the routes of all providers.
        command = f"pulumi config rm -s {stack} {config.full_key(CLIENT_KEYS)}"
        problems.append(f"Stack {stack}: {CLIENT_KEYS}: empty; give a client's key, or let anyone call: {command}")
    if not configured:
        example = f"{config_command('set', stack, (PROVIDERS, 'mistral', 'model'))} mistral-medium-latest"
        problems.append(f"Stack {stack} has no providers. Add one, for example: {example}")
        raise InvalidStackConfig(problems)
    providers = [read_provider(name, group, defaults) for name, group in configured.items()]
    for provider in providers:
        if not isinstance(configured[provider.name], Mapping | None):
            problems.append(f"{provider.location}: must be a group of settings, such as {{model: ...}}")
        else:
            _parse(provider, environment)
    problems += [*_issues(providers), *_conflicts(providers)]
    if problems:
        raise InvalidStackConfig(problems)
    _warn_of_plain_text_keys(config, providers, clients)
    return {provider.name: _with_secret_keys(provider.name, provider.args) for provider in providers}


def read_provider(name: str, configured: object, defaults: Mapping[str, Any]) -> Provider:
    """Reads what a stack's file says of a provider and of all, without the keys in the environment."""
    config = configured if isinstance(configured, dict) else {}
    inherited = {key: value for key, value in defaults.items() if value}
    if any(config.get(key) is not None for key in CLIENT_SETTINGS):
        inherited = {key: value for key, value in inherited.items() if key not in CLIENT_SETTINGS}
    args = to_python(DECLARATION.args, inherited | dict(config))
    for label, _, _, group in _with_fallbacks(name, args):
        if label and not any(map(group.get, HOST_SOURCES)):
            group["preset"] = label
    return Provider(name, config, args, key_places(name, args))


def key_places(name: str, args: dict[Any, Any]) -> list[KeyPlace]:
    """Returns the places of the API keys that a component's arguments leave out."""
    return [
        KeyPlace(owner, group, path, _variables(f"{name}-{label}" if path else name, group))
        for label, owner, path, group in _with_fallbacks(name, args)
        if isinstance(label, str) and not any(map(group.get, KEY_SOURCES))
    ]


def api_key_variable(name: str) -> str:
    """Returns the environment variable of a provider's key: `MISTRAL_API_KEY` for `mistral`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_API_KEY"


def _variables(name: str, args: Mapping[Any, Any]) -> tuple[str, ...]:
    """Its own variable, else its preset's, so that several providers can share a key."""
    preset = args.get("preset")
    names = [name, preset] if isinstance(preset, str) else [name]
    return tuple(dict.fromkeys(map(api_key_variable, names)))


def _with_fallbacks(name: str, args: dict[Any, Any]) -> Iterator[tuple[Any, str, Path, dict[Any, Any]]]:
    """Yields of a provider and each of its fallbacks: the name, the owner of its key, the path, and the settings."""
    yield name, f"provider {name}", (), args
    fallbacks = args.get("fallbacks")
    for index, each in enumerate(fallbacks if isinstance(fallbacks, list) else ()):
        if isinstance(each, dict):
            yield each.get("name"), f"fallback {each.get('name')} of provider {name}", ("fallbacks", index), each


def _parse(provider: Provider, environment: Mapping[str, str]) -> None:
    """Takes the keys that are in the environment, and parses the arguments."""
    for place in provider.key_places:
        place.group["api_key"] = next(filter(None, map(environment.get, place.variables)), None)
    try:
        provider.inputs = parse(provider.name, provider.args)
    except InvalidArguments as error:
        provider.issues = error.issues


def _with_secret_keys(name: str, args: dict[Any, Any]) -> OpenAICompatibleLLMArgs:
    """Makes all keys secrets from here on: `Config.get_object` returned them in plain text."""
    for *_, group in _with_fallbacks(name, args):
        if group.get("api_key"):
            group["api_key"] = pulumi.Output.secret(group["api_key"])
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


def _unknown_settings(config: pulumi.Config) -> Iterator[str]:
    for key in sorted({*runtime_config.CONFIG.get(), *runtime_config.get_config_env()}):
        namespace, _, name = key.partition(":")
        if namespace == config.name and name not in SETTINGS:
            yield f"Stack {pulumi.get_stack()}: {key}: unknown setting; {_setting_advice(name)}"


def _setting_advice(name: str) -> str:
    """Says where a setting belongs: an argument of a provider, or a provider, may have been given to the stack."""
    advice = closest(name, SETTINGS) or (f"{PROVIDERS}.{name}" if name in PRESETS else argument_advice(name))
    if advice is None:
        return suggestion(name, SETTINGS, "settings")
    is_of_provider = " " not in advice and to_camel_case(advice).partition(".")[0] not in SETTINGS
    return respell(sentence(f"{PROVIDERS}.<name>.{advice}" if is_of_provider else advice), to_camel_case)


def _issues(providers: Sequence[Provider]) -> Iterator[str]:
    """Yields what is wrong with each provider, and once for all what is wrong with the clients' keys of the stack."""
    of_stack = defaultdict(list)
    for provider in providers:
        for issue in provider.issues:
            text = f"{issue.location(to_camel_case)}: {issue.text(to_camel_case)}"
            setting = to_camel_case(str(issue.path[0]))
            if setting in CLIENT_SETTINGS and provider.config.get(setting) is None:
                of_stack[f"Stack {pulumi.get_stack()}: {text}"].append(provider.name)
            else:
                yield _missing_key(provider, issue) or f"{provider.location}.{text}"
    for problem, names in of_stack.items():
        yield f"{problem} (providers: {', '.join(names)})"


def _missing_key(provider: Provider, issue: Issue) -> str | None:
    for place in provider.key_places:
        if (*place.path, "api_key") == issue.path and place.group["api_key"] is None:
            path = (PROVIDERS, Key(provider.name), *issue.path)
            return (
                f"Stack {pulumi.get_stack()} has no API key for {place.owner}. Set it with "
                f"`{config_command('set', pulumi.get_stack(), path, '--secret')}`, "
                f"or in the environment as {' or '.join(place.variables)}."
            )
    return None


def _conflicts(providers: Sequence[Provider]) -> Iterator[str]:
    for one, other in combinations([provider for provider in providers if provider.inputs], 2):
        if conflict := _route_conflict(one, other) or _route_conflict(other, one):
            yield conflict
    secrets = ((name, each, each.name) for each in providers if each.inputs for name in each.inputs.secrets)
    for secret, provider, first, _ in _claimed_twice(secrets):
        yield (
            f"{provider.location}: its Secret {secret} would have the name of one of provider {first}; "
            "give the provider or the fallback another name"
        )
    variables = ((place.variables[0], each, place.owner) for each in providers for place in each.key_places)
    for variable, provider, first, second in _claimed_twice(variables):
        yield (
            f"{provider.location}: {variable} would be the variable with the key of {first} and of {second}; "
            "give one of them another name, or its `apiKey`"
        )


def _route_conflict(one: Provider, other: Provider) -> str | None:
    path = taken_path(one.settings, other.settings)
    if path is None:
        return None
    gateway = one.settings.gateway
    at = f'{other.location}.routePath: "{other.settings.route_path}" at the Gateway {gateway.namespace}/{gateway.name}'
    if one.settings.route_path == other.settings.route_path:
        return f"{at} is already the route of provider {one.name}; give another"
    return f"{at} takes the requests that clients of provider {one.name} send to {path}; give another"


def _claimed_twice(claims: Iterable[tuple[str, Provider, str]]) -> Iterator[tuple[str, Provider, str, str]]:
    """Yields each name that an earlier claim has too, with the provider of the later one and both owners."""
    owners: dict[str, str] = {}
    for name, provider, owner in claims:
        if name in owners:
            yield name, provider, owners[name], owner
        owners[name] = owner


def _warn_of_plain_text_keys(config: pulumi.Config, providers: Sequence[Provider], clients: Mapping[str, Any]) -> None:
    for path, owner in _keys_in_config(providers, clients):
        if not runtime_config.is_config_secret(config.full_key(str(path[0]))):
            pulumi.log.warn(
                f"Stack {pulumi.get_stack()} has the API key of {owner} in plain text in its file. Encrypt it: "
                f"{config_command('set', pulumi.get_stack(), path, '--secret')}"
            )


def _keys_in_config(providers: Sequence[Provider], clients: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for client in clients:
        yield (CLIENT_KEYS, Key(client)), f"client {client}"
    for provider in providers:
        place = (PROVIDERS, Key(provider.name))
        for _, owner, path, group in _with_fallbacks(provider.name, provider.config):
            if group.get("apiKey"):
                yield (*place, *path, "apiKey"), owner
        for client in provider.config.get(CLIENT_KEYS) or {}:
            yield (*place, CLIENT_KEYS, Key(client)), f"client {client} of provider {provider.name}"
