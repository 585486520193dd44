"""Knows where the API keys of a stack stand: in its config, encrypted or not, or in the environment."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import pulumi
from pulumi.runtime import config as runtime_config

from components import OpenAICompatibleLLMArgs
from components.openai_compatible_llm.arguments import Issue, Key, Path
from components.openai_compatible_llm.config_command import config_command
from components.openai_compatible_llm.inputs import KEY_SOURCES
from components.openai_compatible_llm.presets import PRESETS

from .records import CLIENTS, PROVIDERS, SHARED, KeyPlace, Provider, Shared


def key_places(name: str, args: dict[Any, Any]) -> list[KeyPlace]:
    """Returns the places of the API keys that a component's arguments leave out."""
    return [
        KeyPlace(owner, group, path, _variables(f"{name}-{label}" if path else name, group))
        for label, owner, path, group in with_fallbacks(name, args)
        if isinstance(label, str) and not any(map(group.get, KEY_SOURCES))
    ]


def api_key_variable(name: str) -> str:
    """Returns the environment variable of a provider's key: `MISTRAL_API_KEY` for `mistral`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_API_KEY"


def _variables(name: str, args: Mapping[Any, Any]) -> tuple[str, ...]:
    """Returns its own variable, then its preset's, so that several providers can share a key.

    The preset's is for the preset's host alone: no other host gets the key of a provider that it isn't.
    """
    names = [name, args["preset"]] if _is_at_presets_host(args) else [name]
    return tuple(dict.fromkeys(map(api_key_variable, names)))


def _is_at_presets_host(args: Mapping[Any, Any]) -> bool:
    name = args.get("preset")
    preset = PRESETS.get(name) if isinstance(name, str) else None
    return preset is not None and not args.get("base_url") and args.get("host") in (None, preset.host)


def with_fallbacks(name: str, args: dict[Any, Any]) -> Iterator[tuple[Any, str, Path, dict[Any, Any]]]:
    """Yields of a provider and each of its fallbacks: the name, the owner of its key, the path, and the settings."""
    yield name, f"provider {name}", (), args
    fallbacks = args.get("fallbacks")
    for index, each in enumerate(fallbacks if isinstance(fallbacks, list) else ()):
        if isinstance(each, dict):
            yield each.get("name"), f"fallback {each.get('name')} of provider {name}", ("fallbacks", index), each


def with_secret_keys(name: str, args: dict[Any, Any]) -> OpenAICompatibleLLMArgs:
    """Makes all keys of a provider secrets from here on: `Config.get_object` returned them in plain text."""
    for *_, group in with_fallbacks(name, args):
        if group.get("api_key"):
            group["api_key"] = pulumi.Output.secret(group["api_key"])
    return cast("OpenAICompatibleLLMArgs", with_secret_client_keys(args))


def with_secret_client_keys(args: dict[Any, Any]) -> dict[Any, Any]:
    """Makes the keys of clients secrets from here on."""
    if clients := args.get("clients"):
        args["clients"] = {
            name: {**client, "api_key": pulumi.Output.secret(client["api_key"])} if client.get("api_key") else client
            for name, client in clients.items()
        }
    return args


def missing_key(provider: Provider, issue: Issue) -> str | None:
    for place in provider.key_places:
        if (*place.path, "api_key") == issue.path and place.group["api_key"] is None:
            path = (PROVIDERS, Key(provider.name), *issue.path)
            return (
                f"Stack {pulumi.get_stack()} has no API key for {place.owner}. Set it with "
                f"`{config_command('set', pulumi.get_stack(), path, '--secret')}`, "
                f"or in the environment as {' or '.join(place.variables)}."
            )
    return None


def keys_at_two_hosts(providers: Sequence[Provider], environment: Mapping[str, str]) -> Iterator[str]:
    """Yields each variable whose key would go to a preset's host, and elsewhere because of a provider's name."""
    placed = [(provider, place) for provider in providers if provider.inputs for place in provider.key_places]
    named = {place.variables[0]: (place.owner, _host(provider, place)) for provider, place in placed}
    for provider, place in placed:
        own, own_host = place.variables[0], _host(provider, place)
        variable = next(filter(environment.get, place.variables), own)
        owner, host = named.get(variable, (place.owner, own_host))
        if variable != own and host != own_host:
            yield (
                f"{provider.location}: the key in {variable} would go to {own_host} for {place.owner}, and to {host} "
                f"for {owner}; set {own}, or give {owner} another name"
            )


def _host(provider: Provider, place: KeyPlace) -> str:
    number = int(place.path[-1]) + 1 if place.path else 0
    return provider.settings.providers[number].host


def warn_of_plain_text_keys(
    config: pulumi.Config, providers: Sequence[Provider], shared: Shared | None, clients: Mapping[str, Any]
) -> None:
    for path, owner in _keys_in_config(providers, shared, clients):
        if not runtime_config.is_config_secret(config.full_key(str(path[0]))):
            pulumi.log.warn(
                f"Stack {pulumi.get_stack()} has the API key of {owner} in plain text in its file. Encrypt it: "
                f"{config_command('set', pulumi.get_stack(), path, '--secret')}"
            )


def _keys_in_config(
    providers: Sequence[Provider], shared: Shared | None, clients: Mapping[str, Any]
) -> Iterator[tuple[Path, str]]:
    yield from _client_keys((), clients, "")
    if shared:
        yield from _client_keys((SHARED,), shared.config.get(CLIENTS), f" of {SHARED}")
    for provider in providers:
        place = (PROVIDERS, Key(provider.name))
        for _, owner, path, group in with_fallbacks(provider.name, provider.config):
            if group.get("apiKey"):
                yield (*place, *path, "apiKey"), owner
        yield from _client_keys(place, provider.config.get(CLIENTS), f" of provider {provider.name}")


def _client_keys(place: Path, clients: Mapping[str, Any] | None, owner: str) -> Iterator[tuple[Path, str]]:
    for name, client in (clients or {}).items():
        if client.get("apiKey"):
            yield (*place, CLIENTS, Key(name), "apiKey"), f"client {name}{owner}"
