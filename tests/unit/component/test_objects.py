"""Which objects there are, how they are named, and in which order they are created."""

from typing import Any

import pulumi
import pulumi_kubernetes
import pytest

from components import BackendApi, OpenAICompatibleLLM, OpenAICompatibleLLMArgs
from tests.support.recording import Recording, record, record_component

POLICY_SUFFIX = {BackendApi.KGATEWAY: "-tls", BackendApi.AGENTGATEWAY: ""}


@pytest.fixture
def recording(mistral: dict[str, Any]) -> Recording:
    return record_component(mistral)


def test_the_objects_are_named_after_the_component(
    mistral: dict[str, Any], api: BackendApi, backend_kind: str, policy_kind: str
) -> None:
    recording = record_component(mistral, "eu")
    assert {each["kind"]: each["metadata"]["name"] for each in recording.objects()} == {
        "Secret": "eu-secret",
        backend_kind: "eu",
        policy_kind: f"eu{POLICY_SUFFIX[api]}",
        "HTTPRoute": "eu",
    }
    kinds = {r.type.rpartition(":")[2] for r in recording.resources[1:]}
    assert kinds == {"Secret", backend_kind, policy_kind, "HTTPRoute"}


def test_all_objects_are_in_one_namespace(mistral: dict[str, Any]) -> None:
    objects = record_component({**mistral, "namespace": "llm"}).objects()
    assert [each["metadata"]["namespace"] for each in objects] == ["llm"] * 4


def test_the_objects_are_children_of_the_component(recording: Recording) -> None:
    component = recording.one(":OpenAICompatibleLLM")
    assert [r.parent for r in recording.resources[1:]] == [component.urn] * 4


def test_the_secret_is_created_before_the_backend_and_the_route_last(
    recording: Recording, backend_kind: str, policy_kind: str
) -> None:
    secret, backend, policy, route = (
        recording.one(f":{kind}") for kind in ("Secret", backend_kind, policy_kind, "HTTPRoute")
    )
    assert secret.dependencies == []
    assert backend.dependencies == [secret.urn]
    assert policy.dependencies == [backend.urn]
    assert set(route.dependencies) == {backend.urn, policy.urn}


def test_the_objects_inherit_the_components_kubernetes_provider(mistral: OpenAICompatibleLLMArgs) -> None:
    def program() -> None:
        cluster = pulumi_kubernetes.Provider("cluster", kubeconfig="{}")
        OpenAICompatibleLLM("mistral", mistral, pulumi.ResourceOptions(providers=[cluster]))

    recording = record(program)
    cluster = recording.one("pulumi:providers:kubernetes")
    objects = [r for r in recording.resources if r.type.startswith("kubernetes:")]
    assert [r.provider.startswith(cluster.urn) for r in objects] == [True] * 4


def test_two_components_of_a_program_share_no_object(mistral: OpenAICompatibleLLMArgs, api: BackendApi) -> None:
    def program() -> None:
        OpenAICompatibleLLM("mistral", mistral)
        OpenAICompatibleLLM("deepseek", {"preset": "deepseek", "api_key": "k", "api": api})

    names = [each["metadata"]["name"] for each in record(program).objects()]
    suffixes = ("", "", POLICY_SUFFIX[api], "-secret")
    assert sorted(names) == sorted(f"{name}{suffix}" for name in ("mistral", "deepseek") for suffix in suffixes)


def test_a_change_of_the_api_replaces_the_backend_and_the_policy_alone(mistral: dict[str, Any]) -> None:
    def objects(api: BackendApi) -> set[tuple[str, str]]:
        return {
            (each["kind"], each["metadata"]["name"]) for each in record_component({**mistral, "api": api}).objects()
        }

    assert objects(BackendApi.KGATEWAY) ^ objects(BackendApi.AGENTGATEWAY) == {
        ("Backend", "mistral"),
        ("AgentgatewayBackend", "mistral"),
        ("BackendTLSPolicy", "mistral-tls"),
        ("AgentgatewayPolicy", "mistral"),
    }
