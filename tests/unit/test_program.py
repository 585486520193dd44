from typing import Any

import pulumi
import pytest

from tests.unit.recording import Recording, record_program

CANARY = "sk-canary-8c1f"


@pytest.fixture(autouse=True)
def _no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MISTRAL_API_KEY", "DEEPSEEK_API_KEY", "HOUSE_EU_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def stack_outputs(recording: Recording) -> Any:
    return next(outputs for urn, outputs in recording.outputs.items() if "pulumi:pulumi:Stack::" in urn)


def refusal(config: dict[str, Any], stack: str = "prod") -> str:
    with pytest.raises(pulumi.RunError) as caught:
        record_program(config, stack=stack)
    assert CANARY not in f"{caught.value!r}"
    return str(caught.value)


def test_a_provider_named_like_a_preset_needs_only_its_key() -> None:
    recording = record_program({"providers": {"mistral": {"apiKey": CANARY}}}, secret_keys=["providers"])
    assert recording.one(":Backend").inputs["spec"]["ai"]["llm"]["host"] == "api.mistral.ai"
    assert recording.one(":Secret").inputs["stringData"] == {"Authorization": CANARY}


def test_the_key_comes_from_the_environment_as_in_the_walk_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSE_EU_API_KEY", CANARY)
    recording = record_program({"providers": {"house-eu": {"host": "llm.example.com"}}})
    assert recording.one(":Secret").inputs["stringData"] == {"Authorization": CANARY}
    assert recording.one(":Secret").secret_inputs == {"stringData"}


def test_the_stacks_key_wins_over_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "sk-other")
    recording = record_program({"providers": {"mistral": {"apiKey": CANARY}}})
    assert recording.one(":Secret").inputs["stringData"] == {"Authorization": CANARY}


def test_a_key_out_of_the_config_is_a_secret_from_there_on() -> None:
    recording = record_program({"providers": {"mistral": {"apiKey": CANARY}}}, secret_keys=["providers"])
    assert recording.one(":Secret").secret_inputs == {"stringData"}
    others = [r for r in recording.resources if not r.type.endswith(":Secret")]
    assert CANARY not in f"{others} {recording.outputs} {recording.messages}"


def test_settings_are_written_in_camel_case() -> None:
    recording = record_program(
        {
            "providers": {
                "mistral": {
                    "apiKey": "k",
                    "routePath": "/m",
                    "rewriteHost": False,
                    "authHeader": {"headerName": "api-key"},
                    "gateway": {"name": "edge"},
                }
            }
        }
    )
    route = recording.one(":HTTPRoute").inputs["spec"]
    assert route["parentRefs"] == [{"name": "edge", "namespace": "gloo-system"}]
    assert route["rules"][0]["matches"] == [{"path": {"type": "PathPrefix", "value": "/m"}}]
    assert recording.one(":Backend").inputs["spec"]["ai"]["llm"]["authHeader"] == {"headerName": "api-key"}


def test_a_gateway_of_the_stack_holds_for_all_its_providers() -> None:
    recording = record_program(
        {
            "gateway": {"name": "edge", "namespace": "gateways"},
            "providers": {
                "mistral": {"apiKey": "k"},
                "deepseek": {"apiKey": "k"},
                "house": {"host": "llm.example.com", "apiKey": "k", "gateway": {"name": "inner"}},
            },
        }
    )
    parents = {r.name: r.inputs["spec"]["parentRefs"][0]["name"] for r in recording.resources if "HTTPRoute" in r.type}
    assert parents == {"mistral": "edge", "deepseek": "edge", "house": "inner"}


def test_a_preset_under_another_name() -> None:
    recording = record_program({"providers": {"eu": {"preset": "mistral", "apiKey": "k"}}})
    assert recording.one(":Backend", "eu").inputs["spec"]["ai"]["llm"]["host"] == "api.mistral.ai"


def test_the_stacks_outputs_say_where_each_provider_is() -> None:
    recording = record_program({"providers": {"mistral": {"apiKey": "k", "model": "m"}, "deepseek": {"apiKey": "k"}}})
    assert stack_outputs(recording) == {
        "providers": {
            "mistral": {"path": "/mistral", "host": "api.mistral.ai", "model": "m"},
            "deepseek": {"path": "/deepseek", "host": "api.deepseek.com"},
        }
    }


def test_a_missing_key_is_one_line_with_the_stack_the_provider_and_both_ways_to_give_it() -> None:
    assert refusal({"providers": {"mistral": {}}}) == (
        "Stack prod has no API key for provider mistral. Give it with "
        "`pulumi config set -s prod --secret --path 'providers.mistral.apiKey'`, "
        "or in the environment as MISTRAL_API_KEY."
    )


def test_every_provider_without_a_key_is_named() -> None:
    lines = refusal({"providers": {"mistral": {}, "deepseek": {"apiKey": CANARY}, "house": {"host": "h"}}}).splitlines()
    assert [line.split(" for provider ")[1].split(".")[0] for line in lines] == ["mistral", "house"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "Stack prod names no provider."),
        ({"providers": {}}, "Stack prod names no provider."),
        ({"providers": f"[{CANARY}"}, "Stack prod: openai-compatible-llm:providers must be a group of settings"),
        ({"providers": [CANARY]}, "Stack prod: openai-compatible-llm:providers must be a group of settings"),
        ({"providers": {"mistral": CANARY}}, "Stack prod: what stands under providers.mistral must be its settings"),
        (
            {"providers": {"mistral": {}}, "gateway": "edge"},
            "openai-compatible-llm:gateway must be a group of settings",
        ),
        ({"providers": {"mistral": {"apiKey": CANARY, "modle": "m"}}}, "did you mean `model`?"),
    ],
)
def test_config_that_makes_no_sense_is_refused_without_showing_it(config: dict[str, Any], message: str) -> None:
    assert message in refusal(config)
