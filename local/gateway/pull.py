"""Gets a gateway's programs and definitions into the cache."""

from collections.abc import Mapping
from pathlib import Path

from local.errors import LocalError
from local.gateway.api import GATEWAY_APIS
from local.gateway.assets import VARIABLE


def ensure_gateway(name: str, environment: Mapping[str, str]) -> Path:
    """Returns the folder that has the gateway of this name. Downloads the gateway unless the cache has it.

    Args:
        name: Name of the gateway's API.
        environment: The user's environment variables.

    Raises:
        LocalError: There is no gateway of this name, or it can't be had.
    """
    if name not in GATEWAY_APIS:
        raise LocalError(
            f"`GATEWAY={name}` is not a valid gateway. Give one of {', '.join(f'`{each}`' for each in GATEWAY_APIS)}."
        )
    if folder := environment.get(VARIABLE):
        raise LocalError(
            f"Both GATEWAY={name} and {VARIABLE}={folder} are set. Give GATEWAY to download the gateway, "
            f"or {VARIABLE} to use your own programs."
        )
    raise LocalError("Not built yet.")
