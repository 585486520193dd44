"""Suggests the name that was meant by a misspelt one."""

import re
from collections.abc import Iterable, Mapping

_CLOSE = 0.8
"""How much of two names must be the same for one to be a misspelling of the other."""


def suggestion(name: str, valid: Iterable[str], what: str) -> str:
    """Suggests the name that was probably meant; lists all valid ones where none is close."""
    names = sorted(valid)
    if close := closest(name, names):
        return f"did you mean `{close}`?"
    return f"valid {what} are {', '.join(f'`{each}`' for each in names)}"


def closest(name: str, valid: Iterable[str], advice: Mapping[str, str] | None = None) -> str | None:
    """Returns the valid name, or the advice for a bare word, that this name is or comes close to in any spelling."""
    words = {**(advice or {}), **{bare(each): each for each in valid}}
    import difflib  # Takes a while to import, and is needed for an error only.

    close = difflib.get_close_matches(bare(name), words, n=1, cutoff=_CLOSE)
    return words[close[0]] if close else None


def bare(name: str) -> str:
    """Returns a name without what the spellings differ in: `apibase` for `api_base`, `apiBase` and `API-Base`."""
    return re.sub("[^a-z0-9]", "", name.lower())
