"""Pulumi's analyzer, by which programs in other languages get the component."""

from pulumi.provider.experimental.analyzer import Analyzer

from components import OpenAICompatibleLLM


def test_the_analyzer_accepts_the_component_and_finds_a_description_for_everything() -> None:
    found = Analyzer("openai-compatible-llm").analyze([OpenAICompatibleLLM])
    component = found["component_definitions"]["OpenAICompatibleLLM"]
    groups = [component.inputs, component.outputs, *(each.properties for each in found["type_definitions"].values())]
    assert [name for properties in groups for name, each in properties.items() if not each.description] == []
    assert set(component.inputs) >= {"preset", "host", "apiKey", "routePath", "rewriteHost", "gateway"}
    assert set(component.inputs) >= {"clientApiKeys", "rateLimits", "requestDefaults", "modelAliases"}
