"""Finds what a stack's clients would wait for in vain: models that nobody serves, limits that nobody counts."""

from collections.abc import Iterator, Sequence

import pulumi

from components.openai_compatible_llm.arguments import Issue, Key
from components.openai_compatible_llm.arguments.cases import to_camel_case
from components.openai_compatible_llm.inputs.client_keys import client_keys, key_issues
from components.openai_compatible_llm.model_patterns import overlap
from components.openai_compatible_llm.settings import Client, ClientSettings, GatewaySettings, Settings

from .api_keys import with_fallbacks
from .records import CLIENTS, SHARED, Provider, Shared


def uncounted_limits(providers: Sequence[Provider], shared: Shared | None) -> Iterator[str]:
    """Yields an error for limits that the service would not know, as `shared` makes its configuration."""
    service = shared.settings.rate_limit_service if shared and shared.inputs else None
    if not (shared and service):
        return
    counted = {(client.name, client.rate_limits) for client in shared.settings.known_clients}
    for provider in providers:
        asked = provider.settings.rate_limit_service if provider.inputs else None
        for client in provider.settings.known_clients if asked and asked.domain == service.domain else ():
            if client.rate_limits and (client.name, client.rate_limits) not in counted:
                place = Issue((CLIENTS, Key(client.name), "rateLimits"), "").location()
                yield (
                    f"{provider.location}.{place}: the service knows the limits of the stack's `{CLIENTS}` alone; give "
                    "this client to the stack"
                )


def keys_of_other_providers(providers: Sequence[Provider], shared: Shared | None) -> Iterator[str]:
    """Yields an error for each client whose key is one of a provider that doesn't have that client itself."""
    keys = [group.get("api_key") for each in providers for *_, group in with_fallbacks(each.name, each.args)]
    components: list[Provider | Shared] = [*providers, *([shared] if shared else [])]
    valid = [each for each in components if each.inputs]
    yield from dict.fromkeys(
        f"{each.location}.{issue.location(to_camel_case)}: {issue.text(to_camel_case)}"
        for each in valid
        for issue in key_issues(client_keys(each.args), keys)
    )


def warn_of_clients(providers: Sequence[Provider], shared: Shared | None) -> None:
    """Warns of models that a client may ask for in vain, and of limits that another stack has to know."""
    stack = f"Stack {pulumi.get_stack()}"
    components: list[ClientSettings] = [*(each.settings for each in providers), *([shared.settings] if shared else [])]
    clients = dict.fromkeys(client for settings in components for client in settings.known_clients)
    for client in clients:
        if unserved := _unserved(client, components):
            pulumi.log.warn(
                f"{stack}: client {client.name} may ask for {', '.join(unserved)}, and no provider of this stack "
                "serves that."
            )
    asking = (settings for settings in components if settings.rate_limit_service)
    limited = [client.name for settings in asking for client in settings.known_clients if client.rate_limits]
    if limited and not shared:
        pulumi.log.warn(
            f"{stack} has no `{SHARED}`, so it makes no configuration for the rate limit service. Another stack must "
            f"give the service the limits of {', '.join(dict.fromkeys(limited))}."
        )


def _unserved(client: Client, components: Sequence[ClientSettings]) -> list[str]:
    """Returns the client's models that nobody serves whose client it is; or none if one is silent."""
    served: set[str] = set()
    for settings in components:
        if client in settings.known_clients:
            models = _models(settings)
            if models is None:
                return []
            served.update(models)
    return [model for model in client.models or () if not any(overlap(model, other) for other in served)]


def _models(settings: ClientSettings) -> Sequence[str] | None:
    """Returns the models by which clients reach a provider or several; None for whatever the provider has."""
    match settings:
        case GatewaySettings():
            return [name for names in settings.models.values() for name in names]
        case Settings() if settings.provider.model is not None:
            return [settings.provider.model]
        case Settings() if settings.shared_route:
            return settings.shared_route.models
    return None
