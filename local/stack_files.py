"""Reads from a stack's settings what has to be known before its program runs."""

import json
from collections.abc import Mapping
from typing import Any

from components.openai_compatible_llm.settings import Placement
from stack_config import API, GATEWAY, NAMESPACE, PROVIDERS, SHARED, Provider, read_provider, read_shared

Settings = Mapping[str, Any]
"""The project's own settings in a stack's file and in Pulumi.yaml, without the prefix that is the project's name."""


def read_placements(settings: Settings) -> dict[str | None, Placement]:
    """Returns where the objects of each provider go, and for None those of the shared URL if the stack has one.

    Leaves out those whose gateway, namespace or API the program refuses.
    """
    placements: dict[str | None, Placement | None] = {
        provider.name: provider.placement for provider in _read_providers(settings)
    }
    if shared := _group(settings, SHARED):
        placements[None] = read_shared(shared, _defaults(settings)).placement
    return {name: placement for name, placement in placements.items() if placement}


def read_key_variables(settings: Settings) -> list[tuple[str, ...]]:
    """Returns for each API key the variables that may hold it; the first one that is set counts."""
    return [place.variables for provider in _read_providers(settings) for place in provider.key_places]


def _read_providers(settings: Settings) -> list[Provider]:
    defaults = _defaults(settings)
    return [read_provider(str(name), group, defaults) for name, group in _group(settings, PROVIDERS).items()]


def _defaults(settings: Settings) -> Settings:
    return {NAMESPACE: settings.get(NAMESPACE), API: settings.get(API), GATEWAY: _group(settings, GATEWAY)}


def _group(settings: Settings, key: str) -> dict[str, Any]:
    """Returns a group of settings, which may be JSON in the file; an empty one where it is no group."""
    value = settings.get(key)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
