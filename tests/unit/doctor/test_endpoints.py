"""--models, --embeddings and the columns of --all: what a provider serves besides chat completions."""

import json

import pytest

from components.openai_compatible_llm.doctor.hops import Hop
from components.openai_compatible_llm.presets import PRESETS
from tests.support.chat_run import NO_CLUSTER
from tests.support.http_server import Request
from tests.support.stand_in_gateway import EMBEDDING, MODEL, MODELS, Handler, gateways_own, page, providers
from tests.unit.doctor.conftest import Chat, Stack

CANARY = "sk-canary-4be1d2a09c"
CHAT_ONLY = gateways_own(
    503, "processing failed: failed to parse request: missing field `messages` at line 1 column 58"
)


def test_models_prints_the_list_and_beside_it_its_length(chat: Chat) -> None:
    run = chat("--models")
    assert (run.status, run.stdout) == (0, f"{MODEL}\nmistral-embed\n")
    assert run.stderr.startswith("2 models, ")
    (request,) = chat.gateway.requests
    assert request.path == "/mistral/v1/models"
    assert "authorization" not in request.headers


def test_embeddings_prints_the_dimensions_and_beside_them_who_gave_them(chat: Chat) -> None:
    run = chat("--embeddings", "Bonjour", "--model", "mistral-embed")
    assert (run.status, run.stdout) == (0, "3 dimensions\n")
    assert run.stderr.startswith("mistral-embed, 2 tokens, ")
    (request,) = chat.gateway.requests
    assert request.path == "/mistral/v1/embeddings"
    assert request.json == {"model": "mistral-embed", "input": "Bonjour", "encoding_format": "float"}


@pytest.mark.parametrize(("arguments", "body"), [(["--models"], MODELS), (["--embeddings", "a"], EMBEDDING)])
def test_json_prints_the_response_as_it_came(chat: Chat, arguments: list[str], body: object) -> None:
    run = chat(*arguments, "--json")
    assert (run.status, json.loads(run.stdout)) == (0, body)


def test_the_model_of_the_stack_is_not_the_embeddings(stack: Stack, chat: Chat) -> None:
    stack.set_outputs({"providers": {"mistral": {"path": "/mistral", "model": MODEL}}})
    run = stack.chat("--gateway-url", chat.gateway.url, "--embeddings", "a", "--model", "mistral-embed")
    assert run.status == 0
    assert chat.gateway.requests[0].json["model"] == "mistral-embed"


def test_the_callers_token_is_sent_where_it_is_asked_for(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", CANARY)
    for arguments in (["--models"], ["--embeddings", "a"]):
        assert CANARY not in f"{chat(*arguments, '--token-variable', 'MY_TOKEN')}"
    assert [each.headers["authorization"] for each in chat.gateway.requests] == [f"Bearer {CANARY}"] * 2


def test_without_a_stack_a_model_list_needs_no_model(chat: Chat) -> None:
    where = ["--gateway-url", chat.gateway.url, "--path", "/mistral", "--kubeconfig", str(chat.no_kubeconfig)]
    assert chat.run(*where, "--models").status == 0


@pytest.mark.parametrize("models", [[{"id": MODEL, "type": "chat"}], []])
def test_a_bare_list_is_a_list_of_models_too(chat: Chat, models: list[object]) -> None:
    chat.gateway.replies_with(providers(200, models))
    run = chat("--models")
    assert (run.status, run.stdout) == (0, f"{MODEL}\n" if models else "")


def test_a_models_name_can_not_write_a_line_of_its_own(chat: Chat) -> None:
    chat.gateway.replies_with(providers(200, {"data": [{"id": "a\n\x1b[2Jb"}]}))
    assert chat("--models").stdout == "a  [2Jb\n"


@pytest.mark.parametrize(("arguments", "path"), [(["--models"], "/models"), (["--embeddings", "a"], "/embeddings")])
def test_a_route_of_chat_completions_alone_says_what_to_do(chat: Chat, arguments: list[str], path: str) -> None:
    chat.gateway.replies_with(CHAT_ONLY)
    report = chat(*arguments).broken_at(Hop.MODEL_OR_PATH, note=NO_CLUSTER)
    assert f"the route serves chat completions only, and took the request to {path} for one" in report
    assert "`agentgateway`: give the provider `endpoints: all`, and run `pulumi up`" in report
    assert "`kgateway`: these gateways take every request for a chat completion; give `api: agentgateway`" in report


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["--models"], "no list of models in it"), (["--embeddings", "a"], "no embedding in it")],
)
@pytest.mark.parametrize("body", [{}, {"data": "none"}, {"data": [{}]}, "text", None])
def test_a_response_of_another_form_is_named(chat: Chat, arguments: list[str], expected: str, body: object) -> None:
    chat.gateway.replies_with(providers(200, body))
    assert expected in chat(*arguments).broken_at(Hop.MODEL_OR_PATH, note=NO_CLUSTER)


