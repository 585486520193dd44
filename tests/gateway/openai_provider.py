"""An OpenAI-compatible provider over HTTPS on loopback, which records its requests and fails on demand."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import trustme

from tests.support.http_server import Handler, Request, Server, serving

TOKENS = ("Hello", ",", " world", "!")
UNTIL_THE_END = 30.0


class Exchange(Handler):
    """A request, and the ways to answer it."""

    server: "_Server"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            self.close_connection = True

    def respond(self, request: Request) -> None:
        self.server.provider.requests.append(request)
        self.server.provider.behaviour(self)

    def hang_up(self) -> None:
        """Closes the connection without an answer."""
        self.close_connection = True
        self.connection.close()


Behaviour = Callable[[Exchange], None]


def completion(exchange: Exchange, model: str | None = None, closes: bool = False) -> None:
    """Answers as a provider that is well, and closes the connection after it where asked to."""
    request = exchange.request_
    if urlsplit(request.path).path.endswith("/chat/completions"):
        if request.json.get("stream"):
            exchange.stream(completion_events(request))
        else:
            headers = {"connection": "close"} if closes else {}
            exchange.answer_json(200, chat_completion(model or request.json.get("model")), **headers)
    else:
        exchange.answer(404, error_body("unknown path"))


def error_body(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "error", "param": None, "code": None}}).encode()


def chat_completion(model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(TOKENS)}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    }


def completion_events(request: Request) -> Iterator[str]:
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": request.json.get("model")}
    for token in TOKENS:
        delta = {"index": 0, "delta": {"role": "assistant", "content": token}, "finish_reason": None}
        yield json.dumps({**chunk, "choices": [delta]})
    yield json.dumps({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    yield "[DONE]"


def failing(status: int, message: str = "on demand", **headers: str) -> Behaviour:
    """Answers every request with this status."""
    return lambda exchange: exchange.answer(status, error_body(message), **headers)


def silent(exchange: Exchange) -> None:
    """Answers nothing until the test is over."""
    exchange.server.over.wait(UNTIL_THE_END)
    exchange.break_off()


def hanging_up(exchange: Exchange) -> None:
    """Closes the connection without an answer."""
    exchange.hang_up()


class _Server(Server):
    provider: "OpenAIProvider"

    def get_request(self) -> tuple[Any, Any]:
        """The handshake comes later, in the thread of the connection, so that nobody waits for another's."""
        connection, address = super().get_request()
        connection.settimeout(UNTIL_THE_END)
        context = self.provider.tls
        if context is None:
            return connection, address
        return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address


@dataclass
class OpenAIProvider:
    """Attributes:
    requests: What came, in this order.
    behaviour: Answers a request; may be changed at any time.
    tls: Holds the certificate; None for plain HTTP. May be changed at any time.
    """

    port: int
    tls: ssl.SSLContext | None
    requests: list[Request] = field(default_factory=list)
    behaviour: Behaviour = completion

    @property
    def base_url(self) -> str:
        return f"https://localhost:{self.port}/v1"

    def keys(self) -> set[str | None]:
        """Every value of Authorization that came."""
        return {request.authorization for request in self.requests}


def tls_context(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    """Makes a context with a certificate of this authority for this name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def remember(connection: ssl.SSLSocket, server_name: str | None, _: ssl.SSLContext) -> None:
        connection.server_name = server_name  # type: ignore[attr-defined]

    context.sni_callback = remember  # type: ignore[assignment]
    return context


@contextmanager
def openai_provider(authority: trustme.CA, port: int = 0) -> Iterator[OpenAIProvider]:
    """Runs a provider; on a free port unless one is given."""
    server = _Server(Exchange, port)
    server.provider = OpenAIProvider(server.server_port, tls_context(authority))
    with serving(server):
        yield server.provider
