"""The plugin's schema, of which the SDKs for other languages and their documentation are made."""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

from .component import TOKEN
from .problems import names_in_camel_case

DISPLAY_NAME = "OpenAI-compatible LLM"


def completed(schema: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, Any]:
    """What the analyzer found, with what it has no word for.

    Args:
        schema: The analyzer's, with docstrings as they stand in the source.
        project: The `project` table of the package's pyproject.toml.
    """
    whole: dict[str, Any] = {
        **_for_other_languages(schema),
        "displayName": DISPLAY_NAME,
        "description": project["description"],
        "keywords": project["keywords"],
        "license": project["license"],
    }
    # The SDKs make it a secret before it leaves the program.
    whole["resources"][TOKEN]["inputProperties"]["apiKey"]["secret"] = True
    return whole


def _for_other_languages(value: Any) -> Any:
    """The same with descriptions without the source's indentation and with names in camelCase."""
    if isinstance(value, Mapping):
        return {
            key: names_in_camel_case(cleandoc(each))
            if key == "description" and isinstance(each, str)
            else _for_other_languages(each)
            for key, each in value.items()
        }
    return [_for_other_languages(each) for each in value] if isinstance(value, list) else value
