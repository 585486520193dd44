"""Declares the arguments of OpenAICompatibleLLM."""

from collections.abc import Iterable

from ..args import OpenAICompatibleLLMArgs
from ..arguments import Declaration, Path


def _unknown(path: Path, name: str, value: object, valid: Iterable[str]) -> str:
    from .advice import unknown_argument  # Takes a while to import, and is needed for an error only.

    return unknown_argument(path, name, value, valid)


DECLARATION = Declaration(
    OpenAICompatibleLLMArgs,
    frozenset({"api_key", "api_key_secret", "auth_header", "client_api_keys", "client_api_keys_secret"}),
    _unknown,
)
