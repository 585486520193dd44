"""Checks and reads the arguments of a component, whatever they are about."""

from .arguments import Arguments
from .cases import Case, respell, to_camel_case
from .conversion import to_python
from .declaration import Declaration
from .issues import InvalidArguments, Issue, Key, Path
from .outputs import has_outputs, is_output, map_output
from .suggestions import bare, closest, suggestion

__all__ = [
    "Arguments",
    "Case",
    "Declaration",
    "InvalidArguments",
    "Issue",
    "Key",
    "Path",
    "bare",
    "closest",
    "has_outputs",
    "is_output",
    "map_output",
    "respell",
    "suggestion",
    "to_camel_case",
    "to_python",
]
