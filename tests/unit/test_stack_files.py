"""What is read from a stack file without running the program, held against what the program does."""

import json
from typing import Any

import pytest

from components.openai_compatible_llm.backends import BACKENDS
from local.stack_files import read_key_variables, read_placements
from tests.support.recording import record_program


def placed(**settings: object) -> dict[str | None, tuple[str, str, str]]:
    """The API of each provider, and the Gateway."""
    found = read_placements(settings)
    return {name: (each.api.value, each.gateway.namespace, each.gateway.name) for name, each in found.items()}


SHARED = {"routePath": "/llm"}
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


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"shared": SHARED}, ("gloo-system", "agentgateway")),
        ({"shared": SHARED, "namespace": "llm", "api": "kgateway"}, ("llm", "agentgateway")),
        ({"shared": SHARED, "namespace": "llm", "gateway": EDGE}, ("infra", "edge")),
        ({"shared": {**SHARED, "gateway": {"name": "own"}}, "namespace": "llm", "gateway": EDGE}, ("llm", "own")),
        ({"shared": json.dumps({**SHARED, "gateway": EDGE}), "gateway": {"name": "other"}}, ("infra", "edge")),
    ],
)
def test_a_shared_url_is_in_the_namespace_of_its_own_gateway_or_the_stacks_or_the_default(
    settings: dict[str, object], place: tuple[str, str]
) -> None:
    (placement,) = read_placements(settings).values()
    assert (placement.api.value, placement.namespace) == ("agentgateway", place[0])
    assert (placement.gateway.namespace, placement.gateway.name) == place


@pytest.mark.parametrize("shared", [None, [], "text", {**SHARED, "gateway": {"name": "No name"}}, {"gateway": "edge"}])
def test_a_shared_url_whose_place_the_program_refuses_is_left_out(shared: object) -> None:
    assert list(placed(providers={"a": {}}, shared=shared)) == ["a"]


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


def test_the_variable_of_a_preset_counts_after_the_names_own_at_the_presets_host_alone() -> None:
    providers = {
        "mistral-eu": {"preset": "mistral"},
        "vllm": {"preset": "openai", "host": "llm.example.com"},
        "unknown": {"preset": "mystral"},
    }
    own_alone = [("VLLM_API_KEY",), ("UNKNOWN_API_KEY",)]
    assert read_key_variables({"providers": providers}) == [("MISTRAL_EU_API_KEY", "MISTRAL_API_KEY"), *own_alone]


def test_the_program_places_its_objects_just_there(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {
        "namespace": "llm",
        "gateway": {"name": "edge"},
        "shared": {**SHARED, "gateway": EDGE, "models": {"house": ["house-large"]}},
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
    placements = read_placements(settings)
    shared = placements.pop(None)
    route = recording.one(":HTTPRoute", "llm")
    assert route.inputs["metadata"]["namespace"] == shared.namespace
    assert route.inputs["spec"]["parentRefs"] == [{"name": shared.gateway.name, "namespace": shared.namespace}]
    for name, placement in placements.items():
        backend = recording.one(f":{BACKENDS[placement.api].kind}", str(name))
        route = recording.one(":HTTPRoute", str(name))
        assert backend.inputs["metadata"]["namespace"] == route.inputs["metadata"]["namespace"] == placement.namespace
        parent = {"name": placement.gateway.name, "namespace": placement.gateway.namespace}
        assert route.inputs["spec"]["parentRefs"] == [parent]
