"""Gives the rules access to arguments of which some may be resolved later."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..backends import EACH
from .errors import Issue, Key, Path, Reason
from .types import is_output


class Arguments:
    """The arguments of one component, or a group of them, without Nones.

    Args:
        values: As in `OpenAICompatibleLLMArgs`.
        mistyped: Paths of values that don't have their type; they count as given, and have no resolved value.
        place: Where the group stands; every path is relative to it.
    """

    def __init__(self, values: Mapping[str, Any], mistyped: frozenset[Path] = frozenset(), place: Path = ()) -> None:
        self._values = values
        self._mistyped = mistyped
        self.place = place

    def within(self, *path: str | int) -> "Arguments":
        """Returns the group at the path."""
        return Arguments(self._values, self._mistyped, (*self.place, *path))

    def groups(self, name: str) -> "list[Arguments]":
        """Returns the groups in a list, without what is no group."""
        paths = self._items((name,))
        return [self.within(*path) for path in paths if isinstance(self._at((*self.place, *path)), Mapping)]

    def issue(self, *path: str | int, reason: Reason) -> Issue:
        """Makes an issue with what stands at the path."""
        return Issue((*self.place, *path), reason)

    def given(self, *path: str | int) -> bool:
        """Tells whether the argument was given, resolved or not. False counts as not given."""
        value = self._at((*self.place, *path))
        return value is not None and value is not False

    def resolved(self, *path: str | int) -> Any:
        """Returns the value, or None if it was not given, is an output, or doesn't have its type."""
        whole = (*self.place, *path)
        if any(bad[: len(whole)] == whole or whole[: len(bad)] == bad for bad in self._mistyped):
            return None
        value = self._at(whole)
        return None if is_output(value) else value

    def matching(self, pattern: Path) -> list[tuple[Path, Any]]:
        """Returns path and value of everything resolved at the pattern, in which `EACH` stands for every item."""
        paths: list[Path] = [()]
        for part in pattern:
            if part == EACH:
                paths = [item for path in paths for item in self._items(path)]
            else:
                paths = [(*path, part) for path in paths]
        return [(path, value) for path in paths if (value := self.resolved(*path)) is not None]

    def _items(self, path: Path) -> list[Path]:
        value = self._at((*self.place, *path))
        if isinstance(value, Mapping):
            return [(*path, Key(name)) for name in value]
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        return [(*path, index) for index in range(len(value))] if is_list else []

    def _at(self, path: Path) -> Any:
        value: Any = self._values
        for part in path:
            if isinstance(value, Mapping):
                value = value.get(part)
            elif isinstance(value, Sequence) and isinstance(part, int):
                value = value[part]
            else:
                return None
        return value
