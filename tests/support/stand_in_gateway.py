"""Stands in for a gateway with a provider behind it, on a local port."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ROUTE_PATH = "/mistral"
MODEL = "mistral-medium-latest"
TOKENS = ["Salut", " ", "le", " ", "monde"]
USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
SECONDS_UNTIL_IT_GIVES_UP = 20

COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1767225600,
    "model": MODEL,
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "".join(TOKENS)}, "finish_reason": "stop"},
    ],
    "usage": USAGE,
    "of_the_provider": {"its": "own"},
}
MODELS: dict[str, Any] = {
    "object": "list",
    "data": [{"id": name, "object": "model"} for name in (MODEL, "mistral-embed")],
}
EMBEDDING: dict[str, Any] = {
    "object": "list",
    "model": "mistral-embed",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5, 1.0]}],
    "usage": {"prompt_tokens": 2, "total_tokens": 2},
}
PAGE = "<html>\r\n<head><title>No</title></head>\r\n<body>the page of a network</body>\r\n</html>\r\n"


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


Reply = Callable[["Handler", Request], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(content) if content else {}
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.server.gateway.requests.append(request)
        replies = self.server.gateway.replies
        prefix = next((prefix for prefix in replies if request.path.startswith(f"{prefix}/")), None)
        (replies[prefix] if prefix else NO_ROUTE)(self, request)

    do_GET = do_POST  # noqa: N815 (names of http.server)

    def answer(self, status: int, content_type: str, text: str, **headers: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def event(self, data: str) -> None:
        content = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        self.wfile.flush()

    def token(self, token: str) -> None:
        self._chunk({"content": token}, None)

    def last_chunk(self) -> None:
        self._chunk({}, "stop", usage=USAGE)

    def end_stream(self) -> None:
        self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def break_off(self) -> None:
        """Closes the connection without the end of the stream."""
        self.close_connection = True

    def _chunk(self, delta: dict[str, str], finish_reason: str | None, **more: Any) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1767225600, "model": MODEL}
        self.event(json.dumps({**head, "choices": [choice], **more}))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is http.server's)
        pass


def gateways_own(status: int, text: str) -> Reply:
    """Replies with an error of the proxy itself, which is `text/plain`."""
    return lambda handler, _: handler.answer(status, "text/plain", text)


def providers(status: int, body: object, **headers: str) -> Reply:
    """Replies with the provider's JSON, passed on."""
    return lambda handler, _: handler.answer(status, "application/json", json.dumps(body), **headers)


def page(status: int, text: str = PAGE) -> Reply:
    return lambda handler, _: handler.answer(status, "text/html; charset=UTF-8", text)


def completion(handler: Handler, request: Request) -> None:
    """Replies with a completion, as JSON or as a stream; at other endpoints with models or an embedding."""
    others = {"/models": MODELS, "/embeddings": EMBEDDING}
    other = next((answer for ending, answer in others.items() if request.path.endswith(ending)), None)
    if other is not None:
        handler.answer(200, "application/json", json.dumps(other))
        return
    if not request.body.get("stream"):
        handler.answer(200, "application/json", json.dumps(COMPLETION))
        return
    handler.begin_stream()
    for token in TOKENS:
        handler.token(token)
    handler.last_chunk()
    handler.end_stream()


def silent(handler: Handler, _: Request) -> None:
    """Replies with nothing until the test ends."""
    handler.server.gateway.over.wait(SECONDS_UNTIL_IT_GIVES_UP)
    handler.break_off()


NO_ROUTE = gateways_own(404, "route not found")


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    gateway: "StandInGateway"

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores clients that close the connection early."""


@dataclass
class StandInGateway:
    """Attributes:
    url: URL on which it listens.
    replies: Replies by the path prefix of a route; other paths have no route.
    requests: The requests so far.
    over: Set when the test ends.
    """

    url: str
    replies: dict[str, Reply] = field(default_factory=lambda: {ROUTE_PATH: completion})
    requests: list[Request] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def replies_with(self, reply: Reply) -> None:
        self.replies[ROUTE_PATH] = reply


@contextmanager
def stand_in_gateway() -> Iterator[StandInGateway]:
    with _Server(("127.0.0.1", 0), Handler) as server:
        server.gateway = StandInGateway(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.gateway
        finally:
            server.gateway.over.set()
            server.shutdown()
            thread.join()
