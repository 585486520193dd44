"""Describes what is wrong with arguments, without ever quoting a key."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from .cases import Case, respell, to_camel_case


class Key(str):
    """A name that the user chose, such as a label's. No spelling changes it."""

    __slots__ = ()


Path = tuple[str | int, ...]
"""Where an argument stands, from the outermost inwards: declared names in Python's spelling, `Key`s and indices."""


@dataclass(frozen=True)
class Issue:
    """Says what is wrong with one argument.

    Attributes:
        path: Where the argument stands.
        reason: What was given and what to do. Names of arguments stand in backticks as Python spells them.
    """

    path: Path
    reason: str

    def location(self, case: Case = str) -> str:
        """Writes the path in Pulumi's notation: `gateway.name`, `hostnames[0]`, `labels["example.com/team"]`."""
        outermost, *inner = (part if isinstance(part, Key | int) else case(part) for part in self.path)
        return f"{outermost}{''.join(map(_step, inner))}"

    def text(self, case: Case = str) -> str:
        """Returns the reason with the names of arguments in this spelling."""
        return respell(self.reason, case)


class InvalidArguments(pulumi.InputPropertiesError, pulumi.RunError):
    """Reports every problem with a component's arguments in one message.

    Pulumi shows the message without a traceback. A program in another language gets the issues as a list.
    """

    def __init__(self, component: str, name: str, issues: Sequence[Issue]) -> None:
        self.title = f'{component} "{name}" has invalid arguments:' if name else f"{component} has invalid arguments:"
        self.issues = issues
        lines = [f"  - {issue.location()}: {issue.text()}" for issue in issues]
        super().__init__(
            "\n".join([self.title, *lines]),
            [{"property_path": issue.location(to_camel_case), "reason": issue.text(to_camel_case)} for issue in issues],
        )


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if re.fullmatch(r"[\w-]+", part) else f"[{json.dumps(part, ensure_ascii=False)}]"
