"""Checks and reads the arguments of a component, whatever they are about."""

from .arguments import Arguments
from .declaration import Declaration
from .issues import InvalidArguments, Issue, Key, Path

__all__ = ["Arguments", "Declaration", "InvalidArguments", "Issue", "Key", "Path"]
