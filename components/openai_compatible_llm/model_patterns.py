"""Knows the names by which clients ask for models: exact ones, and patterns with one `*` at their beginning or end."""

import re
from collections.abc import Iterable

ANY = "*"
"""Stands for any characters, or none."""

_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def is_pattern(name: str) -> bool:
    return ANY in name


def matches(pattern: str, model: str) -> bool:
    """Tells whether the pattern, or exact name, stands for the model."""
    start, star, end = pattern.partition(ANY)
    return model.startswith(start) and model.endswith(end) if star else model == pattern


def overlap(one: str, other: str) -> bool:
    """Tells whether there can be a model for which both stand."""
    if not is_pattern(one):
        return matches(other, one)
    if not is_pattern(other):
        return matches(one, other)
    (one_start, one_end), (other_start, other_end) = one.split(ANY), other.split(ANY)
    return (one_start.startswith(other_start) or other_start.startswith(one_start)) and (
        one_end.endswith(other_end) or other_end.endswith(one_end)
    )


def alternatives(patterns: Iterable[str]) -> str:
    """Builds the regular expression for all models that the patterns stand for, without anchors."""
    return "|".join(".*".join(map(_escape, each.split(ANY))) for each in patterns)


def regular_expression(patterns: Iterable[str]) -> str:
    """Builds the same with anchors.

    The proxy takes the first match of a header that it finds and asks whether it is the whole value: of
    `gpt-5|gpt-5-mini`, that would never be the second. Source: `HeaderValueMatch` in agentgateway's types/agent.rs.
    """
    return f"^({alternatives(patterns)})$"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)
