"""Completes the plugin's schema, from which SDKs for other languages and their documentation are generated."""

import re
from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

from ..args import FallbackArgs
from ..component import TOKEN
from ..inputs import to_camel_case

DISPLAY_NAME = "OpenAI-compatible LLM"
FALLBACK = f"{TOKEN.rpartition(':')[0]}:{FallbackArgs.__name__}"


def finalize_schema(schema: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, Any]:
    """Adds to the analyzer's schema what the analyzer can't express.

    Args:
        schema: The analyzer's schema, with docstrings as in the source.
        project: The `project` table of the package's pyproject.toml.
    """
    schema = {
        **_for_other_languages(schema),
        "displayName": DISPLAY_NAME,
        "description": project["description"],
        "keywords": project["keywords"],
        "license": project["license"],
    }
    # The SDKs make it a secret before it leaves the program.
    schema["resources"][TOKEN]["inputProperties"]["apiKey"]["secret"] = True
    schema["types"][FALLBACK]["properties"]["apiKey"]["secret"] = True
    return schema


def _for_other_languages(value: Any) -> Any:
    """Removes the source's indentation from descriptions, and spells the names in them in camelCase."""
    if isinstance(value, Mapping):
        return {
            key: _in_camel_case(cleandoc(each))
            if key == "description" and isinstance(each, str)
            else _for_other_languages(each)
            for key, each in value.items()
        }
    return [_for_other_languages(each) for each in value] if isinstance(value, list) else value


def _in_camel_case(docstring: str) -> str:
    return re.sub(r"`[a-z_.]+`", lambda name: to_camel_case(name[0]), docstring)
