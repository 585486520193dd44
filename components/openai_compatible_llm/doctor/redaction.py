"""Keeps keys out of everything that is printed, whoever wrote the text."""

import re
from collections.abc import Iterable

REMOVED = "[removed]"
MAX_QUOTE_LENGTH = 300

# A shorter part of a key may be any word.
MIN_PART_LENGTH = 6

# Matches tokens, masked ones included: providers quote those in their errors, such as `ba***na` or `****c0de`.
_LOOKS_LIKE_A_KEY = re.compile(
    r"(?i)\b(bearer\s+)\S+"
    r"|\b(?:sk|pk|gsk|xai|key|nvapi|hf|r8|fw|csk|pplx|tgp)[-_][\w*.\-]{6,}|\bAIza[\w.\-]{6,}|\b\w{32,}\b"
    r"|[\w.\-]{0,80}(?:\*{2,}|•{2,}|x{4,})[\w.\-*•]*|[\w\-]{2,80}(?:\.{3}|…)[\w\-]{2,}"
)
_WORD = re.compile(r"[^\s\"'`,;:()<>\[\]{}]+")


def sanitize(text: str) -> str:
    """Makes one line of limited length out of somebody else's text, without anything that looks like a key."""
    text = _LOOKS_LIKE_A_KEY.sub(lambda match: f"{match[1] or ''}{REMOVED}", text)
    line = " ".join(printable(text).split())
    return line if len(line) <= MAX_QUOTE_LENGTH else f"{line[: MAX_QUOTE_LENGTH - 3]}..."


def printable(text: str) -> str:
    """Replaces what would move the cursor or end a line."""
    return "".join(character if character.isprintable() else " " for character in text)


def redact(keys: Iterable[str], text: str) -> str:
    """Removes these keys from the text, and words that are the beginning or the end of one."""
    keys = sorted(filter(None, keys), key=len, reverse=True)
    for key in keys:
        text = text.replace(key, REMOVED)

    def part_removed(word: re.Match[str]) -> str:
        part = word[0].strip(".…")
        is_part = len(part) >= MIN_PART_LENGTH and any(key.startswith(part) or key.endswith(part) for key in keys)
        return word[0].replace(part, REMOVED) if is_part else word[0]

    return _WORD.sub(part_removed, text)
