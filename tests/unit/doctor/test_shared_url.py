"""The one URL of a stack's providers: which model is asked for there, and what is printed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.openai_compatible_llm.doctor.__main__ import main
from components.openai_compatible_llm.doctor.hops import Hop
from components.openai_compatible_llm.doctor.printing import MODEL_LEGEND
from tests.support.http_server import Request
from tests.support.stand_in_gateway import (
    COMPLETION,
    MODEL,
    TOKENS,
    Handler,
    StandInGateway,
    completion,
    gateways_own,
    not_served,
    providers,
)
from tests.unit.doctor.conftest import Stack

MODELS = {"mistral": ["mistral-*", MODEL, "fast"], "deepseek": ["deepseek-chat"]}
NAMES = {"namespace": "gloo-system", "routeName": "llm", "policyName": "llm"}


def outputs(url: str | None = None, models: object = MODELS, **shared: object) -> dict[str, Any]:
    mistral = {"path": "/mistral", "host": "api.mistral.ai", "namespace": "gloo-system", "routeName": "mistral"}
    at = {"url": f"{url}/llm/v1"} if url else {}
    return {"providers": {"mistral": mistral}, "shared": {"path": "/llm", **NAMES, **at, "models": models, **shared}}


@pytest.fixture
def ask(stack: Stack, gateway: StandInGateway) -> Stack:
    """A stack with a shared URL at which a completion comes for each model."""
    gateway.replies = {"/llm": completion}
    stack.set_outputs(outputs(gateway.url))
    return stack


def test_the_model_is_asked_for_at_the_one_url(ask: Stack, gateway: StandInGateway) -> None:
    run = ask.chat("--shared", "--model", "fast")
    assert (run.status, run.stdout) == (0, f"{''.join(TOKENS)}\n")
    (request,) = gateway.requests
    assert (request.path, request.json["model"]) == ("/llm/v1/chat/completions", "fast")


def test_a_given_gateway_url_gets_the_shared_path(ask: Stack, gateway: StandInGateway) -> None:
    ask.set_outputs(outputs("https://llm.example.com"))
    assert ask.chat("--shared", "--model", "fast", "--gateway-url", f"{gateway.url}/").status == 0
    assert gateway.requests[0].path == "/llm/v1/chat/completions"


def test_the_only_exact_name_is_the_model(ask: Stack, gateway: StandInGateway) -> None:
    ask.set_outputs(outputs(gateway.url, {"mistral": ["mistral-*"], "deepseek": ["deepseek-chat"]}))
    assert ask.chat("--shared").status == 0
    assert gateway.requests[0].json["model"] == "deepseek-chat"


def test_a_stack_for_the_gateway_alone_is_asked_too(ask: Stack, gateway: StandInGateway) -> None:
    ask.set_outputs({"shared": outputs(gateway.url)["shared"]})
    assert ask.chat("--shared", "--model", "fast").status == 0


def test_the_list_of_models_and_embeddings_come_from_the_one_url(ask: Stack, gateway: StandInGateway) -> None:
    assert ask.chat("--shared", "--models").stdout.splitlines() == [MODEL, "mistral-embed"]
    assert ask.chat("--shared", "--embeddings", "a", "--model", "mistral-embed").stdout == "3 dimensions\n"
    assert [each.path for each in gateway.requests] == ["/llm/v1/models", "/llm/v1/embeddings"]
    assert gateway.requests[1].json["model"] == "mistral-embed"


def test_a_stream_and_json_come_from_the_one_url(ask: Stack) -> None:
    streamed = ask.chat("--shared", "--stream", "--model", "fast")
    assert (streamed.stdout, "first token after" in streamed.stderr) == (f"{''.join(TOKENS)}\n", True)
    assert json.loads(ask.chat("--shared", "--json", "--model", "fast").stdout) == COMPLETION


def test_a_stack_without_a_shared_url(stack: Stack) -> None:
    for nothing in ({}, {"shared": None}, {"shared": "[secret]"}):
        stack.set_outputs({"providers": {"mistral": {"path": "/mistral"}}, **nothing})
        assert stack.usage_error("--shared") == (
            "Stack prod has no output `shared`: its providers have no URL in common. Give its config the group "
            "`shared`, such as {routePath: /llm}, and run `pulumi up -s prod`; or ask without --shared (with "
            "make: SHARED)."
        )


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (
            MODELS,
            (
                f"Stack prod serves deepseek-chat, fast, {MODEL} and whatever the patterns mistral-* match at /llm: "
                "choose a model with --model, or --all."
            ),
        ),
        (
            {"a": ["one"], "b": ["other"]},
            "Stack prod serves one, other at /llm: choose a model with --model, or --all.",
        ),
        (
            {"a": ["x-*"], "b": ["*-y"]},
            "Stack prod serves whatever the patterns *-y, x-* match at /llm: choose a model with --model.",
        ),
        ({}, "Stack prod lists no models at /llm: choose a model with --model."),
    ],
)
def test_several_models_or_none_are_told_in_one_line(stack: Stack, models: Any, message: str) -> None:
    stack.set_outputs(outputs("http://localhost", models))
    assert stack.usage_error("--shared") == message
    if "--all" not in message:
        assert stack.usage_error("--shared", "--all") == message


def test_an_output_without_a_url_or_a_path(stack: Stack) -> None:
    stack.set_outputs(outputs())
    assert stack.usage_error("--shared", "--model", "fast") == (
        "Stack prod has no URL of its gateway: give --gateway-url (with make: GATEWAY_URL=...), or set `gateway.url` "
        "in the stack's config."
    )
    stack.set_outputs(outputs(url=None) | {"shared": {"url": "llm.example.com/llm/v1", "path": "/llm"}})
    assert stack.usage_error("--shared").startswith("The output `shared` of stack prod, url: ")
    stack.set_outputs({"shared": {"models": MODELS}})
    assert stack.usage_error("--shared", "--gateway-url", "http://localhost") == (
        "The output `shared` of stack prod has no path."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--path", "/llm"], "--shared: not allowed with --path or --provider, because a request's model decides"),
        (
            ["--stack", "prod", "--provider", "a"],
            "--shared: not allowed with --path or --provider, because a request's",
        ),
        (
            ["--stack", "prod", "--all", "--model", "a"],
            "--model: not allowed with --shared and --all, which ask for each",
        ),
        (["--stack", "prod", "--all", "--json"], "because it prints a table"),
    ],
)
def test_options_that_contradict_the_shared_url_are_reported_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--shared", *arguments])
    assert ended.value.code == 1
    captured = capsys.readouterr().err
    assert (message in captured, captured.count("\n")) == (True, 1)


def test_without_a_stack_the_message_says_what_else_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--shared", "--model", "fast"]) == 1
    assert "Without a stack, give --path, --gateway-url and --model." in capsys.readouterr().err


def by_model(replies: dict[str, Callable[[Handler, Request], None]]) -> Callable[[Handler, Request], None]:
    return lambda handler, request: replies[request.json["model"]](handler, request)


def test_all_says_for_each_model_who_answers(ask: Stack, gateway: StandInGateway) -> None:
    gateway.replies["/llm"] = by_model(
        {"fast": completion, "deepseek-chat": providers(429, {}), MODEL: not_served(MODEL, "/llm")}
    )
    run = ask.chat("--shared", "--all")
    assert run.status == Hop.LIMIT.status
    headings, *rows = (line.split() for line in run.stdout.splitlines())
    assert " ".join(headings) == "MODEL PROVIDER ANSWERED BY FIRST TOKEN (s) TOTAL (s) TOKENS"
    assert rows[0] == ["deepseek-chat", "deepseek", "broken:", "limit", "-", "-", "-"]
    model, provider, answered_by, first, total, tokens = rows[1]
    assert (model, provider, answered_by, tokens) == ("fast", "mistral", MODEL, "14")
    assert 0 < float(first) <= float(total)
    assert " ".join(rows[2]) == "mistral-* mistral a pattern: give a name with --model - - -"
    assert rows[3] == [MODEL, "mistral", "broken:", "route", "-", "-", "-"]
    assert len(rows) == 4
    assert [each.json["model"] for each in gateway.requests] == ["deepseek-chat", "fast", MODEL]
    assert f"deepseek-chat at /llm: broken at the hop limit: {Hop.LIMIT.meaning}.\n" in run.stderr
    assert f"{MODEL} at /llm: broken at the hop route: {Hop.ROUTE.meaning}.\n" in run.stderr
    assert run.stderr.endswith(f"{MODEL_LEGEND}\n")


def test_all_succeeds_where_each_model_answers_and_patterns_do_not_count(ask: Stack) -> None:
    assert ask.chat("--shared", "--all").status == 0


def test_without_shared_all_asks_each_provider_by_its_own_url(ask: Stack, gateway: StandInGateway) -> None:
    gateway.replies["/mistral"] = completion
    run = ask.chat("--all", "--model", "m", "--gateway-url", gateway.url)
    assert run.stdout.startswith("PROVIDER  MODEL")
    assert {each.path for each in gateway.requests} == {"/mistral/v1/chat/completions", "/mistral/v1/models"}


def test_who_has_the_model_is_named_in_the_command_for_its_key(ask: Stack, gateway: StandInGateway) -> None:
    gateway.replies["/llm"] = providers(401, {"detail": "Unauthorized"})
    run = ask.chat("--shared", "--model", "mistral-small")
    assert run.status == Hop.KEY.status
    assert run.stderr.startswith(f"mistral-small at /llm: broken at the hop key: {Hop.KEY.meaning}.\n")
    assert "pulumi config set -s prod --secret --path 'providers.mistral.apiKey'" in run.stderr
    # This provider is another stack's.
    run = ask.chat("--shared", "--model", "deepseek-chat")
    assert "pulumi config set --secret --path 'providers.<name>.apiKey'" in run.stderr


@pytest.mark.parametrize(
    ("status", "text", "hop", "says"),
    [
        (403, "authorization failed", Hop.CALLER, "use the key of a client that may make this request"),
        (401, "api key authentication failure: no API Key found", Hop.CALLER, "--token-variable"),
        (404, "route not found", Hop.ROUTE, "check that the HTTPRoute's status has `Accepted`"),
        (500, "no valid backends", Hop.BACKEND, "check the backend's status"),
    ],
)
def test_the_gateways_own_errors_are_those_of_any_route(
    ask: Stack, gateway: StandInGateway, status: int, text: str, hop: Hop, says: str
) -> None:
    gateway.replies["/llm"] = gateways_own(status, text)
    run = ask.chat("--shared", "--model", "fast")
    assert (run.status, says in run.stderr) == (hop.status, True)
    assert f'HTTP {status} from the gateway itself, "{text}"' in run.stderr
