"""Turns the arguments of a component into `Settings`, or reports every problem with them at once."""

from .declaration import DECLARATION
from .parsing import Inputs, parse
from .placement import placement_of
from .providers import HOST_SOURCES, KEY_SOURCES

__all__ = ["DECLARATION", "HOST_SOURCES", "KEY_SOURCES", "Inputs", "parse", "placement_of"]
