"""Turns the arguments of a component into `Settings`, or reports every problem with them at once."""

from .errors import InvalidArguments, Issue, Key, Path, closest, suggestion
from .names import to_camel_case
from .parsing import DECLARED, Inputs, parse
from .provider_rules import HOST_SOURCES, KEY_SOURCES
from .types import SECRET_FIELDS, to_python

__all__ = [
    "DECLARED",
    "HOST_SOURCES",
    "KEY_SOURCES",
    "SECRET_FIELDS",
    "Inputs",
    "InvalidArguments",
    "Issue",
    "Key",
    "Path",
    "closest",
    "parse",
    "suggestion",
    "to_camel_case",
    "to_python",
]
