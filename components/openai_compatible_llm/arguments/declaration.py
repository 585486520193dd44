"""Says what arguments a component has."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from inspect import get_annotations
from typing import Any, Required, Union, get_args, get_origin

from .issues import InvalidArguments, Issue, Path
from .outputs import is_output


@dataclass(frozen=True)
class Declaration:
    """Declares the arguments of one component.

    Attributes:
        args: The TypedDict of the arguments. Its name is the component's, followed by `Args`.
        secret_fields: Names of arguments, in any group, whose values no message shows: they hold a key, or somebody may
            put one there by mistake.
        unknown: Says what to do about a name that no argument has, from the path of its group, the name, its value and
            the names that the group has.
    """

    args: type
    secret_fields: frozenset[str]
    unknown: Callable[[Path, str, object, Iterable[str]], str]

    @property
    def component(self) -> str:
        return self.args.__name__.removesuffix("Args")

    @cached_property
    def json_fields(self) -> frozenset[str]:
        """Maps that are passed on as they are, so that null in them has a meaning."""
        hints = get_annotations(self.args).items()
        return frozenset(name for name, hint in hints if (args := get_args(kind(hint))) and args[-1] is Any)

    def check_kinds(self, name: object, args: object) -> None:
        """Checks that there are a name and arguments, and says what was given by its type alone: it may be a key.

        Raises:
            InvalidArguments: If one of them is something else.
        """
        issues = []
        if not isinstance(name, str):
            issues.append(Issue(("name",), f"must be a string, not {_type_name(name)}"))
        if not isinstance(args, Mapping):
            reason = f"must be a dict, not {_type_name(args)}; its values may be Pulumi outputs"
            issues.append(Issue(("args",), reason))
        self.raise_issues(name if isinstance(name, str) else "", issues)

    def raise_issues(self, name: str, issues: Iterable[Issue]) -> None:
        """Raises the issues, if there are any, in the order in which the arguments are declared.

        Raises:
            InvalidArguments: With all of them.
        """
        order = {argument: place for place, argument in enumerate(("name", *get_annotations(self.args)))}
        if ordered := sorted(issues, key=lambda issue: order.get(str(issue.path[0]), -1)):
            raise InvalidArguments(self.component, name, ordered)


@cache
def kind(hint: Any) -> Any:
    """Returns the type itself, without `Input` or `Required` around it."""
    return kind(get_args(hint)[0]) if get_origin(hint) in (Union, Required) else hint


def _type_name(value: object) -> str:
    if is_output(value):
        return "a Pulumi output"
    return "None" if value is None else type(value).__name__
