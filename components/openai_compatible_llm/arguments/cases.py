"""Spells the names of arguments: in snake case for Python, in camel case for stack files and other languages."""

import re
from collections.abc import Callable

Case = Callable[[str], str]
"""Spells an argument's name: `str` as Python does, `to_camel_case` as stack files and other languages do."""

_QUOTE_OR_NAME = re.compile(r'"[^"]*"|`([^`:]+)([^`]*)`')


def to_camel_case(name: str) -> str:
    """Spells `route_path` as stack files and other languages do: `routePath`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def respell(text: str, case: Case) -> str:
    """Spells the arguments in a text, which are in backticks: `base_url`, `endpoints: chat`, `tls.disabled`.

    What follows a colon is a value and stays, as does all text in double quotes, which quotes a user's value.
    """
    return _QUOTE_OR_NAME.sub(lambda match: f"`{case(match[1])}{match[2]}`" if match[1] else match[0], text)
