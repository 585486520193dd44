"""Holds that docs/one-url.md says what the components create, and that its clients read the answers that it shows."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.http_server import Request
from tests.support.pages import PAGES, block, blocks
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


def test_curl_sends_what_a_client_sends() -> None:
    command = block("docs/one-url.md", "curl")
    (body,) = re.findall(r"--data '(.*)'", command)
    assert json.loads(body)["model"] in {each["id"] for each in LIST["data"]}
    assert command.endswith("https://llm.example.com/llm/v1/chat/completions\n")
