"""The provider of examples/kind, which `make demo` runs too: what clients of the OpenAI API get from it, and others."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import ThreadingHTTPServer
from typing import Any

import openai
import pytest

from examples.kind.provider import Exchange
from local.waiting import wait_until
from tests.support.repository import REPOSITORY

ANSWER = "This is the demo provider. You said: Hello there!"
QUESTION: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello there!"}]
CHAT = "/v1/chat/completions"
PLAIN = {"messages": QUESTION}
NO_MESSAGES: list[Any] = ["text", {}, 5, ["text"], [None], [[]]]
NO_CONTENT: list[Any] = [5, True, {"a": 1}, [5], [{"text": 5}]]


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Exchange) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def client(port: int) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="any", max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    """One that doesn't connect anew by itself."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.connect()
        connection.auto_open = False
        yield connection


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, Any]:
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})  # type: ignore[arg-type]
    response = connection.getresponse()
    return response.status, json.loads(response.read() or b"null")


def is_well(connection: http.client.HTTPConnection) -> bool:
    """Whether the same connection takes another request."""
    return ask(connection, "GET", "/health") == (200, {"status": "ok"})


def test_a_completion_says_what_was_asked(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="demo", messages=QUESTION)
    assert completion.choices[0].message.content == ANSWER
    assert (completion.choices[0].finish_reason, completion.model) == ("stop", "demo")
    assert completion.usage
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (4, 9)
    assert completion.usage.total_tokens == 13


def test_a_message_can_be_in_parts_and_one_without_text_counts_nothing(client: openai.OpenAI) -> None:
    parts = [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    call: Any = {"role": "assistant", "content": None, "tool_calls": []}
    completion = client.chat.completions.create(model="x", messages=[call, {"role": "user", "content": parts}])  # type: ignore[list-item, misc]
    assert completion.choices[0].message.content == "This is the demo provider. You said: Hello "
    assert completion.model == "x"


@pytest.mark.parametrize("with_usage", [True, False])
def test_a_stream_has_the_same_text_and_its_tokens_if_they_are_wanted(client: openai.OpenAI, with_usage: bool) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if with_usage else {}
    chunks = list(client.chat.completions.create(model="demo", messages=QUESTION, stream=True, **options))
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == ANSWER
    assert (choices[0].delta.role, choices[-1].finish_reason) == ("assistant", "stop")
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == ([13] if with_usage else [])
    assert all(chunk.choices for chunk in chunks) != with_usage
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1


def test_embeddings_are_the_same_for_the_same_text(client: openai.OpenAI) -> None:
    first, second, third = client.embeddings.create(model="demo", input=["one", "two words", "one"]).data
    assert first.embedding == third.embedding != second.embedding
    assert [each.index for each in (first, second, third)] == [0, 1, 2]
    one = client.embeddings.create(model="demo", input="one", encoding_format="float")
    assert one.data[0].embedding == first.embedding
    assert one.usage.total_tokens == 1


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["demo"]


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "5", "{}", b"\xff", '{"messages": []}', "[" * 100_000])
@pytest.mark.parametrize("path", [CHAT, "/v1/embeddings"])
def test_a_body_that_is_no_request_is_refused_and_the_connection_goes_on(
    connection: http.client.HTTPConnection, path: str, body: str | bytes
) -> None:
    status, answer = ask(connection, "POST", path, body)
    assert status == 400
    assert answer["error"]["message"].startswith("The request can't be read: ")
    assert answer["error"]["type"] == "invalid_request_error"
    assert is_well(connection)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *((CHAT, {"messages": messages}) for messages in NO_MESSAGES),
        *((CHAT, {"messages": [{"content": content}]}) for content in NO_CONTENT),
        (CHAT, {"messages": [{"content": "Hi"}], "stream": True, "stream_options": 5}),
        *(("/v1/embeddings", {"input": wrong}) for wrong in (5, None, [1, 2], [None], "\ud800")),
    ],
)
def test_values_of_the_wrong_type_are_refused_before_the_answer_begins(
    connection: http.client.HTTPConnection, path: str, body: object
) -> None:
    status, answer = ask(connection, "POST", path, json.dumps(body))
    assert (status, answer["error"]["type"]) == (400, "invalid_request_error")
    assert is_well(connection)


