"""The catalogue, and what a preset does in a component."""

from dataclasses import fields
from datetime import date
from typing import Any

import pulumi
import pytest

from components import BackendApi, InvalidArguments, OpenAICompatibleLLM
from components.openai_compatible_llm import formats
from components.openai_compatible_llm.providers import PRESETS, Preset
from components.openai_compatible_llm.validation import find_problems
from tests.unit.recording import Recording, record

KEY = "sk-canary-8c1f"
HEADER = {"name": "api-subscription-key"}


def made(preset: str, **more: Any) -> Recording:
    args: Any = {"preset": preset, "api_key": KEY, **more}
    return record(lambda: OpenAICompatibleLLM("llm", args))


def auth(recording: Recording) -> Any:
    return recording.one(":AgentgatewayBackend").inputs["spec"]["policies"]["auth"]


@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_makes_a_component_whose_objects_have_its_host_and_path(key: str) -> None:
    preset = PRESETS[key]
    recording = made(key, api="agentgateway")
    provider = recording.one(":AgentgatewayBackend").inputs["spec"]["ai"]["provider"]
    assert provider == {"openai": {}, "host": preset.host, "port": preset.port, "path": preset.path}
    policy = recording.one(":BackendTLSPolicy").inputs["spec"]
    assert policy["validation"] == {"hostname": preset.host, "wellKnownCACertificates": "System"}


@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_is_well_formed_and_says_where_it_stands(key: str) -> None:
    preset = PRESETS[key]
    # Its key is a component's name, and of that is made the variable with the API key.
    assert find_problems(key, {"preset": key, "api_key": KEY, "api": "agentgateway"}) == []
    assert formats.host(preset.host) is None
    assert preset.path.endswith("/chat/completions")
    assert preset.title
    assert len(set(preset.sources)) == len(preset.sources) > 0
    assert preset.confirmed <= date.today()  # noqa: DTZ011 (a day more or less is no matter)


def test_no_two_presets_are_one_provider() -> None:
    for facts in ([preset.host for preset in PRESETS.values()], [preset.title for preset in PRESETS.values()]):
        assert sorted(set(facts)) == sorted(facts)


def test_a_preset_names_no_model() -> None:
    assert not any("model" in field.name for field in fields(Preset))


def test_only_a_preset_with_a_header_of_its_own_changes_the_backend() -> None:
    sent = {key: auth(made(key, api="agentgateway")).get("location") for key in PRESETS}
    assert {key: location for key, location in sent.items() if location} == {"sarvam": {"header": HEADER}}


def test_a_header_that_is_given_wins_over_the_presets() -> None:
    recording = made("sarvam", api="agentgateway", auth_header={"header_name": "X-Key"})
    assert auth(recording)["location"] == {"header": {"name": "X-Key"}}


def test_the_presets_header_is_none_of_the_callers_business_who_brings_a_token() -> None:
    for api in BackendApi:
        recording = made("sarvam", api_key=None, passthrough=True, api=api)
        assert "api-subscription-key" not in str(recording.objects())


def test_a_preset_known_only_later_is_as_one_known_at_once() -> None:
    def program(**more: Any) -> None:
        args: Any = {"preset": pulumi.Output.from_input("sarvam"), "api_key": KEY, **more}
        OpenAICompatibleLLM("llm", args)

    assert auth(record(lambda: program(api="agentgateway")))["location"] == {"header": HEADER}
    with pytest.raises(InvalidArguments, match='preset: "sarvam" takes the key in the header api-subscription-key'):
        record(program)


def test_with_a_header_that_is_given_it_is_the_users_word_and_as_ever_a_warning() -> None:
    other = made("sarvam", auth_header={"header_name": "api-subscription-key"})
    assert ["proxies of gateway.kgateway.dev ignore it" in warning for warning in other.warnings] == [True]
    assert made("sarvam", auth_header={"header_name": "Authorization"}).warnings == []
