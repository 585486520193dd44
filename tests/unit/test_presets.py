"""The catalogue, and what a preset does in a component."""

from dataclasses import fields
from datetime import date

import pytest

from components import BackendApi, Endpoints, OpenAICompatibleLLMArgs
from components.openai_compatible_llm.inputs import parse, validators
from components.openai_compatible_llm.presets import PRESETS, Preset
from tests.unit.recording import record_component

KEY = "sk-canary-8c1f"


@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_makes_a_component_whose_objects_have_its_host_and_path(key: str) -> None:
    preset = PRESETS[key]
    args: OpenAICompatibleLLMArgs = {"preset": key, "api_key": KEY, "api": BackendApi.AGENTGATEWAY}
    recording = record_component(args)
    provider = recording.spec("AgentgatewayBackend")["ai"]["provider"]
    prefix = preset.path.removesuffix("/chat/completions") or "/"
    assert provider == {"openai": {}, "host": preset.host, "port": preset.port, "pathPrefix": prefix}
    chat = record_component({**args, "endpoints": Endpoints.CHAT}).spec("AgentgatewayBackend")["ai"]["provider"]
    assert chat == {"openai": {}, "host": preset.host, "port": preset.port, "path": preset.path}
    assert recording.spec("BackendTLSPolicy")["validation"] == {
        "hostname": preset.host,
        "wellKnownCACertificates": "System",
    }


@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_is_well_formed_and_names_its_sources(key: str) -> None:
    preset = PRESETS[key]
    # The preset's name is a component's name by default.
    parse(key, {"preset": key, "api_key": KEY})
    assert validators.host(preset.host) is None
    assert preset.path.endswith("/chat/completions")
    assert preset.title
    assert len(set(preset.sources)) == len(preset.sources) > 0
    assert preset.confirmed <= date.today()  # noqa: DTZ011 (a day more or less is no matter)


def test_no_two_presets_are_one_provider() -> None:
    for facts in ([preset.host for preset in PRESETS.values()], [preset.title for preset in PRESETS.values()]):
        assert sorted(set(facts)) == sorted(facts)


def test_a_preset_names_no_model() -> None:
    assert not any("model" in field.name for field in fields(Preset))
