"""Fallbacks in stack files: their presets, the places of their keys, and the names that clash."""

from typing import Any

import pytest

from local.stack_files import read_key_variables
from stack_config import key_places
from tests.support.recording import Recording, program_error, record_program
from tests.unit.test_program import CANARY

OTHER = "sk-canary-2nd-7b40"
VARIABLES = (
    *("MISTRAL_API_KEY", "DEEPSEEK_API_KEY", "MISTRAL_DEEPSEEK_API_KEY", "MISTRAL_EU_API_KEY", "EU_API_KEY"),
    *("OPENAI_API_KEY", "VLLM_API_KEY"),
)


@pytest.fixture(autouse=True)
def _no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def config(*fallbacks: Any, **mistral: Any) -> dict[str, Any]:
    return {
        "api": "agentgateway",
        "providers": {"mistral": {"apiKey": CANARY, **mistral, "fallbacks": list(fallbacks)}},
    }


def keys(recording: Recording) -> dict[str, str]:
    """Returns the key in each Secret."""
    assert all(each.secret_inputs == {"stringData"} for each in recording.all(":Secret"))
    return {each.name: each.inputs["stringData"]["Authorization"] for each in recording.all(":Secret")}


def test_a_fallback_named_like_a_preset_needs_only_its_key() -> None:
    recording = record_program(config({"name": "deepseek", "apiKey": OTHER}), secret_keys=["providers"])
    assert [each["host"] for each in recording.providers()] == ["api.mistral.ai", "api.deepseek.com"]
    assert keys(recording) == {"mistral-secret": CANARY, "mistral-deepseek-secret": OTHER}
    assert recording.warnings == []


