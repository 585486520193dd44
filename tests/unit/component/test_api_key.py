"""The API key: where it goes, where it never shows, and the warning about its rotation."""

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes
import pytest

from components import BackendApi, OpenAICompatibleLLM, OpenAICompatibleLLMArgs
from tests.support.recording import Recording, record, record_component


def test_the_secret_holds_the_key_where_the_gateway_looks_for_it(mistral: dict[str, Any], api_key: str) -> None:
    secret = record_component(mistral).one(":Secret").inputs
    assert (secret["type"], secret["stringData"]) == ("Opaque", {"Authorization": api_key})
    assert secret["metadata"] == {"name": "mistral-secret", "namespace": "gloo-system"}


@pytest.mark.parametrize("given_as", [str, pulumi.Output.from_input, pulumi.Output.secret])
def test_only_the_key_is_secret_and_always_is(given_as: Callable[[str], Any], mistral: dict[str, Any]) -> None:
    recording = record_component(lambda: {**mistral, "api_key": given_as(mistral["api_key"])})
    secret_inputs = {r.type: r.secret_inputs for r in recording.resources if r.secret_inputs}
    assert secret_inputs == {"kubernetes:core/v1:Secret": {"stringData"}}


def test_the_key_may_be_an_awaitable(mistral: dict[str, Any], api_key: str) -> None:
    async def from_a_vault() -> str:
        await asyncio.sleep(0)
        return api_key

    recording = record_component(lambda: {**mistral, "api_key": from_a_vault()})
    assert recording.one(":Secret").inputs["stringData"] == {"Authorization": api_key}


def test_the_key_is_in_no_other_resource_output_or_message(mistral: dict[str, Any], api_key: str) -> None:
    assert api_key not in record_component(mistral).outside_secrets()


def test_with_an_existing_secret_none_is_created(mistral: dict[str, Any], backend_kind: str, policy_kind: str) -> None:
    recording = record_component({**mistral, "api_key": None, "api_key_secret": {"name": "house-keys"}})
    assert recording.kinds() == [backend_kind, policy_kind, "HTTPRoute"]
    assert recording.component_outputs()["secretName"] == "house-keys"


def test_with_passthrough_no_secret_is_created(mistral: dict[str, Any], backend_kind: str, policy_kind: str) -> None:
    recording = record_component({**mistral, "api_key": None, "passthrough": True})
    assert recording.kinds() == [backend_kind, policy_kind, "HTTPRoute"]
    assert "secretName" not in recording.component_outputs()


@pytest.mark.parametrize("api", [BackendApi.AGENTGATEWAY])
def test_without_a_key_no_secret_is_created_and_the_callers_token_is_removed(
    mistral: dict[str, Any], backend_kind: str, policy_kind: str
) -> None:
    recording = record_component({**mistral, "api_key": None, "keyless": True}, config={})
    assert recording.kinds() == [backend_kind, policy_kind, "HTTPRoute"]
    assert "secretName" not in recording.component_outputs()
    assert set(recording.spec(backend_kind)["policies"]) == {"ai", "tls"}
    removal = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["Authorization"]}}
    for rule in recording.spec("HTTPRoute")["rules"]:
        assert rule["filters"].count(removal) == 1
        assert [each["type"] for each in rule["filters"]] == ["RequestHeaderModifier", "URLRewrite"]
    assert recording.warnings == []


@pytest.mark.parametrize("argument", ["passthrough", "keyless"])
def test_passthrough_and_keyless_are_false_by_default(argument: str, mistral: dict[str, Any]) -> None:
    explicit = record_component({**mistral, argument: False})
    assert explicit.objects() == record_component(mistral).objects()


@pytest.fixture
def two_providers(mistral: OpenAICompatibleLLMArgs, api_key: str) -> Callable[[dict[str, str]], Recording]:
    """Runs a program of two components with this config."""

    def program() -> None:
        OpenAICompatibleLLM("mistral", mistral)
        OpenAICompatibleLLM("deepseek", {"preset": "deepseek", "api_key": api_key})

    return lambda config: record(program, config=config)


def test_a_program_warns_once_that_a_rotation_replaces_the_secret(
    two_providers: Callable[[dict[str, str]], Recording],
) -> None:
    (warning,) = two_providers({}).warnings
    assert "pulumi config set -s test kubernetes:enableSecretMutable true" in warning
    assert "without a key" in warning


@pytest.mark.parametrize("value", ["true", "True", "1"])
def test_config_that_updates_secrets_in_place_prevents_the_warning(
    value: str, two_providers: Callable[[dict[str, str]], Recording]
) -> None:
    assert two_providers({"kubernetes:enableSecretMutable": value}).warnings == []


def test_an_environment_that_updates_secrets_in_place_prevents_the_warning(
    two_providers: Callable[[dict[str, str]], Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_K8S_ENABLE_SECRET_MUTABLE", "true")
    assert two_providers({}).warnings == []


def test_a_provider_of_the_programs_own_prevents_the_warning(mistral: OpenAICompatibleLLMArgs) -> None:
    def program() -> None:
        cluster = pulumi_kubernetes.Provider("cluster", enable_secret_mutable=True)
        OpenAICompatibleLLM("mistral", mistral, pulumi.ResourceOptions(providers=[cluster]))

    assert record(program, config={}).warnings == []


def test_without_a_secret_there_is_no_warning(mistral: dict[str, Any]) -> None:
    assert record_component({**mistral, "api_key": None, "passthrough": True}, config={}).warnings == []
