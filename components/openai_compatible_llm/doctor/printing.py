"""Prints what the provider answers on standard output, and everything else on standard error."""

import sys
from collections.abc import Iterable, Sequence

from ..presets import PRESETS
from .error_responses import is_taken_for_chat
from .hops import Finding
from .outcome import Answer, Completion, Embedding, Failure, HTTPError, ModelList
from .redaction import printable, redact
from .request_path import ClusterUnavailable, RequestPath
from .targets import Target

NOTHING = "-"
HEADINGS = ("PROVIDER", "MODEL", "FIRST TOKEN (s)", "TOTAL (s)", "TOKENS", "MODELS", "DOCUMENTED")
LEGEND = (
    "MODELS: how many the provider lists through the gateway. DOCUMENTED: endpoints besides chat completions, by the "
    "catalogue; no request was sent to them."
)


def write_out(text: str) -> None:
    """Writes a part of a completion and flushes it."""
    sys.stdout.write(text)
    sys.stdout.flush()


def write_err(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def format_answer(answer: Answer) -> str:
    """Makes the text, one line for each model, or the embedding's number of dimensions."""
    match answer:
        case Completion():
            return f"{answer.text}\n"
        case ModelList():
            return "".join(f"{printable(each)}\n" for each in answer.ids)
        case Embedding():
            return f"{answer.dimensions} dimensions\n"


def format_summary(answer: Answer) -> str:
    """Says which model answered, or how many there are, and how fast."""
    if isinstance(answer, ModelList):
        parts = [f"{len(answer.ids)} models"]
    else:
        parts = [answer.model, *([] if answer.tokens is None else [f"{answer.tokens} tokens"])]
    if isinstance(answer, Completion) and answer.first_token_seconds is not None:
        parts.append(f"first token after {_seconds(answer.first_token_seconds)} s")
    return ", ".join([*parts, f"{_seconds(answer.seconds)} s"])


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


def format_row(
    target: Target, completion: Completion, finding: Finding | None, models: ModelList | Failure
) -> tuple[str, ...]:
    """Makes the row of a provider that answered. Where a hop is broken nevertheless, the row has the hop too."""
    first = NOTHING if completion.first_token_seconds is None else _seconds(completion.first_token_seconds)
    tokens = NOTHING if completion.tokens is None else str(completion.tokens)
    model = f"{completion.model} (broken: {finding.hop.label})" if finding else completion.model
    return (target.provider, model, first, _seconds(completion.seconds), tokens, *_endpoints(target, models))


def format_row_without_completion(provider: str, reason: str) -> tuple[str, ...]:
    return (provider, reason, *[NOTHING] * (len(HEADINGS) - 2))


def format_table(rows: Iterable[Sequence[str]]) -> str:
    """Makes a table with one line for each provider."""
    lines = [HEADINGS, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def _endpoints(target: Target, models: ModelList | Failure) -> tuple[str, str]:
    """Makes the cells with the number of models, and with what the catalogue says of the host."""
    match models:
        case ModelList():
            return str(len(models.ids)), _documented(target.host)
        case HTTPError() if is_taken_for_chat(models):
            return "chat only", NOTHING
        case HTTPError():
            return f"HTTP {models.status}", _documented(target.host)
        case _:
            return NOTHING, NOTHING


def _documented(host: str | None) -> str:
    kinds = next((preset.endpoint_kinds for preset in PRESETS.values() if preset.host == host), ())
    return ", ".join(kinds) or NOTHING


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}"
