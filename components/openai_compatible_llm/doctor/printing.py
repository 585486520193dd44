"""Prints what the provider answers on standard output, and everything else on standard error."""

import sys
from collections.abc import Iterable, Sequence

from ..presets import endpoint_kinds_at
from .clients import Client
from .error_responses import gateway_fault
from .hops import Finding
from .outcome import Answer, Endpoint, Failure, HTTPError
from .redaction import redact
from .request_path import RequestPath
from .targets import Target

NOTHING = "-"
HEADINGS = ("PROVIDER", "MODEL", "FIRST TOKEN (s)", "TOTAL (s)", "TOKENS", "MODELS", "DOCUMENTED")
LEGEND = (
    "MODELS: how many the provider lists through the gateway. DOCUMENTED: endpoints besides chat completions, by the "
    "catalogue; no request was sent to them."
)

PATTERN = "a pattern: give a name with --model"
MODEL_HEADINGS = ("MODEL", "PROVIDER", "ANSWERED BY", "FIRST TOKEN (s)", "TOTAL (s)", "TOKENS")
MODEL_LEGEND = (
    "PROVIDER: who has the model, by the stack's outputs. ANSWERED BY: the model that the answer to a chat completion "
    "request names. Embedding models can't answer one."
)


def write_out(text: str) -> None:
    """Writes a part of a completion and flushes it."""
    sys.stdout.write(text)
    sys.stdout.flush()


def write_err(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def format_summary(answer: Answer, client: Client | None = None) -> str:
    """Says which model answered, or how many there are, and how fast. A list may have a client's own models alone."""
    if answer.endpoint is Endpoint.MODELS:
        parts = [f"{len(answer.models)} models"]
    else:
        parts = [*answer.models, *([] if answer.tokens is None else [f"{answer.tokens} tokens"])]
    if answer.first_token_seconds is not None:
        parts.append(f"first token after {_seconds(answer.first_token_seconds)} s")
    restricted = client is not None and client.models is not None
    own = f"; the client {client.label} may use {client.patterns}, and sees no other" if client and restricted else ""
    return ", ".join([*parts, f"{_seconds(answer.seconds)} s"]) + own


def format_finding(provider: str, finding: Finding, path: RequestPath, *tokens: str) -> str:
    """Describes the broken hop without these tokens or a key, and says what of the cluster couldn't be read."""
    lines = [
        f"{provider}: broken at the hop {finding.hop.label}: {finding.hop.meaning}.",
        f"  evidence: {finding.evidence}",
        f"  fix:      {finding.remedy}",
    ]
    if path.unavailable:
        lines.append(f"  (The cluster was not checked: {path.unavailable}.)")
    elif path.unreadable:
        lines.append(f"  (Could not be read: {'; '.join(path.unreadable)}.)")
    return redact([*tokens, *(secret.api_key for secret in path.secrets)], "\n".join(lines))


def format_note(text: str) -> str:
    """Makes a line about what isn't broken, and yet may not be what was meant."""
    return f"Note: {text}"


def format_row(
    target: Target, completion: Answer, finding: Finding | None, models: Answer | Failure
) -> tuple[str, ...]:
    """Makes the row of a provider that answered. Where a hop is broken nevertheless, the row has the hop too."""
    return (
        target.provider,
        format_answering_model(completion, finding),
        *_measurements(completion),
        *_endpoints(target, models),
    )


def format_row_without_completion(provider: str, reason: str) -> tuple[str, ...]:
    return (provider, reason, *[NOTHING] * (len(HEADINGS) - 2))


def format_model_row(target: Target, answered_by: str, outcome: Answer | Failure | None = None) -> tuple[str, ...]:
    """Makes the row of a model at a URL that several providers share; without an outcome, of one that wasn't asked."""
    measurements = _measurements(outcome) if isinstance(outcome, Answer) else (NOTHING,) * 3
    return (target.model or NOTHING, target.owner or NOTHING, answered_by, *measurements)


def format_answering_model(outcome: Answer | Failure, finding: Finding | None) -> str:
    """Names the model that answered, the broken hop, or both."""
    broken = f"broken: {finding.hop.label}" if finding else ""
    if not isinstance(outcome, Answer):
        return broken
    (model,) = outcome.models
    return f"{model} ({broken})" if broken else model


def format_table(rows: Iterable[Sequence[str]], headings: Sequence[str] = HEADINGS) -> str:
    """Makes a table with one line for each row."""
    lines = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def _measurements(completion: Answer) -> tuple[str, str, str]:
    tokens = NOTHING if completion.tokens is None else str(completion.tokens)
    return _seconds(completion.first_token_seconds), _seconds(completion.seconds), tokens


def _endpoints(target: Target, models: Answer | Failure) -> tuple[str, str]:
    """Makes the cells with the number of models, and with what the catalogue says of the host."""
    documented = ", ".join(endpoint_kinds_at(target.host)) or NOTHING
    match models:
        case Answer():
            return str(len(models.models)), documented
        case HTTPError() if gateway_fault(models) == "request.not_processed":
            return "chat only", NOTHING
        case HTTPError():
            return f"HTTP {models.status}", documented
        case _:
            return NOTHING, NOTHING


def _seconds(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:.2f}"
