"""An OpenAI-compatible provider over HTTPS on loopback, which records its requests and fails on demand."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

TOKENS = ("Hello", ",", " world", "!")
UNTIL_THE_END = 30.0


@dataclass(frozen=True)
class Request:
    """One request as it reached the provider.

    Attributes:
        headers: By name in lower case.
        server_name: The name that the client asked for in its TLS handshake (SNI).
        at: When it came, in seconds of the monotonic clock.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    server_name: str | None
    at: float

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")


class Exchange(BaseHTTPRequestHandler):
    """A request, and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    # Headers and body are written one after the other; the second would wait for the client's acknowledgement.
    disable_nagle_algorithm = True
    server: "_Server"
    request_: Request

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        server_name = getattr(self.connection, "server_name", None)
        provider = self.server.provider
        self.request_ = Request(self.command, self.path, headers, body, server_name, time.monotonic())
        provider.requests.append(self.request_)
        provider.behaviour(self)

    do_GET = do_POST  # noqa: N815 (names of http.server)

    def answer(self, status: int, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        """Answers in one piece. Headers take `_` for `-`."""
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self, events: Iterable[str]) -> None:
        """Sends server-sent events, each as soon as it is there."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            self._chunk(f"data: {event}\n\n".encode())
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def hang_up(self) -> None:
        """Closes the connection without an answer."""
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (names of http.server)
        """Prints nothing."""


Behaviour = Callable[[Exchange], None]


def completion(exchange: Exchange, model: str | None = None, closes: bool = False) -> None:
    """Answers as a provider that is well, and closes the connection after it where asked to."""
    request = exchange.request_
    if request.path.endswith("/chat/completions"):
        if request.json.get("stream"):
            exchange.stream(completion_events(request))
        else:
            headers = {"connection": "close"} if closes else {}
            exchange.answer(200, json.dumps(chat_completion(model or request.json.get("model"))).encode(), **headers)
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
    exchange.server.provider.over.wait(UNTIL_THE_END)
    exchange.close_connection = True


def hanging_up(exchange: Exchange) -> None:
    """Closes the connection without an answer."""
    exchange.hang_up()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    provider: "OpenAIProvider"

    def get_request(self) -> tuple[Any, Any]:
        """The handshake comes later, in the thread of the connection, so that nobody waits for another's."""
        connection, address = super().get_request()
        connection.settimeout(UNTIL_THE_END)
        context = self.provider.tls
        if context is None:
            return connection, address
        return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, or refuses the certificate, is none of its business."""


@dataclass
class OpenAIProvider:
    """Attributes:
    requests: What came, in this order.
    behaviour: Answers a request; may be changed at any time.
    tls: Holds the certificate; None for plain HTTP. May be changed at any time.
    over: Set when the test ends.
    """

    port: int
    tls: ssl.SSLContext | None
    requests: list[Request] = field(default_factory=list)
    behaviour: Behaviour = completion
    over: threading.Event = field(default_factory=threading.Event)

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
    with _Server(("127.0.0.1", port), Exchange) as server:
        server.provider = OpenAIProvider(server.server_address[1], tls_context(authority))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.provider
        finally:
            server.provider.over.set()
            server.shutdown()
            thread.join()
