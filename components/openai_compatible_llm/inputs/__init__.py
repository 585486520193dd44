"""Turns the arguments of a component into its settings, or reports every problem with them at once."""

from .declaration import DECLARATION, GATEWAY_DECLARATION
from .gateway import parse_gateway
from .inputs import Inputs
from .parsing import parse
from .placement import gateway_placement_of, placement_of, shared_path_of
from .providers import HOST_SOURCES, KEY_SOURCES
from .shared_route import WITHOUT_SHARED_PATH

__all__ = [
    "DECLARATION",
    "GATEWAY_DECLARATION",
    "HOST_SOURCES",
    "KEY_SOURCES",
    "WITHOUT_SHARED_PATH",
    "Inputs",
    "gateway_placement_of",
    "parse",
    "parse_gateway",
    "placement_of",
    "shared_path_of",
]
