"""A route's expression takes a model if, and only if, one of its patterns stands for it."""

import re
from functools import cache
from itertools import product
from typing import Any

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import BackendApi
from components.openai_compatible_llm import model_patterns
from tests.support.recording import record_component
from tests.unit.shared_url.proxy import matches_value

UNHURRIED: dict[str, Any] = {"deadline": None, "derandomize": True, "database": None}

# Letters of two cases, what is in models' names, and all that means something in a regular expression.
CHARACTERS = "aAbB1 -_:/@.+?()|[]{}^$\\&#~,<>='\"!%"


def expression(models: list[str]) -> str:
    args = {"preset": "mistral", "api_key": "key", "api": BackendApi.AGENTGATEWAY, "shared_route_path": "/llm"}
    rules = record_component({**args, "models": models}).spec("HTTPRoute")["rules"]
    (header,) = rules[-1]["matches"][0]["headers"]
    assert (header["name"], header["type"]) == ("x-llm-model", "RegularExpression")
    value: str = header["value"]
    return value


def takes(expression: str, model: str) -> bool:
    """Tells whether the proxy takes the model, by Python's expressions and by those of Rust, which the proxy has."""
    found = matches_value(expression, model)
    assert found == _program().execute({"model": model, "expression": f"^({expression})$"})
    return found


@cache
def _program() -> cel.Program:
    return cel.compile("model.matches(expression)")


@pytest.mark.parametrize(
    ("models", "taken", "not_taken"),
    [
        (["fast"], ["fast"], ["Fast", "faster", "xfast", "fas", ""]),
        (["gpt-5", "gpt-5-mini"], ["gpt-5", "gpt-5-mini"], ["gpt-5-min", "gpt-5-mini-2", "gpt-"]),
        (["gpt-5-mini", "gpt-5"], ["gpt-5", "gpt-5-mini"], ["gpt-5-"]),
        (["mistral-*"], ["mistral-", "mistral-a", "mistral-a/b c"], ["xmistral-a", "mistral", "Mistral-a"]),
        (["*-latest"], ["-latest", "mistral-small-latest"], ["latest", "a-latest-1"]),
        (["*"], ["", "a", "a/b"], []),
        (["gpt-*", "gpt-4"], ["gpt-4", "gpt-4o"], ["gpt4"]),
        (["a.b"], ["a.b"], ["axb"]),
        (["a|b"], ["a|b"], ["a", "b"]),
        (["^a$"], ["^a$"], ["a"]),
        (["(?i)a"], ["(?i)a"], ["a", "A"]),
        (["a\\d+"], ["a\\d+"], ["a1", "a\\d"]),
        (["[a-z]{2}"], ["[a-z]{2}"], ["ab"]),
        (["meta-llama/*"], ["meta-llama/Llama-3.3-70B"], ["meta-llama"]),
    ],
)
def test_a_route_takes_its_models_and_no_others(models: list[str], taken: list[str], not_taken: list[str]) -> None:
    value = expression(models)
    assert [model for model in [*taken, *not_taken] if takes(value, model)] == taken


@pytest.mark.parametrize("model", ["fast\n", "fast\nx", "modèle", "fast\u2028"])
def test_a_model_that_is_no_visible_text_is_nobodys(model: str) -> None:
    assert not matches_value(expression(["fast", "*"]), model)


names = st.text(CHARACTERS, min_size=1, max_size=6)
patterns = st.one_of(names, names.map("{}*".format), names.map("*{}".format), st.just("*"))


@st.composite
def models_of(draw: st.DrawFn, patterns: list[str]) -> str:
    """Makes a model, which is often like one of the patterns."""
    pattern = draw(st.sampled_from(patterns)).replace("*", draw(st.text(CHARACTERS, max_size=3)))
    return draw(st.sampled_from([pattern, pattern.swapcase(), pattern[1:], pattern[:-1], draw(names) + pattern]))


@settings(max_examples=1000, **UNHURRIED)
@given(st.lists(patterns, min_size=1, max_size=5).flatmap(lambda each: st.tuples(st.just(each), models_of(each))))
def test_an_expression_takes_a_model_if_one_of_its_patterns_stands_for_it(case: tuple[list[str], str]) -> None:
    patterns, model = case
    expected = any(model_patterns.matches(each, model) for each in patterns)
    assert takes(model_patterns.regular_expression(patterns), model) == expected


@given(name=names, before=st.text(CHARACTERS, max_size=3), after=st.text(CHARACTERS, max_size=3))
@settings(**UNHURRIED)
def test_a_star_stands_for_any_characters_or_none(name: str, before: str, after: str) -> None:
    assert model_patterns.matches(f"{name}*", name + after)
    assert model_patterns.matches(f"*{name}", before + name)
    assert model_patterns.matches("*", name)
    assert model_patterns.matches(name, before + name + after) == (before + after == "")


WORDS = ["".join(word) for length in range(7) for word in product("ab", repeat=length)]
SHORT = [word for word in WORDS if 0 < len(word) <= 3]
PATTERNS = [*SHORT, *(f"{word}*" for word in SHORT), *(f"*{word}" for word in SHORT), "*"]


def test_two_patterns_overlap_if_both_stand_for_one_model() -> None:
    """Six letters are enough for every pair: of a beginning and an end, each of three."""
    models = {pattern: {word for word in WORDS if model_patterns.matches(pattern, word)} for pattern in PATTERNS}
    for one, other in product(PATTERNS, repeat=2):
        assert model_patterns.overlap(one, other) == bool(models[one] & models[other]), (one, other)


@settings(max_examples=1000, **UNHURRIED)
@given(one=patterns, other=patterns)
def test_so_it_is_with_any_characters(one: str, other: str) -> None:
    """If there is such a model, the longer beginning with the longer end after it is one."""
    both = [pattern.partition("*") for pattern in (one, other)]
    exact = [start for start, star, _ in both if not star]
    model = (
        exact[0] if exact else max((start for start, _, _ in both), key=len) + max((end for _, _, end in both), key=len)
    )
    shared = model_patterns.matches(one, model) and model_patterns.matches(other, model)
    assert model_patterns.overlap(one, other) == model_patterns.overlap(other, one) == shared


def test_an_expression_escapes_what_means_something_and_nothing_else() -> None:
    """Characters that mean nothing may not have a backslash in every engine."""
    value = model_patterns.regular_expression([CHARACTERS])
    assert set(re.findall(r"\\(.)", value, re.DOTALL)) == set(".+?()|[]{}^$\\")
