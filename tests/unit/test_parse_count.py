"""Arguments are parsed once where they come in, and once more only where Outputs have to be resolved first."""

from collections import Counter
from typing import Any

import pulumi
import pytest

from components import OpenAICompatibleLLM
from components.openai_compatible_llm.inputs import parsing
from tests.unit.recording import record, record_program

KEY = "sk-canary-8c1f"


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the arguments of each component were held against all the rules."""
    counted: Counter[str] = Counter()
    rule_errors = parsing.rule_errors  # type: ignore[attr-defined]

    def counting(name: str, arguments: Any) -> Any:
        counted[name] += 1
        return rule_errors(name, arguments)

    monkeypatch.setattr(parsing, "rule_errors", counting)
    return counted


def component(**more: Any) -> None:
    args: Any = {"preset": "mistral", "api_key": KEY, **more}
    OpenAICompatibleLLM("mistral", args)


def test_a_component_parses_plain_arguments_once(parses: Counter[str]) -> None:
    record(component)
    assert parses == {"mistral": 1}


def test_a_component_parses_once_more_when_outputs_are_resolved(parses: Counter[str]) -> None:
    record(lambda: component(model=pulumi.Output.from_input("m"), host=pulumi.Output.from_input("llm.example.com")))
    assert parses == {"mistral": 2}


def test_a_key_that_is_an_output_is_no_reason_to_parse_again(parses: Counter[str]) -> None:
    record(lambda: component(api_key=pulumi.Output.secret(KEY)))
    assert parses == {"mistral": 1}


def test_the_program_parses_each_provider_once_to_look_at_all_and_once_to_create_it(parses: Counter[str]) -> None:
    providers = {"mistral": {"apiKey": KEY}, "deepseek": {"apiKey": KEY}}
    record_program({"providers": providers})
    assert parses == {"mistral": 2, "deepseek": 2}
