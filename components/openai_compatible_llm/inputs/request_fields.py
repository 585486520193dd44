"""Parses what the gateway puts into the requests' bodies."""

from collections.abc import Mapping
from typing import Any

from ..arguments import Arguments, Key
from . import validators

RESERVED_FIELDS = ("messages", "stream")
MOST_ENTRIES = 64
LARGEST_INTEGER = 2**53


def parse_request_fields(arguments: Arguments) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Parses the fields that requests get: where the caller gave none, and whatever the caller gave."""
    defaults, overrides = (_parse_fields(arguments, name) for name in ("request_defaults", "request_overrides"))
    for field in defaults:
        if field in overrides:
            arguments.report(
                "`request_overrides` sets it in any case; remove one of them", "request_defaults", Key(field)
            )
    return defaults, overrides


def parse_model_aliases(arguments: Arguments) -> Mapping[str, str]:
    """Parses the models by the names that callers use for them."""
    if arguments.given("model_aliases") and arguments.given("model"):
        arguments.report("has no effect with `model`, which wins; remove one of them", "model_aliases")
    aliases: Mapping[str, str] = arguments.read("model_aliases", check=_number_of_entries, default={})
    for alias, _ in arguments.read_each("model_aliases", check=validators.model):
        if reason := validators.model(str(alias), "give one without spaces around it"):
            arguments.report(reason, "model_aliases", alias)
    return aliases


def _parse_fields(arguments: Arguments, name: str) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = arguments.read(name, check=_number_of_entries, default={})
    for field, value in fields.items():
        if reason := _field_error(field, value) or (
            "`model` already sets it; remove one of them" if field == "model" and arguments.given("model") else None
        ):
            arguments.report(reason, name, Key(field))
    return fields


def _field_error(field: str, value: Any) -> str | None:
    if reason := validators.request_field(field):
        return reason
    if field in RESERVED_FIELDS:
        return "only the client sets this field; remove it"
    if value is None:
        return "null; give a value, or remove the field"
    if _is_rounded(value):
        return "has an integer beyond 2^53, which Pulumi would round; give a smaller one, or a string"
    return None


def _number_of_entries(entries: Mapping[str, Any]) -> str | None:
    return f"{len(entries)} entries; give at most {MOST_ENTRIES}" if len(entries) > MOST_ENTRIES else None


def _is_rounded(value: Any) -> bool:
    """Tells whether a number in the value changes on the way to the API server, where all numbers are floats."""
    if isinstance(value, Mapping):
        return any(map(_is_rounded, value.values()))
    if isinstance(value, list):
        return any(map(_is_rounded, value))
    return isinstance(value, int) and abs(value) > LARGEST_INTEGER
