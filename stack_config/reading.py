"""Reads a stack's config into the arguments of its components. Stack files spell names in camelCase."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import pulumi
from pulumi.runtime import config as runtime_config

from components import BackendApi, InvalidArguments, OpenAICompatibleGatewayArgs
from components.openai_compatible_llm.arguments import Issue
from components.openai_compatible_llm.arguments.cases import respell, to_camel_case
from components.openai_compatible_llm.arguments.conversion import to_python, without_nones
from components.openai_compatible_llm.arguments.suggestions import closest, suggestion
from components.openai_compatible_llm.config_command import config_command
from components.openai_compatible_llm.inputs import (
    DECLARATION,
    GATEWAY_DECLARATION,
    HOST_SOURCES,
    WITHOUT_SHARED_PATH,
    parse,
    parse_gateway,
)
from components.openai_compatible_llm.inputs.advice import argument_advice, sentence
from components.openai_compatible_llm.presets import PRESETS
from components.openai_compatible_llm.route_conflicts import meets

from .api_keys import (
    key_places,
    keys_at_two_hosts,
    missing_key,
    warn_of_plain_text_keys,
    with_fallbacks,
    with_secret_client_keys,
    with_secret_keys,
)
from .clients import keys_of_other_providers, uncounted_limits, warn_of_clients
from .conflicts import conflicts
from .records import (
    API,
    CLIENT_SETTINGS,
    CLIENT_SOURCES,
    CLIENTS,
    GATEWAY,
    NAMESPACE,
    PROVIDERS,
    SETTINGS,
    SHARED,
    InvalidStackConfig,
    Provider,
    Shared,
    Stack,
)

DEFAULT_SHARED_NAME = "llm"
UNSHARED_MODELS = (
    "has no effect without a shared path; give the stack `shared.routePath` at this provider's Gateway, or, if another "
    "stack has `shared`, give `sharedRoutePath`"
)


def load_stack(config: pulumi.Config, environment: Mapping[str, str]) -> Stack:
    """Returns the arguments of each component that the stack's config asks for.

    Args:
        config: The project's config. A key under `providers` is a component's name and, unless `preset`, `baseUrl` or
            `host` is given, its preset; so is the name of a fallback. `gateway`, `namespace`, `api` and all about
            clients hold for the components that give none. With `shared`, providers that give `models` or
            `modelAliases` share its `routePath`.
        environment: Environment variables. A provider `mistral` without a key in the config gets the one of
            `MISTRAL_API_KEY`, and its fallback `eu` the one of `MISTRAL_EU_API_KEY`. If that isn't set, each gets the
            one of its preset, unless `host` or `baseUrl` leads to another host than the preset's.

    Raises:
        InvalidStackConfig: With every problem of every component, conflicts between them included.
    """
    stack = pulumi.get_stack()
    configured = _group(config, PROVIDERS) or {}
    groups = {key: _group(config, key) for key in (GATEWAY, *CLIENT_SETTINGS)}
    defaults = {**groups, NAMESPACE: config.get(NAMESPACE), API: config.get(API)}
    clients = groups[CLIENTS] or {}
    problems = list(_unknown_settings(config))
    if groups[CLIENTS] == {}:
        # Taken for no setting, it would open the routes of all providers.
        defaults[CLIENTS] = None
        command = f"pulumi config rm -s {stack} {config.full_key(CLIENTS)}"
        problems.append(f"Stack {stack}: {CLIENTS}: empty; give a client, or let anyone call: {command}")
    configured_shared = _group(config, SHARED)
    shared = None if configured_shared is None else read_shared(configured_shared, defaults)
    if not configured and not shared:
        example = f"{config_command('set', stack, (PROVIDERS, 'mistral', 'model'))} mistral-medium-latest"
        problems.append(f"Stack {stack} has no providers. Add one, for example: {example}")
        raise InvalidStackConfig(problems)
    providers = [read_provider(name, group, defaults) for name, group in configured.items()]
    for provider in providers:
        if not isinstance(configured[provider.name], Mapping | None):
            problems.append(f"{provider.location}: must be a group of settings, such as {{model: ...}}")
        else:
            if shared:
                _join(provider, shared)
            _parse(provider, environment)
    if shared:
        problems += _parse_shared(shared, providers)
    problems += _issues(providers, shared)
    if shared and not providers and (api := defaults[API]) not in (None, BackendApi.AGENTGATEWAY):
        reason = "can't route a request by its model, which `shared` needs"
        problems.append(f'Stack {stack}: {API}: "{api}" {reason}; give {BackendApi.AGENTGATEWAY}')
    problems += conflicts(providers, shared)
    problems += keys_at_two_hosts(providers, environment)
    problems += uncounted_limits(providers, shared)
    problems += keys_of_other_providers(providers, shared)
    if problems:
        raise InvalidStackConfig(problems)
    warn_of_plain_text_keys(config, providers, shared, clients)
    warn_of_clients(providers, shared)
    return Stack(
        providers={provider.name: with_secret_keys(provider.name, provider.args) for provider in providers},
        gateways={shared.name: cast("OpenAICompatibleGatewayArgs", with_secret_client_keys(shared.args))}
        if shared
        else {},
    )


def read_shared(configured: Mapping[str, Any], defaults: Mapping[str, Any]) -> Shared:
    """Reads what a stack's file says of the base URL that its providers share."""
    config = without_nones(configured, frozenset())
    inherited = without_nones(_inherited(defaults, config, (GATEWAY, *CLIENT_SETTINGS)), frozenset())
    arguments = {GATEWAY: {}, **inherited, **config}
    name = arguments.pop("name", DEFAULT_SHARED_NAME)
    if isinstance(arguments[GATEWAY], Mapping) and (namespace := defaults.get(NAMESPACE)):
        arguments[GATEWAY] = {NAMESPACE: namespace, **arguments[GATEWAY]}
    return Shared(name, config, to_python(GATEWAY_DECLARATION.args, arguments))