def test_a_page_in_the_place_of_a_list_is_named(chat: Chat) -> None:
    chat.gateway.replies_with(page(200))
    assert "no list of models in it" in chat("--models").broken_at(Hop.MODEL_OR_PATH, note=NO_CLUSTER)


@pytest.mark.parametrize(
    ("reply", "hop", "fix"),
    [
        (providers(404, {"error": "unknown path"}), Hop.MODEL_OR_PATH, "whether it serves /embeddings"),
        (providers(401, {"error": "who?"}), Hop.KEY, "use a key that is valid"),
        (providers(429, {}), Hop.LIMIT, "wait"),
        (gateways_own(404, "route not found"), Hop.ROUTE, "HTTPRoute"),
        (gateways_own(503, "upstream call failed: Connect: Connection refused"), Hop.PROVIDER, "`host` and `port`"),
    ],
)
def test_the_other_hops_are_named_as_for_a_completion(chat: Chat, reply: object, hop: Hop, fix: str) -> None:
    chat.gateway.replies_with(reply)  # type: ignore[arg-type]
    assert fix in chat("--embeddings", "a").broken_at(hop, note=NO_CLUSTER)


def rows(stack: Stack, url: str) -> dict[str, list[str]]:
    """The cells of the columns MODELS and DOCUMENTED, by provider."""
    run = stack.chat("--all", "--gateway-url", url)
    assert run.status == 0
    head, *lines = run.stdout.splitlines()
    models, documented = head.index("MODELS"), head.index("DOCUMENTED")
    return {line.split()[0]: [line[models:documented].strip(), line[documented:]] for line in lines}


def test_all_counts_the_models_and_says_what_the_catalogue_knows(stack: Stack, chat: Chat) -> None:
    hosts = {"mistral": PRESETS["mistral"].host, "groq": PRESETS["groq"].host, "house": "llm.example.com"}
    providers = {name: {"path": "/mistral", "model": MODEL, "host": host} for name, host in hosts.items()}
    stack.set_outputs({"providers": providers})
    assert rows(stack, chat.gateway.url) == {
        "mistral": ["2", "embeddings, models, audio, moderations"],
        "groq": ["2", "responses, embeddings, models, audio"],
        "house": ["2", "-"],
    }


@pytest.mark.parametrize(
    ("reply", "cells"),
    [
        (CHAT_ONLY, ["chat only", "-"]),
        (providers(404, {}), ["HTTP 404", "embeddings, models, audio, moderations"]),
        (providers(200, {}), ["-", "-"]),
    ],
)
def test_all_says_why_there_is_no_number_of_models(stack: Stack, chat: Chat, reply: object, cells: list[str]) -> None:
    completes = chat.gateway.replies["/mistral"]

    def no_models(handler: Handler, request: Request) -> None:
        (reply if request.path.endswith("/models") else completes)(handler, request)  # type: ignore[operator]

    chat.gateway.replies_with(no_models)
    provider = {"path": "/mistral", "model": MODEL, "host": PRESETS["mistral"].host}
    stack.set_outputs({"providers": {"mistral": provider}})
    assert rows(stack, chat.gateway.url) == {"mistral": cells}
