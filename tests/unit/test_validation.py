from typing import Any

import pulumi
import pytest

from components import InvalidArguments, OpenAICompatibleLLM
from tests.unit.recording import record

CANARY = "sk-canary-8c1f"
GOOD: dict[str, Any] = {"preset": "mistral", "api_key": CANARY}


def refusal(args: dict[str, Any]) -> InvalidArguments:
    with pytest.raises(InvalidArguments) as caught:
        record(lambda: OpenAICompatibleLLM("mistral", args))  # type: ignore[arg-type]
    assert CANARY not in f"{caught.value} {caught.value!r} {caught.value.errors} {caught.value.args}"
    return caught.value


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        ({"modle": "m"}, "modle: there is no such argument; did you mean `model`?"),
        (
            {"gateway": {"nam": "edge"}},
            "gateway.nam: there is no such argument; did you mean `name`?",
        ),
        ({"port": "443"}, 'port: "443" is not a whole number'),
        ({"port": True}, "port: True is not a whole number"),
        ({"port": 0}, "port: 0 is not a port; give 1 to 65535"),
        ({"port": 65536}, "port: 65536 is not a port; give 1 to 65535"),
        ({"model": 5}, "model: 5 is not a string"),
        ({"rewrite_host": "no"}, 'rewrite_host: "no" is not true or false'),
        ({"gateway": "edge"}, 'gateway: "edge" is not a group of settings'),
        ({"preset": "mistrl"}, 'preset: "mistrl" is not in the catalogue; did you mean `mistral`?'),
        ({"preset": "other"}, 'preset: "other" is not in the catalogue; there are `deepseek`, `mistral`'),
        ({"preset": None}, "host: give the provider's host, or a `preset`: deepseek, mistral"),
        (
            {"host": "https://api.mistral.ai"},
            'host: "https://api.mistral.ai" is not a host name; give it bare and in lower case, such as api.mistral.ai',
        ),
        ({"path": "v1/x"}, 'path: "v1/x" does not begin with a slash; give one such as /v1/chat/completions'),
        ({"route_path": "x"}, 'route_path: "x" does not begin with a slash; give one such as /mistral'),
        ({"api_key": None}, "api_key: give the provider's API key"),
        ({"api_key": " "}, "api_key: the key is empty"),
        ({"api_key": 5}, "api_key: what was given is not a string"),
    ],
)
def test_bad_arguments_are_refused_in_these_words(args: dict[str, Any], problem: str) -> None:
    assert str(refusal({**GOOD, **args})) == f'OpenAICompatibleLLM "mistral" can\'t be made:\n  - {problem}'


def test_every_problem_is_in_one_message() -> None:
    error = refusal({"prest": "mistral", "port": 0, "path": "x"})
    assert [str(problem).partition(":")[0] for problem in error.problems] == [
        "prest",
        "host",
        "port",
        "path",
        "api_key",
    ]
    assert all(str(problem) in str(error) for problem in error.problems)


def test_other_languages_get_the_problems_as_a_list() -> None:
    error = refusal({**GOOD, "route_path": "x", "gateway": {"nam": "edge"}})
    assert error.errors == [
        {"property_path": "gateway.nam", "reason": "there is no such argument; did you mean `name`?"},
        {"property_path": "routePath", "reason": '"x" does not begin with a slash; give one such as /mistral'},
    ]


def test_pulumi_shows_the_refusal_without_a_traceback() -> None:
    assert isinstance(refusal({}), pulumi.RunError)


def test_nothing_is_registered_where_arguments_are_refused() -> None:
    def program() -> None:
        with pytest.raises(InvalidArguments):
            OpenAICompatibleLLM("mistral", {"preset": "mistral"})

    assert record(program).resources == []


def test_an_argument_that_is_none_counts_as_not_given() -> None:
    everything = ("host", "port", "path", "model", "auth_header", "namespace", "gateway", "route_path", "rewrite_host")
    nothing_more: Any = GOOD
    nones: Any = {**GOOD, **dict.fromkeys(everything)}
    assert (
        record(lambda: OpenAICompatibleLLM("mistral", nones)).objects()
        == record(lambda: OpenAICompatibleLLM("mistral", nothing_more)).objects()
    )
