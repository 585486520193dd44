"""Pulumi's analyzer, by which programs in other languages get the components."""

import re

from pulumi.provider.experimental.analyzer import Analyzer

from components.openai_compatible_llm.plugin.registry import COMPONENTS

FOUND = Analyzer("openai-compatible-llm").analyze([each.resource for each in COMPONENTS.values()])
FOUND_COMPONENTS, FOUND_TYPES = FOUND["component_definitions"].values(), FOUND["type_definitions"].values()
PROPERTIES = [
    (name, each.description)
    for properties in (
        *(each.inputs for each in FOUND_COMPONENTS),
        *(each.outputs for each in FOUND_COMPONENTS),
        *(each.properties for each in FOUND_TYPES),
    )
    for name, each in properties.items()
]


def test_the_analyzer_accepts_the_components_and_finds_a_description_for_everything() -> None:
    assert [name for name, description in PROPERTIES if not description] == []
    inputs = FOUND["component_definitions"]["OpenAICompatibleLLM"].inputs
    assert set(inputs) >= {"preset", "host", "apiKey", "routePath", "rewriteHost", "gateway"}
    assert set(inputs) >= {"clients", "rateLimits", "requestDefaults", "modelAliases"}


def test_names_with_underscores_in_backticks_are_of_arguments_and_outputs() -> None:
    """Other languages get all of them in camelCase, in which any other name would be misspelt."""
    mappings = [mapping for each in FOUND_COMPONENTS for mapping in (each.inputs_mapping, each.outputs_mapping)]
    mappings += [each.properties_mapping for each in FOUND_TYPES]
    descriptions = [each for _, each in PROPERTIES] + [each.description for each in FOUND_COMPONENTS]
    descriptions += [each.description for each in FOUND_TYPES]
    text = "\n".join(each or "" for each in descriptions)
    named = {part for quoted in re.findall("`([^`]+)`", text) for part in re.findall(r"[a-z]+(?:_[a-z0-9]+)+", quoted)}
    assert "base_url" in named
    assert named - {name for mapping in mappings for name in mapping.values()} == set()
