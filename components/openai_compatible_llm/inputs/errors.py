"""Describes what is wrong with arguments, without ever quoting a key."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from .names import to_camel_case

Case = Callable[[str], str]
"""Spells an argument's name: `str` as in Python, `to_camel_case` as in stack files and other languages."""

Reason = str | Callable[[Case], str]
"""What was given and what to do. A function where the text names other arguments, which each reader spells."""

_CLOSE = 0.8
"""How much of two names must be the same for one to be a misspelling of the other."""


class Key(str):
    """A name that the user chose, such as a label's. Every spelling prints it as it was given."""

    __slots__ = ()


Path = tuple[str | int, ...]
"""Where an argument stands, from the outermost inwards: declared names in Python's spelling, `Key`s and indices."""


@dataclass(frozen=True)
class Issue:
    """One thing wrong with the arguments."""

    path: Path
    reason: Reason

    def location(self, case: Case = str) -> str:
        """Writes the path in Pulumi's notation: `gateway.name`, `hostnames[0]`, `labels["example.com/team"]`."""
        outermost, *inner = self.path
        return _spelled(outermost, case) + "".join(_step(part, case) for part in inner)

    def text(self, case: Case = str) -> str:
        """Returns the reason with the names of arguments in this spelling."""
        return self.reason if isinstance(self.reason, str) else self.reason(case)


class InvalidArguments(pulumi.InputPropertiesError, pulumi.RunError):
    """Reports every problem with a component's arguments in one message.

    Pulumi shows the message without a traceback. A program in another language gets the issues as a list.
    """

    def __init__(self, name: str, issues: Sequence[Issue]) -> None:
        self.name = name
        self.issues = issues
        lines = [f"  - {issue.location()}: {issue.text()}" for issue in issues]
        of_name = f' "{name}"' if name else ""
        super().__init__(
            "\n".join([f"OpenAICompatibleLLM{of_name} has invalid arguments:", *lines]),
            [{"property_path": issue.location(to_camel_case), "reason": issue.text(to_camel_case)} for issue in issues],
        )


def suggestion(name: str, valid: Iterable[str], what: str) -> str:
    """Suggests the name that was probably meant; lists all valid ones where none is close."""
    names = sorted(valid)
    if close := closest(name, names):
        return f"did you mean `{close}`?"
    return f"valid {what} are {', '.join(f'`{each}`' for each in names)}"


def closest(name: str, known: Iterable[str], advice: Mapping[str, str] | None = None) -> str | None:
    """Returns the known name or the advice whose word is this name, or else close to it.

    Args:
        name: The name, in any spelling.
        known: Names that need no advice.
        advice: Advice by the bare words that it is for.
    """
    words = {**(advice or {}), **{bare(each): each for each in known}}
    import difflib  # Needed for an error only.

    close = difflib.get_close_matches(bare(name), words, n=1, cutoff=_CLOSE)
    return words[close[0]] if close else None


def bare(name: str) -> str:
    """Returns a name without what the spellings differ in: `apibase` for `api_base`, `apiBase` and `API-Base`."""
    return re.sub("[^a-z0-9]", "", name.lower())


def _spelled(part: str | int, case: Case) -> str:
    return str(part) if isinstance(part, Key | int) else case(part)


def _step(part: str | int, case: Case) -> str:
    name = _spelled(part, case)
    if isinstance(part, int):
        return f"[{name}]"
    return f".{name}" if re.fullmatch(r"[\w-]+", name) else f"[{json.dumps(name, ensure_ascii=False)}]"
