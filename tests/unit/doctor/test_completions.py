"""The request, and what is printed when a completion arrives."""

import json
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from tests.support.http_server import Request
from tests.support.repository import REPOSITORY
from tests.support.stand_in_gateway import COMPLETION, MODEL, SECONDS_UNTIL_IT_GIVES_UP, TOKENS, Handler, StandInGateway
from tests.support.stand_in_gateway import providers as from_provider
from tests.unit.doctor.conftest import Chat

CANARY = "sk-canary-4be1d2a09c"
TEXT = "".join(TOKENS)


def test_the_completion_is_printed_and_a_summary_on_standard_error(chat: Chat) -> None:
    run = chat("Bonjour ?")
    assert (run.status, run.stdout) == (0, f"{TEXT}\n")
    assert run.stderr.startswith(f"{MODEL}, 14 tokens, ")
    (request,) = chat.gateway.requests
    assert request.path == "/mistral/v1/chat/completions"
    assert request.json == {"model": MODEL, "messages": [{"role": "user", "content": "Bonjour ?"}]}


def test_json_prints_the_response_verbatim(chat: Chat) -> None:
    run = chat("--json")
    assert (run.status, json.loads(run.stdout)) == (0, COMPLETION)


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


def test_no_token_is_sent_by_default(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(variable, CANARY)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"authorization: Bearer {CANARY}\nX-Own: {CANARY}")
    assert chat().status == 0
    assert chat("--stream").status == 0
    assert CANARY not in f"{chat.gateway.requests}"
    assert not any("authorization" in request.headers for request in chat.gateway.requests)


def test_the_callers_token_is_read_from_the_named_variable(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "authorization: Bearer sk-another")
    monkeypatch.setenv("MY_TOKEN", f"{CANARY}\n")
    run = chat("--token-variable", "MY_TOKEN")
    assert run.status == 0
    assert chat.gateway.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    assert CANARY not in run.stdout + run.stderr


def test_a_clients_key_goes_alone_into_another_header(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Api-Key: sk-another")
    monkeypatch.setenv("WEB_KEY", CANARY)
    for arguments in ((), ("--stream",), ("--models",)):
        run = chat("--token-variable", "WEB_KEY", "--token-header", "x-api-key", *arguments)
        assert run.status == 0
        assert CANARY not in run.stdout + run.stderr
    assert {request.headers["x-api-key"] for request in chat.gateway.requests} == {CANARY}
    assert not any("authorization" in request.headers for request in chat.gateway.requests)


def test_the_providers_own_token_goes_beside_a_clients_key(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_KEY", "key-of-the-client-web")
    monkeypatch.setenv("MY_TOKEN", CANARY)
    both = ["--token-variable", "WEB_KEY", "--token-header", "x-api-key", "--provider-token-variable", "MY_TOKEN"]
    assert chat(*both).status == 0
    headers = chat.gateway.requests[0].headers
    assert (headers["authorization"], headers["x-api-key"]) == (f"Bearer {CANARY}", "key-of-the-client-web")
    chat.gateway.replies_with(from_provider(401, {"detail": f"{CANARY} is no key"}))
    assert CANARY not in chat(*both).stderr


def test_a_header_without_a_token_is_refused(chat: Chat, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        chat("--token-header", "x-api-key")
    assert ended.value.code == 1
    assert capsys.readouterr().err == "argument --token-header: give the token too: --token-variable; see --help\n"


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
    run = chat("--token-variable", "MY_TOKEN")
    assert run.status == 1
    assert run.stderr.startswith("The environment variable MY_TOKEN has no valid token: ")
    assert reason in run.stderr
    assert CANARY not in run.stderr
    assert chat.gateway.requests == []


@pytest.mark.parametrize(
    "unusual", [{"usage": None}, {"choices": [{**COMPLETION["choices"][0], "message": {"content": None}}]}]
)
def test_a_completion_may_lack_usage_or_text(chat: Chat, unusual: dict[str, Any]) -> None:
    chat.gateway.replies_with(from_provider(200, {**COMPLETION, **unusual}))
    assert chat().status == 0


def test_a_prompt_may_start_with_a_dash(chat: Chat) -> None:
    assert chat("--", "--stream").status == 0
    assert chat.gateway.requests[0].json["messages"][0]["content"] == "--stream"
