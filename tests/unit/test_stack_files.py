"""What is read from a stack file without running the program, held against what the program does."""

import json
from typing import Any

import pytest

from components.openai_compatible_llm.backends import BACKENDS
from local.stack_files import read_key_variables, read_placements
from tests.support.recording import record_program


def placed(**settings: object) -> dict[str, tuple[str, str, str]]:
    """The API of each provider, and the Gateway."""
    found = read_placements(settings)
    return {name: (each.api.value, each.gateway.namespace, each.gateway.name) for name, each in found.items()}


EDGE = {"name": "edge", "namespace": "infra"}
OWN = {"api": "agentgateway", "gateway": {"name": "own"}, "namespace": "llm"}


@pytest.mark.parametrize(
    ("settings", "attached"),
    [
        ({"providers": {"a": None}}, ("kgateway", "gloo-system", "agentgateway")),
        (
            {"api": "agentgateway", "namespace": "llm", "providers": {"a": {"model": "m"}}},
            ("agentgateway", "llm", "agentgateway"),
        ),
        ({"gateway": EDGE, "providers": {"a": {"namespace": "llm"}}}, ("kgateway", "infra", "edge")),
        ({"api": "kgateway", "gateway": EDGE, "providers": {"a": OWN}}, ("agentgateway", "llm", "own")),
        ({"gateway": '{"name": "edge"}', "providers": '{"a": {}}'}, ("kgateway", "gloo-system", "edge")),
    ],
)
def test_the_gateway_of_a_provider_is_its_own_or_the_stacks_or_the_default(
    settings: dict[str, object], attached: tuple[str, str, str]
) -> None:
    assert placed(**settings) == {"a": attached}


@pytest.mark.parametrize(
    ("settings", "namespaces"),
    [
        ({"providers": {"a": {}}}, {"a": "gloo-system"}),
        (
            {"namespace": "llm", "providers": {"a": {"namespace": "other"}, "b": None, 4: "no group"}},
            {"a": "other", "b": "llm", "4": "llm"},
        ),
        ({"namespace": "No namespace", "providers": {"a": {"namespace": ["x"]}, "b": {}}}, {}),
        ({"namespace": 5, "providers": ["a"]}, {}),
    ],
)
def test_the_namespace_of_a_provider_is_its_own_or_the_stacks_or_the_default(
    settings: dict[str, object], namespaces: dict[str, str]
) -> None:
    found = read_placements(settings)
    assert {name: each.namespace for name, each in found.items()} == namespaces


@pytest.mark.parametrize(
    "given",
    [
        {"api": "istio"},
        {"api": ["kgateway"]},
        {"namespace": "No namespace"},
        {"gateway": {"name": "No name"}},
        {"gateway": {"nmae": "misspelt"}},
        {"gateway": {"name": {"is": "a group"}}},
    ],
)
def test_a_provider_whose_place_the_program_refuses_is_left_out(given: object) -> None:
    assert list(placed(providers={"a": given, "b": {}})) == ["b"]


@pytest.mark.parametrize("providers", [None, [], "text", "[1]", 5])
def test_config_without_providers_places_none_and_needs_no_key(providers: object) -> None:
    assert placed(providers=providers) == {}
    assert read_key_variables({"providers": providers}) == []


def test_a_key_is_taken_from_the_environment_where_the_file_gives_none() -> None:
    providers = {
        "a-1": {"model": "m"},
        "b": None,
        4: {},
        "c": {"apiKey": "key"},
        "d": {"apiKeySecret": {"name": "keys"}},
        "e": {"passthrough": True},
    }
    variables = [("A_1_API_KEY",), ("B_API_KEY",), ("4_API_KEY",)]
    assert read_key_variables({"providers": providers}) == variables
    assert read_key_variables({"providers": json.dumps(providers)}) == variables


def test_the_program_places_its_objects_just_there(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {
        "namespace": "llm",
        "gateway": {"name": "edge"},
        "providers": {
            "mistral": {},
            "deepseek": {"namespace": "other", "apiKey": "k", "gateway": {"name": "own", "namespace": "infra"}},
            "groq": {"api": "agentgateway", "apiKeySecret": {"name": "keys"}},
        },
    }
    variables = read_key_variables(settings)
    assert variables == [("MISTRAL_API_KEY",)]
    for (variable,) in variables:
        monkeypatch.setenv(variable, "sk-from-the-environment")
    recording = record_program(settings)
    for name, placement in read_placements(settings).items():
        backend = recording.one(f":{BACKENDS[placement.api].kind}", name)
        route = recording.one(":HTTPRoute", name)
        assert backend.inputs["metadata"]["namespace"] == route.inputs["metadata"]["namespace"] == placement.namespace
        parent = {"name": placement.gateway.name, "namespace": placement.gateway.namespace}
        assert route.inputs["spec"]["parentRefs"] == [parent]
