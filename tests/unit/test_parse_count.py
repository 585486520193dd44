"""Arguments are parsed once where they come in, and once more only where Outputs have to be resolved first."""

from collections import Counter
from typing import Any

import pulumi
import pytest

from components.openai_compatible_llm.inputs import gateway, parsing
from tests.support.recording import record_component, record_gateway, record_program

ARGS = {"preset": "mistral", "api_key": "sk-canary-8c1f"}


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the arguments of each component were checked and filled in, which is one pass."""
    counted: Counter[str] = Counter()

    def count(module: Any, function: str) -> None:
        original = getattr(module, function)

        def counting(name: str, *others: Any) -> Any:
            counted[name] += 1
            return original(name, *others)

        monkeypatch.setattr(module, function, counting)

    count(parsing, "parse_arguments")
    count(gateway, "_parse")
    return counted


def test_a_component_parses_plain_arguments_once(parses: Counter[str]) -> None:
    record_component(ARGS)
    assert parses == Counter(mistral=1)


def test_a_component_parses_once_more_when_outputs_are_resolved(parses: Counter[str]) -> None:
    output = pulumi.Output.from_input
    record_component(lambda: {**ARGS, "model": output("m"), "host": output("llm.example.com")})
    assert parses == Counter(mistral=2)


def test_a_key_that_is_an_output_is_no_reason_to_parse_again(parses: Counter[str]) -> None:
    record_component(lambda: {**ARGS, "api_key": pulumi.Output.secret(ARGS["api_key"])})
    assert parses == Counter(mistral=1)


def test_the_program_parses_each_provider_once_to_look_at_all_and_once_to_create_it(parses: Counter[str]) -> None:
    record_program({"providers": {name: {"apiKey": ARGS["api_key"]} for name in ("mistral", "deepseek")}})
    assert parses == Counter(mistral=2, deepseek=2)


def test_a_gateway_parses_plain_arguments_once_and_once_more_when_outputs_are_resolved(parses: Counter[str]) -> None:
    record_gateway({"route_path": "/llm", "models": {"mistral": ["fast"]}})
    assert parses == Counter(llm=1)
    record_gateway(lambda: {"route_path": "/llm", "models": pulumi.Output.from_input({"mistral": ["fast"]})})
    assert parses == Counter(llm=3)


def test_the_program_parses_what_is_shared_as_often_as_a_provider(parses: Counter[str]) -> None:
    provider = {"apiKey": ARGS["api_key"], "models": ["mistral-*"]}
    record_program({"api": "agentgateway", "shared": {"routePath": "/llm"}, "providers": {"mistral": provider}})
    assert parses == Counter(mistral=2, llm=2)