def test_the_official_client_raises_its_own_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="The request can't be read: "):
        client.chat.completions.create(model="demo", messages=[])
    with pytest.raises(openai.NotFoundError, match=r"There is no POST /v1/responses\."):
        client.responses.create(model="demo", input="Hi")


@pytest.mark.parametrize("stream", [False, True])
def test_a_chunked_body_is_read_to_its_end(connection: http.client.HTTPConnection, stream: bool) -> None:
    pieces = json.dumps({**PLAIN, "stream": stream}).encode()
    connection.request("POST", CHAT, iter([pieces[:10], pieces[10:]]), encode_chunked=True)
    text = connection.getresponse().read().decode()
    assert ("data: [DONE]" in text) == stream
    assert stream or json.loads(text)["choices"][0]["message"]["content"] == ANSWER
    assert is_well(connection)


def test_a_chunked_body_may_have_extensions_and_trailers(connection: http.client.HTTPConnection) -> None:
    body = json.dumps(PLAIN).encode()
    sent = b"%x;a=b\r\n%s\r\n0\r\nx-trailer: 1\r\n\r\n" % (len(body), body)
    assert ask(connection, "POST", CHAT, sent, transfer_encoding="chunked")[0] == 200
    assert is_well(connection)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content_length": "many"}, b""),
        ({"content_length": "-5"}, b""),
        ({"transfer_encoding": "chunked"}, b"no size\r\n"),
        ({"transfer_encoding": "chunked"}, b"-5\r\n"),
        ({"transfer_encoding": "chunked"}, b"\xff\r\n"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_whose_length_cannot_be_read_is_refused_and_the_connection_ends(
    connection: http.client.HTTPConnection, method: str, headers: dict[str, str], body: bytes
) -> None:
    status, answer = ask(connection, method, CHAT, body, **headers)
    assert (status, answer["error"]["message"]) == (400, "The length of the body can't be read.")
    with pytest.raises((http.client.NotConnected, ConnectionError)):
        ask(connection, "GET", "/health")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content_length": str(10**11)}, b""),
        ({"content_length": "9" * 30}, b""),
        ({"transfer_encoding": "chunked"}, b"fffffffffffffff\r\n"),
        ({"transfer_encoding": "chunked"}, b"1\r\n{\r\n800000\r\n"),
    ],
)
def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    connection: http.client.HTTPConnection, headers: dict[str, str], body: bytes
) -> None:
    status, answer = ask(connection, "POST", CHAT, body, **headers)
    assert (status, answer["error"]["message"]) == (413, "The body has more than 8388608 bytes.")


@pytest.mark.parametrize("model", ["NaN", "1e999", "[" * 900 + "]" * 900])
@pytest.mark.parametrize("path", [CHAT, "/v1/embeddings"])
def test_a_model_that_is_no_text_is_refused(connection: http.client.HTTPConnection, path: str, model: str) -> None:
    body = f'{{"input": "x", "messages": {json.dumps(QUESTION)}, "stream": true, "model": {model}}}'
    status, answer = ask(connection, "POST", path, body)
    assert (status, answer["error"]["message"]) == (
        400,
        "The request can't be read: TypeError('`model` must be a text.')",
    )
    assert is_well(connection)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", CHAT), ("GET", "/"), ("GET", "/v1/models/x"), ("POST", "/v1/models"), ("POST", "/")]
)
def test_an_unknown_path_is_a_404_and_the_connection_goes_on(
    connection: http.client.HTTPConnection, method: str, path: str
) -> None:
    body = json.dumps(PLAIN) if method == "POST" else None
    status, answer = ask(connection, method, f"{path}?key=secret", body)
    assert (status, answer["error"]["message"]) == (404, f"There is no {method} {path}.")
    assert is_well(connection)


