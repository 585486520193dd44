"""What is sent, and what is printed of an answer."""

import json
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from tests.stand_in_gateway import (
    COMPLETION,
    MODEL,
    SECONDS_UNTIL_IT_GIVES_UP,
    TOKENS,
    Handler,
    Request,
    StandInGateway,
)
from tests.stand_in_gateway import providers as of_provider
from tests.unit.doctor.conftest import Chat
from tests.unit.recording import REPOSITORY

CANARY = "sk-canary-4be1d2a09c"
TEXT = "".join(TOKENS)


def test_the_answer_is_printed_and_beside_it_who_gave_it(chat: Chat) -> None:
    asked = chat("Bonjour ?")
    assert (asked.status, asked.stdout) == (0, f"{TEXT}\n")
    assert asked.stderr.startswith(f"{MODEL}, 14 tokens, ")
    (request,) = chat.gateway.requests
    assert request.path == "/mistral/v1/chat/completions"
    assert request.body == {"model": MODEL, "messages": [{"role": "user", "content": "Bonjour ?"}]}


def test_json_prints_the_response_as_it_came(chat: Chat) -> None:
    asked = chat("--json")
    assert (asked.status, json.loads(asked.stdout)) == (0, COMPLETION)


def test_the_first_token_is_printed_before_the_last_is_sent(gateway: StandInGateway) -> None:
    first_was_seen = threading.Event()
    in_time = []

    def slow_stream(handler: Handler, _: Request) -> None:
        handler.begin_stream()
        handler.token(TOKENS[0])
        in_time.append(first_was_seen.wait(SECONDS_UNTIL_IT_GIVES_UP))
        for token in TOKENS[1:]:
            handler.token(token)
        handler.last_chunk()
        handler.end_stream()

    gateway.replies_with(slow_stream)
    command = [sys.executable, "-m", "components.openai_compatible_llm.doctor", "--stream", "--path", "/mistral"]
    with subprocess.Popen(
        [*command, "--gateway-url", gateway.url, "--model", MODEL, "--kubeconfig", "/none"],
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        first = process.stdout.read(len(TOKENS[0]))
        first_was_seen.set()
        rest = process.stdout.read()
        summary = process.stderr.read().decode()
    assert process.returncode == 0, summary
    assert (first + rest).decode() == f"{TEXT}\n"
    assert in_time == [True]
    assert f"{MODEL}, 14 tokens, first token after " in summary


def test_without_being_told_of_a_token_it_shows_none(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(variable, CANARY)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"authorization: Bearer {CANARY}\nX-Own: {CANARY}")
    assert chat().status == 0
    assert chat("--stream").status == 0
    assert CANARY not in f"{chat.gateway.requests}"
    assert not any("authorization" in request.headers for request in chat.gateway.requests)


def test_the_callers_token_comes_out_of_the_variable_that_is_named(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "authorization: Bearer sk-another")
    monkeypatch.setenv("MY_TOKEN", f"{CANARY}\n")
    asked = chat("--token-variable", "MY_TOKEN")
    assert asked.status == 0
    assert chat.gateway.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    assert CANARY not in asked.stdout + asked.stderr


@pytest.mark.parametrize(
    ("value", "reason"), [(None, "the key is empty"), (f"Bearer {CANARY}", 'starts with "Bearer"')]
)
def test_a_variable_without_a_token_is_refused(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, value: str | None, reason: str
) -> None:
    if value is None:
        monkeypatch.delenv("MY_TOKEN", raising=False)
    else:
        monkeypatch.setenv("MY_TOKEN", value)
    asked = chat("--token-variable", "MY_TOKEN")
    assert asked.status == 1
    assert asked.stderr.startswith("The environment variable MY_TOKEN has no valid token: ")
    assert reason in asked.stderr
    assert CANARY not in asked.stderr
    assert chat.gateway.requests == []


@pytest.mark.parametrize(
    "unusual", [{"usage": None}, {"choices": [{**COMPLETION["choices"][0], "message": {"content": None}}]}]
)
def test_an_answer_may_lack_its_usage_or_its_text(chat: Chat, unusual: dict[str, Any]) -> None:
    chat.gateway.replies_with(of_provider(200, {**COMPLETION, **unusual}))
    assert chat().status == 0


def test_a_prompt_may_begin_with_a_dash(chat: Chat) -> None:
    assert chat("--", "--stream").status == 0
    assert chat.gateway.requests[0].body["messages"][0]["content"] == "--stream"