@pytest.mark.parametrize(
    "environment",
    [
        {"MISTRAL_DEEPSEEK_API_KEY": OTHER},
        {"DEEPSEEK_API_KEY": OTHER},
        {"MISTRAL_DEEPSEEK_API_KEY": OTHER, "DEEPSEEK_API_KEY": "sk-canary-of-another"},
        {"MISTRAL_DEEPSEEK_API_KEY": "", "DEEPSEEK_API_KEY": OTHER},
    ],
)
def test_a_fallbacks_key_may_come_from_its_own_variable_or_else_its_presets(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert keys(record_program(config({"name": "deepseek"})))["mistral-deepseek-secret"] == OTHER


def test_a_component_of_another_name_takes_its_presets_key_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", OTHER)
    assert keys(record_program({"providers": {"eu": {"preset": "mistral"}}})) == {"eu-secret": OTHER}


@pytest.mark.parametrize(
    "elsewhere", [{"host": "llm.example.com"}, {"host": "api.openai.com.example.com", "port": 8443}]
)
def test_no_other_host_gets_the_key_of_a_presets_variable(
    elsewhere: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", OTHER)
    given = {"providers": {"vllm": {"preset": "openai", **elsewhere}}}
    assert program_error(given) == (
        "Stack prod has no API key for provider vllm. Set it with "
        "`pulumi config set -s prod --secret --path 'providers.vllm.apiKey'`, or in the environment as VLLM_API_KEY."
    )
    monkeypatch.setenv("VLLM_API_KEY", CANARY)
    assert keys(record_program(given)) == {"vllm-secret": CANARY}


def test_a_fallback_on_another_host_does_not_get_it_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", OTHER)
    given = config({"name": "eu", "preset": "deepseek", "host": "eu.example.com"})
    assert program_error(given) == (
        "Stack prod has no API key for fallback eu of provider mistral. Set it with "
        "`pulumi config set -s prod --secret --path 'providers.mistral.fallbacks[0].apiKey'`, "
        "or in the environment as MISTRAL_EU_API_KEY."
    )


@pytest.mark.parametrize("same_host", [{"host": "api.mistral.ai"}, {"port": 8443}, {"path": "/eu/chat/completions"}])
def test_another_port_or_path_of_the_presets_host_takes_its_key(
    same_host: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", OTHER)
    assert keys(record_program({"providers": {"eu": {"preset": "mistral", **same_host}}})) == {"eu-secret": OTHER}


def test_two_providers_and_a_fallback_share_the_variable_of_their_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", CANARY)
    eu = {"preset": "mistral", "fallbacks": [{"name": "again", "preset": "mistral"}]}
    recording = record_program({"api": "agentgateway", "providers": {"mistral": {}, "eu": eu}})
    assert keys(recording) == dict.fromkeys(("mistral-secret", "eu-secret", "eu-again-secret"), CANARY)


@pytest.mark.parametrize("elsewhere", [{"host": "llm.example.com"}, {"baseUrl": "https://llm.example.com/v1"}])
def test_a_variable_that_is_one_providers_by_name_and_anothers_by_preset_gives_no_key_to_two_hosts(
    elsewhere: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", OTHER)
    given = {"providers": {"openai": elsewhere, "vllm": {"preset": "openai"}}}
    assert program_error(given) == (
        "Stack prod: providers.vllm: the key in OPENAI_API_KEY would go to api.openai.com for provider vllm, and to "
        "llm.example.com for provider openai; set VLLM_API_KEY, or give provider openai another name"
    )
    monkeypatch.setenv("VLLM_API_KEY", CANARY)
    assert keys(record_program(given)) == {"openai-secret": OTHER, "vllm-secret": CANARY}


def test_a_variable_gives_its_key_to_one_host_by_name_and_by_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", OTHER)
    given = {"openai": {"baseUrl": "https://api.openai.com/v1"}, "vllm": {"preset": "openai"}}
    assert keys(record_program({"providers": given})) == {"openai-secret": OTHER, "vllm-secret": OTHER}


def test_a_fallback_on_a_host_has_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_EU_API_KEY", OTHER)
    recording = record_program(config({"name": "eu", "host": "eu.example.com"}))
    assert keys(recording)["mistral-eu-secret"] == OTHER


def test_a_key_in_the_config_takes_precedence_over_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_DEEPSEEK_API_KEY", "sk-canary-of-another")
    recording = record_program(config({"name": "deepseek", "apiKey": OTHER}))
    assert keys(recording)["mistral-deepseek-secret"] == OTHER


def test_an_existing_secret_needs_no_key() -> None:
    recording = record_program(config({"name": "deepseek", "apiKeySecret": {"name": "keys"}}))
    assert list(keys(recording)) == ["mistral-secret"]


def test_a_missing_key_of_a_fallback_is_reported_in_one_line_with_all_ways_to_give_it() -> None:
    given = config({"name": "a", "host": "a", "apiKey": OTHER}, {"name": "deepseek"}, {"name": "eu", "host": "eu"})
    assert program_error(given).splitlines() == [
        "Stack prod has no API key for fallback deepseek of provider mistral. Set it with "
        "`pulumi config set -s prod --secret --path 'providers.mistral.fallbacks[1].apiKey'`, "
        "or in the environment as MISTRAL_DEEPSEEK_API_KEY or DEEPSEEK_API_KEY.",
        "Stack prod has no API key for fallback eu of provider mistral. Set it with "
        "`pulumi config set -s prod --secret --path 'providers.mistral.fallbacks[2].apiKey'`, "
        "or in the environment as MISTRAL_EU_API_KEY.",
    ]


@pytest.mark.parametrize("entry", ["deepseek", None, ["deepseek"], 5])
def test_what_is_no_group_is_refused_and_the_others_keep_their_places(
    entry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = config(entry, {"name": "eu", "host": "eu"})
    missing = "providers.mistral.fallbacks[1].apiKey"
    assert missing in program_error(given)
    monkeypatch.setenv("MISTRAL_EU_API_KEY", OTHER)
    (problem,) = program_error(given).splitlines()
    assert problem.startswith("Stack prod: providers.mistral.fallbacks[0]: ")
    assert problem.endswith(" is not a group of settings")


def test_problems_of_a_fallback_are_lines_in_camel_case() -> None:
    given = config({"name": "eu", "apiKey": OTHER}, {"name": "deepseek", "apiKey": OTHER, "apiKeySecrt": {}}, model="m")
    misspelt, preset, model = program_error(given).replace("Stack prod: providers.mistral.fallbacks", "").splitlines()
    assert misspelt == "[1].apiKeySecrt: unknown argument; did you mean `apiKeySecret`?"
    assert preset.startswith(
        '[0].preset: "eu" is not a preset (for any other provider give `host` or `baseUrl`); valid presets are '
    )
    assert model == "[1].model: required, because the component's `model` is for api.mistral.ai"


def test_a_fallback_on_an_api_without_failover_is_refused() -> None:
    given = {**config({"name": "deepseek", "apiKey": OTHER}), "api": "kgateway"}
    assert program_error(given) == (
        "Stack prod: providers.mistral.fallbacks: these gateways stay with a provider that answers 5xx, and give the "
        "next one no Host; give `api: agentgateway`"
    )


def test_names_of_secrets_that_clash_are_refused() -> None:
    given = config({"name": "eu", "host": "eu.example.com", "apiKey": OTHER})
    given["providers"]["mistral-eu"] = {"preset": "mistral", "apiKey": OTHER}
    assert program_error(given) == (
        "Stack prod: providers.mistral-eu: its Secret mistral-eu-secret would have the name of one of provider mistral; "
        "give the provider or the fallback another name"
    )


def test_variables_that_clash_are_refused() -> None:
    given = config({"name": "eu", "host": "eu.example.com"})
    given["providers"]["mistral.eu"] = {"preset": "mistral"}
    lines = program_error(given).splitlines()
    assert lines[-1] == (
        'Stack prod: providers["mistral.eu"]: MISTRAL_EU_API_KEY would be the variable with the key of fallback eu of '
        "provider mistral and of provider mistral.eu; give one of them another name, or its `apiKey`"
    )


def test_a_key_of_a_fallback_in_plain_text_causes_a_warning() -> None:
    given = config({"name": "a", "host": "a", "apiKeySecret": {"name": "k"}}, {"name": "deepseek", "apiKey": OTHER})
    _, warning = record_program(given).warnings
    assert warning == (
        "Stack test has the API key of fallback deepseek of provider mistral in plain text in its file. Encrypt it: "
        "pulumi config set -s test --secret --path 'providers.mistral.fallbacks[1].apiKey'"
    )


def test_the_variables_of_all_keys_are_read_from_a_stack_file() -> None:
    providers = {
        "mistral": {
            "fallbacks": [{"name": "deepseek"}, "x", {"name": "eu", "host": "eu"}, {"name": "b", "apiKey": "k"}]
        }
    }
    assert read_key_variables({"providers": providers}) == [
        ("MISTRAL_API_KEY",),
        ("MISTRAL_DEEPSEEK_API_KEY", "DEEPSEEK_API_KEY"),
        ("MISTRAL_EU_API_KEY",),
    ]


def test_the_place_of_a_fallbacks_key_counts_all_entries() -> None:
    (place,) = key_places("mistral", {"api_key": "k", "fallbacks": [None, {"name": "eu"}]})
    assert place.path == ("fallbacks", 1)
