"""Checks what the gateway puts into the requests' bodies."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..backends import EACH
from . import validators
from .arguments import Arguments
from .errors import Issue, Key

FIELDS = ("request_defaults", "request_overrides")
RESERVED_FIELDS = ("messages", "stream")
MOST_ENTRIES = 64
LARGEST_INTEGER = 2**53


def request_errors(arguments: Arguments) -> Iterator[Issue]:
    """Yields an issue for each field of the requests that can't be set, and for each alias that can't be."""
    for argument in (*FIELDS, "model_aliases"):
        entries = arguments.resolved(argument)
        if entries is not None and len(entries) > MOST_ENTRIES:
            yield arguments.issue(argument, reason=f"{len(entries)} entries; give at most {MOST_ENTRIES}")
    for argument in FIELDS:
        for field, value in (arguments.resolved(argument) or {}).items():
            if reason := validators.request_field(field):
                yield arguments.issue(argument, Key(field), reason=reason)
            elif value is None:
                yield arguments.issue(argument, Key(field), reason="null; give a value, or remove the field")
            elif _is_rounded(value):
                reason = "has an integer beyond 2^53, which Pulumi would round; give a smaller one, or a string"
                yield arguments.issue(argument, Key(field), reason=reason)
    yield from _reserved(arguments)
    yield from _in_both(arguments)
    yield from _aliases(arguments)


def _is_rounded(value: Any) -> bool:
    """Tells whether a number in the value changes on the way to the API server, where all numbers are floats."""
    if isinstance(value, Mapping):
        return any(map(_is_rounded, value.values()))
    if isinstance(value, list):
        return any(map(_is_rounded, value))
    return isinstance(value, int) and abs(value) > LARGEST_INTEGER


def _reserved(arguments: Arguments) -> Iterator[Issue]:
    for argument in FIELDS:
        for field in arguments.resolved(argument) or {}:
            if field in RESERVED_FIELDS:
                yield arguments.issue(argument, Key(field), reason="only the caller sets this field; remove it")
            elif field == "model" and arguments.given("model"):
                yield arguments.issue(
                    argument, Key(field), reason=lambda case: f"`{case('model')}` already sets it; remove one of them"
                )


def _in_both(arguments: Arguments) -> Iterator[Issue]:
    defaults, overrides = (arguments.resolved(argument) or {} for argument in FIELDS)
    for field in defaults:
        if field in overrides:
            yield arguments.issue(
                FIELDS[0],
                Key(field),
                reason=lambda case: f"`{case(FIELDS[1])}` sets it in any case; remove one of them",
            )


def _aliases(arguments: Arguments) -> Iterator[Issue]:
    if arguments.given("model_aliases") and arguments.given("model"):
        yield arguments.issue(
            "model_aliases", reason=lambda case: f"has no effect with `{case('model')}`, which wins; remove one of them"
        )
    for path, _ in arguments.matching(("model_aliases", EACH)):
        if reason := validators.model_alias(str(path[-1])):
            yield Issue(path, reason)