def test_a_query_is_no_part_of_the_path(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "POST", f"{CHAT}?beta=true", json.dumps(PLAIN))[0] == 200
    assert ask(connection, "GET", "/v1/models?limit=1")[0] == 200


def test_head_has_the_headers_alone(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "HEAD", "/health") == (200, None)
    assert ask(connection, "HEAD", "/nowhere") == (404, None)
    assert is_well(connection)


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "NONSENSE"])
def test_another_method_is_refused_as_json(connection: http.client.HTTPConnection, method: str) -> None:
    status, answer = ask(connection, method, CHAT)
    assert (status, answer["error"]["message"]) == (501, f"Unsupported method ({method!r})")


def test_what_is_no_http_is_refused(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 20) as plain, plain.makefile("rb") as answers:
        plain.sendall(b"\x16\x03\x01 no request\r\n\r\n")
        assert b"invalid_request_error" in answers.read()


def test_a_request_that_waits_for_permission_to_send_its_body_gets_it(port: int) -> None:
    body = json.dumps(PLAIN).encode()
    with socket.create_connection(("127.0.0.1", port), 20) as plain, plain.makefile("rb") as answers:
        plain.sendall(b"POST %s HTTP/1.1\r\nexpect: 100-continue\r\n" % CHAT.encode())
        plain.sendall(b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body))
        assert answers.readline().startswith(b"HTTP/1.1 100 ")
        plain.sendall(body)
        assert ANSWER.encode() in answers.read()


def test_a_client_that_hangs_up_leaves_no_trace(
    port: int, connection: http.client.HTTPConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert is_well(connection)
    before = threading.active_count()
    long = json.dumps({"messages": [{"content": "word " * 200_000}], "stream": True}).encode()
    for sent in (b"POST ", b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 99\r\n\r\n{", b""):
        with socket.create_connection(("127.0.0.1", port), 20) as plain:
            plain.sendall(sent)
            # Closed with something unread or unsent, a connection is reset.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with socket.create_connection(("127.0.0.1", port), 20) as plain:
        plain.sendall(b"POST %s HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (CHAT.encode(), len(long), long))
        assert plain.recv(10)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert is_well(connection)
    assert wait_until(lambda: threading.active_count() == before, 20), "each connection has a thread"
    assert "Traceback" not in capsys.readouterr().err


def test_the_log_has_a_line_for_each_request_without_headers_query_and_text(
    connection: http.client.HTTPConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(connection, "POST", f"{CHAT}?key=secret", json.dumps(PLAIN), authorization="Bearer secret")
    ask(connection, "GET", "/nowhere")
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(f"] POST {CHAT} 200")
    assert second.endswith("] GET /nowhere 404")
    assert "secret" not in first


@contextmanager
def program(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Runs as its user runs it, with nothing but Python's standard library."""
    command = [sys.executable, "-I", "-S", str(REPOSITORY / "examples/kind/provider.py"), *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    with closing(socket.socket()) as plain:
        return plain.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
def test_it_needs_the_standard_library_alone_and_ends_quietly(ended_by: signal.Signals) -> None:
    port = free_port()
    with program("--port", str(port)) as process:
        assert wait_until(lambda: listens(port), 20)
        process.send_signal(ended_by)
        assert process.wait(20) == 0
        assert process.stderr
        assert process.stderr.read() == ""


def test_a_port_that_is_taken_is_told_in_one_line(port: int) -> None:
    with program("--port", str(port)) as process:
        assert process.wait(20) == 1
        assert process.stderr
        said = process.stderr.read()
    assert said.startswith(f"It can't listen on 127.0.0.1:{port}: ")
    assert said.count("\n") == 1
