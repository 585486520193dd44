"""Spells the names of arguments: in snake case for Python, in camel case for stack files and other languages."""

import re
from collections.abc import Callable

Case = Callable[[str], str]
"""Spells an argument's name: `str` as Python does, `to_camel_case` as stack files and other languages do."""

_QUOTED_OR_NAME = re.compile(r'"[^"]*"|`[a-z_.<>]+')


def to_camel_case(name: str) -> str:
    """Spells `route_path` as stack files and other languages do: `routePath`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def respell(text: str, case: Case) -> str:
    """Spells the names of arguments in a text, which stand in backticks, such as `tls.ca_certificate_configmap`.

    Leaves what stands in double quotes alone: it is what somebody gave.
    """
    return _QUOTED_OR_NAME.sub(lambda match: match[0] if match[0][0] == '"' else case(match[0]), text)
