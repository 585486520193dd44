"""Arguments are parsed once where they come in, and once more only where Outputs have to be resolved first."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest

from components.openai_compatible_llm.inputs import parsing, rules
from tests.support.recording import record_component, record_program

ARGS = {"preset": "mistral", "api_key": "sk-canary-8c1f"}


@dataclass
class Parses:
    """How often the arguments of each component were checked against the rules, and made into settings."""

    checked: Counter[str] = field(default_factory=Counter)
    resolved: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> Parses:
    counted = Parses()

    def count(module: object, function: str, counter: Counter[str]) -> None:
        original = getattr(module, function)

        def counting(name: str, *others: Any) -> Any:
            counter[name] += 1
            return original(name, *others)

        monkeypatch.setattr(module, function, counting)

    # The first of all rules, so that every caller of `rule_errors` is counted, not only parsing.py.
    count(rules, "_invalid_name", counted.checked)
    count(parsing, "resolve_settings", counted.resolved)
    return counted


def test_a_component_parses_plain_arguments_once(parses: Parses) -> None:
    record_component(ARGS)
    assert parses == Parses(checked=Counter(mistral=1), resolved=Counter(mistral=1))


def test_a_component_checks_the_rules_once_more_when_outputs_are_resolved(parses: Parses) -> None:
    output = pulumi.Output.from_input
    record_component(lambda: {**ARGS, "model": output("m"), "host": output("llm.example.com")})
    assert parses == Parses(checked=Counter(mistral=2), resolved=Counter(mistral=1))


def test_a_key_that_is_an_output_is_no_reason_to_parse_again(parses: Parses) -> None:
    record_component(lambda: {**ARGS, "api_key": pulumi.Output.secret(ARGS["api_key"])})
    assert parses == Parses(checked=Counter(mistral=1), resolved=Counter(mistral=1))


def test_the_program_parses_each_provider_once_to_look_at_all_and_once_to_create_it(parses: Parses) -> None:
    record_program({"providers": {name: {"apiKey": ARGS["api_key"]} for name in ("mistral", "deepseek")}})
    twice = Counter(mistral=2, deepseek=2)
    assert parses == Parses(checked=twice, resolved=twice)
