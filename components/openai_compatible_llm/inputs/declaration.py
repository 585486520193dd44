"""Declares the arguments of the components."""

from collections.abc import Iterable

from ..args import OpenAICompatibleGatewayArgs, OpenAICompatibleLLMArgs
from ..arguments import Declaration, Path

SECRET_FIELDS = frozenset(
    {"api_key", "api_key_secret", "auth_header", "clients", "clients_secret", "client_auth_header"}
)


def _declare(args: type) -> Declaration:
    def unknown(path: Path, name: str, value: object, valid: Iterable[str]) -> str:
        from .advice import unknown_argument  # Takes a while to import, and is needed for an error only.

        return unknown_argument(args, path, name, value, valid)

    return Declaration(args, SECRET_FIELDS, unknown)


DECLARATION = _declare(OpenAICompatibleLLMArgs)
GATEWAY_DECLARATION = _declare(OpenAICompatibleGatewayArgs)
