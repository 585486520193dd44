"""Holds that docs/one-url.md says what the components create, and that its clients read the answers that it shows."""

import gc
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.openai_compatible_llm.backends import model_routing
from tests.support.http_server import Request
from tests.support.pages import PAGES, block, blocks
from tests.support.recording import Recording, record_program
from tests.support.stand_in_gateway import COMPLETION, Handler, StandInGateway, completion, stand_in_gateway

PAGE = PAGES["docs/one-url.md"]
LIST, ERROR = map(json.loads, blocks("json", "docs/one-url.md"))
ANSWER = COMPLETION["choices"][0]["message"]["content"]
MESSAGE = {
    "id": "msg-1",
    "type": "message",
    "role": "assistant",
    "model": "fast",
    "content": [{"type": "text", "text": "Salut"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 1},
}


def shared_url(handler: Handler, request: Request) -> None:
    """Replies as the page says: with its list, with a message, or with a completion."""
    if request.method == "GET" and request.path == "/llm/v1/models":
        handler.answer_json(200, LIST)
    elif request.path == "/llm/v1/messages":
        handler.answer_json(200, MESSAGE)
    else:
        completion(handler, request)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Recording:
    """What the program registers for the page's first stack file."""
    for name in ("MISTRAL", "DEEPSEEK"):
        monkeypatch.setenv(f"{name}_API_KEY", "sk-for-the-page")
    return record_program(yaml.safe_load(block("docs/one-url.md", "deepseek-v4-pro", "yaml"))["config"])


def body_expression(stack: Recording, policy: str) -> str:
    spec = stack.one(":AgentgatewayPolicy", policy).inputs["spec"]
    return str(spec["traffic"]["directResponse"]["bodyExpression"])


def test_the_stack_lists_the_models_that_the_page_shows(stack: Recording) -> None:
    owners: dict[str, list[str]] = {}
    for each in LIST["data"]:
        owners.setdefault(each["owned_by"], []).append(each["id"])
        assert (each["object"], each["created"]) == ("model", 0)
    assert body_expression(stack, "llm-models") == model_routing.list_expression(owners, has_clients=False)
    assert [each["id"] for each in LIST["data"]] == sorted(each["id"] for each in LIST["data"])


def test_the_error_is_the_one_that_the_page_shows(stack: Recording) -> None:
    expression = body_expression(stack, "llm-unknown")
    fields = dict(ERROR["error"])
    assert fields.pop("message") == f'The model "gpt-x{model_routing.unknown_model("/llm/v1/models")}'
    assert json.dumps(model_routing.unknown_model("/llm/v1/models")) in expression
    assert json.dumps(model_routing.NO_MODEL) in expression
    (begins,) = re.findall(r"message, which begins `(.*)`", PAGE)
    assert model_routing.NO_MODEL.startswith(begins)
    for name, value in fields.items():
        assert f'"{name}": "{value}"' in expression


def test_the_url_is_the_one_that_the_page_names(stack: Recording) -> None:
    (shared,) = (each["shared"] for each in stack.outputs.values() if "shared" in each)
    assert f"The shared URL is `{shared['url']}`." in PAGE


def test_every_object_is_in_the_table(stack: Recording) -> None:
    names = {each.name for each in stack.all(":AgentgatewayPolicy")} - {"mistral", "deepseek"}
    assert set(re.findall(r"^\| AgentgatewayPolicy `([a-z-]+)`", PAGE, re.MULTILINE)) == names | {"llm-gateway"}


@pytest.fixture
def gateway() -> Iterator[StandInGateway]:
    with stand_in_gateway() as gateway:
        gateway.replies = {"/llm": shared_url}
        yield gateway


def run(program: str, gateway: StandInGateway, folder: Path) -> None:
    """Runs a client's program of the page, against a gateway at another address."""
    assert program.count("https://llm.example.com/llm") == 1
    file = folder / "program.py"
    file.write_text(program.replace("https://llm.example.com", gateway.url))
    runpy.run_path(str(file))
    # The client is closed with its last reference, and until then the gateway waits for its connection.
    gc.collect()


def test_openais_client_asks_for_models_by_name_and_lists_them(
    gateway: StandInGateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block("docs/one-url.md", "from openai", "python"), gateway, tmp_path)
    listed = [f"{each['id']}, owned by {each['owned_by']}\n" for each in LIST["data"]]
    assert capsys.readouterr().out == "".join([f"fast: {ANSWER}\n", f"deepseek-flash: {ANSWER}\n", *listed])
    asked = [(each.method, each.path, each.json.get("model")) for each in gateway.requests]
    assert asked == [
        ("POST", "/llm/v1/chat/completions", "fast"),
        ("POST", "/llm/v1/chat/completions", "deepseek-flash"),
        ("GET", "/llm/v1/models", None),
    ]


def test_anthropics_client_adds_the_version_and_sends_a_clients_key_where_the_gateway_looks(
    gateway: StandInGateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block("docs/one-url.md", "from anthropic", "python"), gateway, tmp_path)
    assert capsys.readouterr().out == "Salut\n"
    (request,) = gateway.requests
    assert (request.path, request.authorization) == ("/llm/v1/messages", "Bearer unused")
    assert "x-api-key" not in request.headers
    assert request.json["model"] == "fast"


def test_each_make_chat_names_the_stack_without_which_it_asks_nobody() -> None:
    commands = re.findall(r"`make chat ([^`]*SHARED=1[^`]*)`", PAGE)
    assert len(commands) == 3
    assert all(command.startswith("STACK=llm ") for command in commands)


def test_several_shared_urls_of_stack_files_need_names_of_their_own(stack: Recording) -> None:
    """Without names, both components create the objects of one."""
    assert stack.one(":OpenAICompatibleGateway", "llm")
    section = PAGE.split("\n## Several shared URLs at one Gateway\n")[1].split("\n## ")[0]
    assert "its own `shared.name`" in section


def test_no_page_says_that_the_older_of_two_equal_routes_wins() -> None:
    """The proxy compares their namespaces and names. Source: `InternalRouteRuleKey` of agentgateway 1.4.1."""
    assert [page for page, text in PAGES.items() if re.search(r"\bolder\s+(one|route)\b", text)] == []


def test_curl_sends_what_a_client_sends() -> None:
    command = block("docs/one-url.md", "curl")
    (body,) = re.findall(r"--data '(.*)'", command)
    assert json.loads(body)["model"] in {each["id"] for each in LIST["data"]}
    assert command.endswith("https://llm.example.com/llm/v1/chat/completions\n")
