"""What is wrong with arguments, and how it is said: never with a key in it."""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Problem:
    """One thing wrong.

    Attributes:
        argument: Where: the names from the outermost argument inwards.
        reason: What was given and what would do. Names of arguments stand in backticks.
    """

    argument: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"{'.'.join(self.argument)}: {self.reason}"

    def in_camel_case(self) -> "Problem":
        """The same as stack files and other languages name it."""
        outermost, *inner = self.argument
        # The keys of a map are the user's own.
        named = inner if outermost in ("labels", "annotations") else map(camel_case, inner)
        return Problem((camel_case(outermost), *named), names_in_camel_case(self.reason))

    @property
    def property_path(self) -> str:
        """Where, in Pulumi's notation: `gateway.name`, `hostnames[0]`, `labels["example.com/team"]`."""
        outermost, *inner = self.argument
        return outermost + "".join(map(_step, inner))


class InvalidArguments(pulumi.InputPropertiesError, pulumi.RunError):
    """Arguments that an OpenAICompatibleLLM can't be made from: one message that names every problem.

    Pulumi shows the message without a traceback; a program in another language gets the problems as a list.
    """

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.name = name
        self.problems = problems
        lines = [f'OpenAICompatibleLLM "{name}" can\'t be made:', *(f"  - {problem}" for problem in problems)]
        details = [each.in_camel_case() for each in problems]
        super().__init__("\n".join(lines), [{"property_path": p.property_path, "reason": p.reason} for p in details])


def names_in_camel_case(text: str) -> str:
    """A text with the names of arguments, which stand in backticks, as stack files and other languages write them."""
    return re.sub(r"`[a-z_.]+`", lambda match: camel_case(match[0]), text)


def camel_case(name: str) -> str:
    """`route_path` as stack files and other languages write it: `routePath`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def snake_case(name: str) -> str:
    """`routePath` as a Python program writes it: `route_path`."""
    return re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), name)


def nearest(name: str, known: Iterable[str]) -> str:
    """What to say after a name that isn't known: the one that was probably meant, else all there are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean `{close[0]}`?" if close else f"there are {', '.join(f'`{each}`' for each in names)}."


def _step(name: str) -> str:
    if name.isdigit():
        return f"[{name}]"
    return f".{name}" if name.isidentifier() else f"[{json.dumps(name, ensure_ascii=False)}]"
