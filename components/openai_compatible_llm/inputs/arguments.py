"""Gives the rules access to arguments of which some may be resolved later."""

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import Key, Path
from .types import is_output

EACH = "*"
"""Stands in a path for every item of a list or map."""


class Arguments:
    """The arguments of one component, without Nones.

    Args:
        values: As in `OpenAICompatibleLLMArgs`.
        mistyped: Paths of values that don't have their type; they count as given, and have no resolved value.
    """

    def __init__(self, values: Mapping[str, Any], mistyped: frozenset[Path] = frozenset()) -> None:
        self._values = values
        self._mistyped = mistyped

    def given(self, *path: str | int) -> bool:
        """Tells whether the argument was given, resolved or not. False counts as not given."""
        value = self._at(path)
        return value is not None and value is not False

    def resolved(self, *path: str | int) -> Any:
        """Returns the value, or None if it was not given, is an output, or doesn't have its type."""
        if any(bad[: len(path)] == path or path[: len(bad)] == bad for bad in self._mistyped):
            return None
        value = self._at(path)
        return None if is_output(value) else value

    def matching(self, pattern: Path) -> list[tuple[Path, Any]]:
        """Returns path and value of everything resolved at the pattern, in which `EACH` stands for every item."""
        found: list[tuple[Path, Any]] = [((), None)]
        for part in pattern:
            paths = [path for path, _ in found]
            if part == EACH:
                found = [(item, self.resolved(*item)) for path in paths for item in self._items(path)]
            else:
                found = [((*path, part), self.resolved(*path, part)) for path in paths]
        return [(path, value) for path, value in found if value is not None]

    def _items(self, path: Path) -> list[Path]:
        value = self.resolved(*path)
        if isinstance(value, Mapping):
            return [(*path, Key(name)) for name in value]
        return [(*path, index) for index in range(len(value))] if isinstance(value, Sequence) else []

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
