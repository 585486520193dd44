"""Reads from a stack's file what has to be known before its program runs."""

import json
from collections.abc import Mapping
from typing import Any

from components.openai_compatible_llm.inputs import placement_of
from components.openai_compatible_llm.settings import Placement
from stack_config import API, GATEWAY, NAMESPACE, PROVIDERS, Provider, read_provider


def read_placements(config: Mapping[str, Any], project: str) -> dict[str, Placement]:
    """Returns where each provider's objects go, without those whose gateway, namespace or API the program refuses.

    Args:
        config: What stands under `config` in the stack's file, and what Pulumi.yaml has for all stacks.
        project: Name of the Pulumi project.
    """
    placements = {provider.name: placement_of(provider.args) for provider in _read_providers(config, project)}
    return {name: placement for name, placement in placements.items() if placement}


def read_key_variables(config: Mapping[str, Any], project: str) -> list[tuple[str, ...]]:
    """Returns for each API key the variables that may hold it; the first one that is set counts.

    Args:
        config: What stands under `config` in the stack's file, and what Pulumi.yaml has for all stacks.
        project: Name of the Pulumi project.
    """
    return [place.variables for provider in _read_providers(config, project) for place in provider.key_places]


def _read_providers(config: Mapping[str, Any], project: str) -> list[Provider]:
    defaults = {key: config.get(f"{project}:{key}") for key in (NAMESPACE, API)}
    defaults[GATEWAY] = _group(config, project, GATEWAY)
    return [read_provider(str(name), group, defaults) for name, group in _group(config, project, PROVIDERS).items()]


def _group(config: Mapping[str, Any], project: str, key: str) -> dict[str, Any]:
    """Returns a group of settings, which may be JSON in the file; an empty one where it is no group."""
    value = config.get(f"{project}:{key}")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
