"""Nothing that is printed of an error holds a key, whoever wrote the text."""

import re
from collections.abc import Iterable

REMOVED = "[removed]"
LONGEST_QUOTE = 300

# What looks like a token, a masked one included: providers quote those in their errors.
_LOOKS_LIKE_A_KEY = re.compile(r"(?i)\b(bearer\s+)\S+|\b(?:sk|pk|gsk|xai|key|nvapi|hf)[-_][\w*.\-]{6,}|\b\w{32,}\b")


def quoted(text: str) -> str:
    """What somebody else wrote, as one line that isn't too long, without what looks like a key."""
    text = _LOOKS_LIKE_A_KEY.sub(lambda match: f"{match[1] or ''}{REMOVED}", text)
    printable = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(printable.split())
    return line if len(line) <= LONGEST_QUOTE else f"{line[: LONGEST_QUOTE - 3]}..."


def without(keys: Iterable[str], text: str) -> str:
    """The text without these keys."""
    for key in sorted(filter(None, keys), key=len, reverse=True):
        text = text.replace(key, REMOVED)
    return text
