"""Completes the plugin's schema, from which SDKs for other languages and their documentation are generated."""

import re
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from typing import Any

from ..args import FallbackArgs
from ..component import TOKEN
from ..inputs import to_camel_case

DISPLAY_NAME = "OpenAI-compatible LLM"
# By these the Pulumi Registry sorts packages.
REGISTRY_KEYWORDS = ("category/network", "kind/component")
FALLBACK = f"{TOKEN.rpartition(':')[0]}:{FallbackArgs.__name__}"


def finalize_schema(schema: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, Any]:
    """Adds to the analyzer's schema what the analyzer can't express.

    Args:
        schema: The analyzer's schema, with docstrings as in the source.
        project: The `project` table of the package's pyproject.toml.
    """
    schema = {
        **_for_other_languages(schema, frozenset(_property_names(schema))),
        "displayName": DISPLAY_NAME,
        "description": project["description"],
        "keywords": [*REGISTRY_KEYWORDS, *project["keywords"]],
        "license": project["license"],
        **_origin(project),
    }
    for element in _elements(schema):
        # The analyzer repeats the description of the whole, and Pulumi drops that.
        element.pop("description", None)
    inputs = schema["resources"][TOKEN]["inputProperties"]
    # The SDKs make them secrets before they leave the program.
    for name in ("apiKey", "clientApiKeys"):
        inputs[name]["secret"] = True
    schema["types"][FALLBACK]["properties"]["apiKey"]["secret"] = True
    # The analyzer takes Any for a plain value, but a field of the requests may be an Output.
    for name in ("requestDefaults", "requestOverrides"):
        inputs[name]["additionalProperties"].pop("plain", None)
    return schema


def _origin(project: Mapping[str, Any]) -> dict[str, str]:
    """Returns who publishes the package and where it is, if the project says so."""
    urls = project.get("urls", {})
    repository = urls.get("Repository")
    publisher = next((author["name"] for author in project.get("authors", ()) if "name" in author), None)
    origin = {"homepage": urls.get("Homepage", repository), "repository": repository, "publisher": publisher}
    return {field: value for field, value in origin.items() if value is not None}


def _property_names(value: Any) -> Iterator[str]:
    """Yields the names of all inputs, outputs and fields of types."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key in ("inputProperties", "properties"):
                yield from each
            yield from _property_names(each)


def _elements(value: Any) -> Iterator[dict[str, Any]]:
    """Yields the types of the elements of lists and maps."""
    if isinstance(value, Mapping):
        if isinstance(value.get("type"), str):
            yield from (value[key] for key in ("items", "additionalProperties") if key in value)
        for each in value.values():
            yield from _elements(each)


def _for_other_languages(value: Any, names: frozenset[str]) -> Any:
    """Removes the source's indentation from descriptions, and spells the properties in them in camelCase."""
    if isinstance(value, Mapping):
        return {
            key: _in_camel_case(cleandoc(each), names)
            if key == "description" and isinstance(each, str)
            else _for_other_languages(each, names)
            for key, each in value.items()
        }
    return [_for_other_languages(each, names) for each in value] if isinstance(value, list) else value


def _in_camel_case(docstring: str, names: frozenset[str]) -> str:
    """Spells properties only: a field of the requests' bodies keeps its name."""

    def spelled(name: re.Match[str]) -> str:
        camel_case = to_camel_case(name[0])
        return camel_case if names.issuperset(camel_case.strip("`").split(".")) else name[0]

    return re.sub(r"`[a-z_.]+`", spelled, docstring)
