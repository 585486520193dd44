"""What an API's gateways support is listed; everything else is refused there."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from components import BackendApi, InvalidArguments, OpenAICompatibleLLMArgs
from components.openai_compatible_llm.args import FallbackArgs, TLSArgs
from components.openai_compatible_llm.backends import BACKENDS
from tests.support.recording import record_component

TEXT = OpenAICompatibleLLMArgs.__annotations__["model"]
MISTRAL = {"preset": "mistral", "api_key": "sk-canary-5d31"}
FALLBACK = {"name": "eu", "preset": "deepseek", "api_key": "sk-canary-5d32", "made_up": "x"}


@pytest.mark.parametrize("value", [lambda: "a value", lambda: pulumi.Output.from_input("a value"), str])
@pytest.mark.parametrize("api", list(BackendApi))
def test_an_argument_that_nobody_has_thought_of_is_refused_and_not_dropped(
    api: BackendApi, value: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OpenAICompatibleLLMArgs.__annotations__, "made_up", TEXT)
    assert problems(lambda: {**MISTRAL, "api": api, "made_up": value()}) == [
        "made_up: these gateways don't support it; remove it",
    ]
    record_component({**MISTRAL, "api": api, "made_up": None})


@pytest.mark.parametrize(
    ("group", "args", "argument", "apis"),
    [
        (TLSArgs, {"tls": {"made_up": "x"}}, "tls.made_up", list(BackendApi)),
        (FallbackArgs, {"fallbacks": [FALLBACK]}, "fallbacks[0].made_up", [BackendApi.AGENTGATEWAY]),
    ],
)
def test_so_is_one_in_a_group(
    group: type, args: Mapping[str, Any], argument: str, apis: list[BackendApi], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(group.__annotations__, "made_up", TEXT)
    for api in apis:
        assert problems({**MISTRAL, **args, "api": api}) == [f"{argument}: these gateways don't support it; remove it"]


def test_an_argument_that_another_api_supports_is_refused_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OpenAICompatibleLLMArgs.__annotations__, "made_up", TEXT)
    supporting = BACKENDS[BackendApi.AGENTGATEWAY]
    monkeypatch.setattr(type(supporting), "supported", supporting.supported | {"made_up"})
    record_component({**MISTRAL, "api": "agentgateway", "made_up": "x"})
    assert problems({**MISTRAL, "made_up": "x"}) == [
        "made_up: these gateways don't support it; remove it or give `api: agentgateway`",
    ]


def problems(args: Any) -> list[str]:
    with pytest.raises(InvalidArguments) as refused:
        record_component(args)
    return [line.removeprefix("  - ") for line in str(refused.value).splitlines()[1:]]
