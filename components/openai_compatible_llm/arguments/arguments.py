"""Reads arguments, of which some may be resolved later, and collects what is wrong with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any

from .conversion import without_nones
from .declaration import Declaration
from .issues import Issue, Key, Path
from .outputs import has_outputs, is_output
from .types import TypeChecker

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, and what to do; None if nothing is."""


class Arguments:
    """Holds the arguments of one component, or a group of them, without Nones.

    Nothing is raised: every problem becomes one of `issues`, and its argument then counts as not resolved.

    Attributes:
        values: All arguments of the component.
        issues: What has been found wrong so far, in all groups.
    """

    def __init__(self, declaration: Declaration, values: Mapping[Any, Any]) -> None:
        """Checks names and types of arguments that have their Python names."""
        self.values = without_nones(values, declaration.json_fields)
        self.issues = list(TypeChecker(declaration).errors(declaration.args, self.values))
        self._mistyped = frozenset(issue.path for issue in self.issues)
        self._place: Path = ()

    def within(self, *path: str | int) -> "Arguments":
        """Returns the group at the path."""
        group = copy(self)
        group._place = (*self._place, *path)
        return group

    def groups(self, name: str) -> "list[Arguments]":
        """Returns the groups in a list, without what is no group."""
        entries = self._at((*self._place, name))
        return [
            self.within(name, index)
            for index, each in enumerate(entries if isinstance(entries, list) else ())
            if isinstance(each, dict)
        ]

    def named_groups(self, name: str) -> "list[tuple[str, Arguments]]":
        """Returns the groups in a map by their names, without what is no group."""
        entries = self._at((*self._place, name))
        return [
            (key, self.within(name, Key(key)))
            for key, each in (entries.items() if isinstance(entries, dict) else ())
            if isinstance(key, str) and isinstance(each, dict)
        ]

    def path(self, *path: str | int) -> Path:
        """Returns the whole path of what stands at the path in this group."""
        return (*self._place, *path)

    def report(self, reason: str, *path: str | int) -> None:
        """Adds an issue with what stands at the path."""
        self.issues.append(Issue(self.path(*path), reason))

    def given(self, *path: str | int) -> bool:
        """Tells whether the argument was given, resolved or not. False counts as not given."""
        value = self._at(self.path(*path))
        return value is not None and value is not False

    def unresolved(self, *path: str | int) -> bool:
        """Tells whether the argument was given, and it or something in it is resolved later."""
        return has_outputs(self._at(self.path(*path)))

    def read(self, *path: str | int, check: Check | None = None, default: Any = None) -> Any:
        """Returns the value at the path. A number becomes an integer: other languages have floats alone.

        Args:
            path: The path in this group.
            check: What the value must be. An invalid value becomes an issue.
            default: What to return if the argument was not given, isn't resolved, or isn't valid.
        """
        whole = self.path(*path)
        value = None if self._is_mistyped(whole) else self._at(whole)
        if value is None or is_output(value):
            return default
        if check and (reason := check(value)):
            self.report(reason, *path)
            return default
        return int(value) if isinstance(value, float) else value

    def read_each(self, name: str, check: Check | None = None) -> Iterator[tuple[str | int, Any]]:
        """Yields key or index and value of what is valid and resolved in a map or list; the rest becomes issues."""
        for part in self._parts(self.read(name)):
            value = self.read(name, part, check=check)
            if value is not None:
                yield part, value

    def given_paths(self, *path: str | int) -> Iterator[Path]:
        """Yields the path of each argument that was given with its right type, a group before what is in it."""
        for part in self._parts(self._at(self.path(*path))):
            inner = (*path, part if isinstance(part, int) else str(part))
            if self.given(*inner) and self._at(self.path(*inner)) != [] and not self._is_mistyped(self.path(*inner)):
                if not isinstance(part, int):
                    yield inner
                yield from self.given_paths(*inner)

    def _parts(self, value: Any) -> Sequence[str | int]:
        if isinstance(value, dict):
            return [Key(name) for name in value]
        return range(len(value)) if isinstance(value, list) else ()

    def _is_mistyped(self, whole: Path) -> bool:
        return bool(self._mistyped) and any(
            bad[: len(whole)] == whole or whole[: len(bad)] == bad for bad in self._mistyped
        )

    def _at(self, whole: Path) -> Any:
        value: Any = self.values
        for part in whole:
            if isinstance(value, dict):  # Faster than a Mapping, which `without_nones` has made a dict.
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int):
                value = value[part]
            else:
                return None
        return value
