"""Keeps keys out of everything that is printed, whoever wrote the text."""

import re
from collections.abc import Iterable

REMOVED = "[removed]"
MAX_QUOTE_LENGTH = 300

# Matches tokens, masked ones included: providers quote those in their errors.
_LOOKS_LIKE_A_KEY = re.compile(r"(?i)\b(bearer\s+)\S+|\b(?:sk|pk|gsk|xai|key|nvapi|hf)[-_][\w*.\-]{6,}|\b\w{32,}\b")


def sanitize(text: str) -> str:
    """Makes one line of limited length out of somebody else's text, without anything that looks like a key."""
    text = _LOOKS_LIKE_A_KEY.sub(lambda match: f"{match[1] or ''}{REMOVED}", text)
    line = " ".join(printable(text).split())
    return line if len(line) <= MAX_QUOTE_LENGTH else f"{line[: MAX_QUOTE_LENGTH - 3]}..."


def printable(text: str) -> str:
    """Replaces what would move the cursor or end a line."""
    return "".join(character if character.isprintable() else " " for character in text)


def redact(keys: Iterable[str], text: str) -> str:
    """Removes these keys from the text."""
    for key in sorted(filter(None, keys), key=len, reverse=True):
        text = text.replace(key, REMOVED)
    return text
