"""The files in stacks/. tests/e2e/test_every_stack.py deploys them to a real API server."""

import re
from typing import Any

import pytest
import yaml

from components.openai_compatible_llm.presets import PRESETS
from tests.support.recording import PROJECT, record_program
from tests.support.repository import REPOSITORY

FILES = {file.name.split(".")[1]: file for file in sorted((REPOSITORY / "stacks").iterdir())}
ENVIRONMENTS = ("dev", "prod")
PROJECT_FILE = (REPOSITORY / "Pulumi.yaml").read_text()


def config(stack: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(FILES[stack].read_text())
    assert list(content) == ["config"], "a shipped stack file has no secrets provider or salt"
    return content["config"]  # type: ignore[no-any-return]


def providers(stack: str) -> dict[str, dict[str, Any]]:
    return config(stack)[f"{PROJECT}:providers"]  # type: ignore[no-any-return]


def test_there_is_a_stack_for_every_preset_and_for_two_environments() -> None:
    assert set(FILES) == {*PRESETS, *ENVIRONMENTS}


@pytest.mark.parametrize("stack", FILES)
def test_a_stack_says_its_api_and_so_keeps_it_whatever_the_projects_default(stack: str) -> None:
    assert config(stack)[f"{PROJECT}:api"] == yaml.safe_load(PROJECT_FILE)["config"][f"{PROJECT}:api"]["default"]
    assert next(iter(config(stack))) == f"{PROJECT}:api"


@pytest.mark.parametrize("stack", PRESETS)
def test_a_providers_stack_has_only_that_provider_and_says_where_to_get_a_key(stack: str) -> None:
    assert list(providers(stack)) == [stack]
    assert set(providers(stack)[stack]) <= {"model"}
    text = FILES[stack].read_text()
    assert re.match(r"# Create a key at [a-z0-9.-]+\.[a-z]+(/[a-z0-9-]+)*\.\n", text)
    assert ("unconfirmed" in text) == (not PRESETS[stack].auth_header_confirmed)


@pytest.mark.parametrize("stack", PRESETS)
def test_a_providers_stack_names_a_model_or_says_that_requests_do(stack: str) -> None:
    says_that_none_is_named = "This file names no model, so each request names its own." in FILES[stack].read_text()
    assert ("model" in providers(stack)[stack]) != says_that_none_is_named


@pytest.mark.parametrize("stack", FILES)
def test_a_stack_needs_only_its_keys_and_causes_no_warning(stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in providers(stack):
        monkeypatch.setenv(f"{name.upper()}_API_KEY", "sk-for-the-stack")
    recording = record_program(config(stack), stack=stack)
    assert recording.warnings == []
    assert len(recording.objects()) == 4 * len(providers(stack))


def test_the_environments_share_no_object_on_one_cluster() -> None:
    dev, prod = map(config, ENVIRONMENTS)
    for setting in ("namespace", "gateway"):
        assert dev[f"{PROJECT}:{setting}"] != prod[f"{PROJECT}:{setting}"]
    for name in providers("dev").keys() & providers("prod").keys():
        assert providers("dev")[name] != providers("prod")[name]
    assert min(len(providers(stack)) for stack in ENVIRONMENTS) > 1
