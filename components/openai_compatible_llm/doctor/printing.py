"""What is shown: answers on standard output, all else on standard error."""

import sys
from collections.abc import Iterable, Sequence

from .chain import Chain, NotLooked
from .links import Finding
from .outcome import Answer
from .redaction import without

NOTHING = "-"


def say(text: str) -> None:
    """A part of the answer, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def note(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def summary(answer: Answer) -> str:
    """Who answered, and how fast."""
    parts = [answer.model]
    if answer.tokens is not None:
        parts.append(f"{answer.tokens} tokens")
    if answer.first_token_seconds is not None:
        parts.append(f"first token after {_seconds(answer.first_token_seconds)} s")
    return ", ".join([*parts, f"{_seconds(answer.seconds)} s"])


def finding(provider: str, found: Finding, looked: Chain | NotLooked, keys: Iterable[str]) -> str:
    """The broken link, without any of the keys, and what of the cluster was not to be seen."""
    lines = [
        f"{provider}: broken at the link {found.link.label}: {found.link.meaning}.",
        f"  seen: {found.seen}",
        f"  do:   {found.remedy}",
    ]
    if isinstance(looked, NotLooked):
        lines.append(f"  (The cluster's objects could not be looked at: {looked.reason}.)")
    elif looked.unread:
        lines.append(f"  (Could not be read: {'; '.join(looked.unread)}.)")
    return without(keys, "\n".join(lines))


def row(provider: str, answer: Answer | None, found: Finding | None) -> tuple[str, ...]:
    """A provider's line of the table; where it has answered and yet a link is broken, that stands beside the model."""
    broken = f"broken: {found.link.label}" if found else ""
    if answer is None:
        return (provider, broken, NOTHING, NOTHING, NOTHING)
    first = NOTHING if answer.first_token_seconds is None else _seconds(answer.first_token_seconds)
    tokens = NOTHING if answer.tokens is None else str(answer.tokens)
    model = f"{answer.model} ({broken})" if broken else answer.model
    return (provider, model, first, _seconds(answer.seconds), tokens)


def table(rows: Iterable[Sequence[str]]) -> str:
    """All providers, one a line."""
    lines = [("PROVIDER", "MODEL", "FIRST TOKEN (s)", "TOTAL (s)", "TOKENS"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}"