def _inherited(defaults: Mapping[str, Any], config: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Returns the stack's settings that hold for a component: its clients only where it names none itself."""
    names_clients = any(config.get(key) is not None for key in CLIENT_SOURCES)
    inherited = {key: defaults.get(key) for key in settings if not (names_clients and key in CLIENT_SOURCES)}
    return {key: value for key, value in inherited.items() if value not in (None, "")}


def _join(provider: Provider, shared: Shared) -> None:
    """Gives a provider with models the shared path, if it is at the same Gateway and names no path of its own."""
    args = provider.args
    has_models = args.get("models") is not None or args.get("model_aliases")
    if args.get("shared_route_path") is None and has_models and _meets(provider, shared):
        if shared.path is None:
            # What is wrong with the path is said once, of `shared`.
            args.pop("models", None)
        else:
            args["shared_route_path"] = shared.path


def _meets(provider: Provider, shared: Shared) -> bool:
    """Tells whether both are at one listener. What isn't valid could be."""
    own, common = provider.placement, shared.placement
    return not own or not common or meets(own.gateway, common.gateway)


def _parse_shared(shared: Shared, providers: Sequence[Provider]) -> Iterator[str]:
    """Lists the models of the stack's providers, parses the arguments, and yields what is wrong with them."""
    path, others = shared.path, shared.args.get("models")
    at_path = [each for each in providers if path is not None and each.args.get("shared_route_path") == path]
    joined = [each for each in at_path if _meets(each, shared)]
    if path is not None and not joined and not others:
        yield (
            f"{shared.location}: no provider uses it; give providers at this Gateway their `models`, or list those of "
            "other stacks as `shared.models`"
        )
    if isinstance(others, Mapping | None):
        listed = {
            each.name: list(route.models) for each in joined if each.inputs and (route := each.settings.shared_route)
        }
        for owner in sorted(listed.keys() & (others or {}).keys()):
            yield f'{shared.location}.models: "{owner}" is a provider of this stack and listed already; remove it'
        shared.args["models"] = {**listed, **(others or {})}
    try:
        shared.inputs = parse_gateway(shared.name, shared.args)
    except InvalidArguments as error:
        shared.issues = error.issues


def read_provider(name: str, configured: object, defaults: Mapping[str, Any]) -> Provider:
    """Reads what a stack's file says of a provider and of all, without the keys in the environment."""
    config = configured if isinstance(configured, dict) else {}
    args = to_python(DECLARATION.args, _inherited(defaults, config, defaults) | dict(config))
    for label, _, _, group in with_fallbacks(name, args):
        if label and not any(map(group.get, HOST_SOURCES)):
            group["preset"] = label
    return Provider(name, config, args, key_places(name, args))


def _parse(provider: Provider, environment: Mapping[str, str]) -> None:
    """Takes the keys that are in the environment, and parses the arguments."""
    for place in provider.key_places:
        place.group["api_key"] = next(filter(None, map(environment.get, place.variables)), None)
    try:
        provider.inputs = parse(provider.name, provider.args)
    except InvalidArguments as error:
        provider.issues = error.issues


def _group(config: pulumi.Config, key: str) -> dict[str, Any] | None:
    expected = f"Stack {pulumi.get_stack()}: {config.name}:{key} must be a group of settings"
    try:
        value = config.get_object(key)
    except pulumi.ConfigTypeError:
        # Pulumi's own message quotes the value, and with it the keys.
        raise InvalidStackConfig([f"{expected}, and its value is not."]) from None
    if value is not None and not isinstance(value, dict):
        raise InvalidStackConfig([f"{expected}, not a {type(value).__name__}."])
    return value


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


def _issues(providers: Sequence[Provider], shared: Shared | None) -> Iterator[str]:
    """Yields what is wrong with each component, and once for all what is wrong with the clients of the stack."""
    of_stack: dict[str, list[str]] = {}
    for provider in providers:
        for issue in provider.issues:
            reason = UNSHARED_MODELS if issue.reason == WITHOUT_SHARED_PATH else issue.text(to_camel_case)
            text = f"{issue.location(to_camel_case)}: {reason}"
            if _is_of_stack(issue, provider.config):
                of_stack.setdefault(text, []).append(provider.name)
            else:
                yield missing_key(provider, issue) or f"{provider.location}.{text}"
    for issue in shared.issues if shared else ():
        text = f"{issue.location(to_camel_case)}: {issue.text(to_camel_case)}"
        if shared and not _is_of_stack(issue, shared.config):
            yield f"{shared.location}.{text}"
        else:
            of_stack.setdefault(text, [])
    for text, names in of_stack.items():
        providers_with_it = f" (providers: {', '.join(names)})" if names else ""
        yield f"Stack {pulumi.get_stack()}: {text}{providers_with_it}"


def _is_of_stack(issue: Issue, config: Mapping[str, Any]) -> bool:
    """Tells whether the issue is about a setting that the component has from the stack."""
    setting = to_camel_case(str(issue.path[0]))
    return setting in CLIENT_SETTINGS and config.get(setting) is None
