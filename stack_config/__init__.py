"""Reads a stack's config into the arguments of its components."""

from .api_keys import api_key_variable, key_places
from .reading import load_stack, read_provider, read_shared
from .records import API, GATEWAY, NAMESPACE, PROVIDERS, SETTINGS, SHARED, InvalidStackConfig, Provider, Shared, Stack

__all__ = [
    "API",
    "GATEWAY",
    "NAMESPACE",
    "PROVIDERS",
    "SETTINGS",
    "SHARED",
    "InvalidStackConfig",
    "Provider",
    "Shared",
    "Stack",
    "api_key_variable",
    "key_places",
    "load_stack",
    "read_provider",
    "read_shared",
]
