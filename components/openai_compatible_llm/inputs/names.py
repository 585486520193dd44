"""Spells the names of arguments."""

import re


def to_camel_case(name: str) -> str:
    """Spells `route_path` as stack files and other languages do: `routePath`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
