"""Reads from a stack's settings what has to be known before its program runs."""

import json
from collections.abc import Mapping
from typing import Any

from components.openai_compatible_llm.inputs import placement_of
from components.openai_compatible_llm.settings import Placement
from stack_config import API, GATEWAY, NAMESPACE, PROVIDERS, Provider, read_provider

Settings = Mapping[str, Any]
"""The project's own settings in a stack's file and in Pulumi.yaml, without the prefix that is the project's name."""


def read_placements(settings: Settings) -> dict[str, Placement]:
    """Returns where each provider's objects go, without those whose gateway, namespace or API the program refuses."""
    placements = {provider.name: placement_of(provider.args) for provider in _read_providers(settings)}
    return {name: placement for name, placement in placements.items() if placement}


def read_key_variables(settings: Settings) -> list[tuple[str, ...]]:
    """Returns for each API key the variables that may hold it; the first one that is set counts."""
    return [place.variables for provider in _read_providers(settings) for place in provider.key_places]


def _read_providers(settings: Settings) -> list[Provider]:
    defaults = {NAMESPACE: settings.get(NAMESPACE), API: settings.get(API), GATEWAY: _group(settings, GATEWAY)}
    return [read_provider(str(name), group, defaults) for name, group in _group(settings, PROVIDERS).items()]


def _group(settings: Settings, key: str) -> dict[str, Any]:
    """Returns a group of settings, which may be JSON in the file; an empty one where it is no group."""
    value = settings.get(key)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
