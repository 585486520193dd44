"""Prints completions on standard output, and everything else on standard error."""

import sys
from collections.abc import Iterable, Sequence

from .hops import Finding
from .outcome import Completion
from .redaction import redact
from .request_path import ClusterUnavailable, RequestPath

NOTHING = "-"


def write_out(text: str) -> None:
    """Writes a part of a completion and flushes it."""
    sys.stdout.write(text)
    sys.stdout.flush()


def write_err(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def format_summary(completion: Completion) -> str:
    """Says which model answered, and how fast."""
    parts = [completion.model]
    if completion.tokens is not None:
        parts.append(f"{completion.tokens} tokens")
    if completion.first_token_seconds is not None:
        parts.append(f"first token after {_seconds(completion.first_token_seconds)} s")
    return ", ".join([*parts, f"{_seconds(completion.seconds)} s"])


def format_finding(
    provider: str, finding: Finding, cluster_view: RequestPath | ClusterUnavailable, keys: Iterable[str]
) -> str:
    """Describes the broken hop without any of the keys, and says what of the cluster couldn't be read."""
    lines = [
        f"{provider}: broken at the hop {finding.hop.label}: {finding.hop.meaning}.",
        f"  evidence: {finding.evidence}",
        f"  fix:      {finding.remedy}",
    ]
    if isinstance(cluster_view, ClusterUnavailable):
        lines.append(f"  (The cluster was not checked: {cluster_view.reason}.)")
    elif cluster_view.unreadable:
        lines.append(f"  (Could not be read: {'; '.join(cluster_view.unreadable)}.)")
    return redact(keys, "\n".join(lines))


def format_row(provider: str, completion: Completion | None, finding: Finding | None) -> tuple[str, ...]:
    """Makes a provider's row. Where it answered although a hop is broken, the row has the model and the hop."""
    broken = f"broken: {finding.hop.label}" if finding else ""
    if completion is None:
        return format_row_without_completion(provider, broken)
    first = NOTHING if completion.first_token_seconds is None else _seconds(completion.first_token_seconds)
    tokens = NOTHING if completion.tokens is None else str(completion.tokens)
    model = f"{completion.model} ({broken})" if broken else completion.model
    return (provider, model, first, _seconds(completion.seconds), tokens)


def format_row_without_completion(provider: str, reason: str) -> tuple[str, ...]:
    return (provider, reason, NOTHING, NOTHING, NOTHING)


def format_table(rows: Iterable[Sequence[str]]) -> str:
    """Makes a table with one line for each provider."""
    lines = [("PROVIDER", "MODEL", "FIRST TOKEN (s)", "TOTAL (s)", "TOKENS"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}"
