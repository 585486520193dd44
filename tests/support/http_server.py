"""HTTP servers on loopback, which keep their requests and answer as a test says."""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request as it reached the server.

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
        return json.loads(self.body or b"{}")

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")


class Handler(BaseHTTPRequestHandler):
    """Has the ways to answer a request."""

    protocol_version = "HTTP/1.1"
    # Headers and body are written one after the other; the second would wait for the client's acknowledgement.
    disable_nagle_algorithm = True

    request_: Request

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length") or 0))
        server_name = getattr(self.connection, "server_name", None)
        self.request_ = Request(self.command, self.path, headers, body, server_name, time.monotonic())
        self.respond(self.request_)

    do_GET = do_POST  # noqa: N815 (names of http.server)

    def respond(self, request: Request) -> None:
        raise NotImplementedError

    def answer(self, status: int, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        """Answers in one piece. Headers take `_` for `-`."""
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self, status: int, body: object, **headers: str) -> None:
        self.answer(status, json.dumps(body).encode(), **headers)

    def stream(self, events: Iterable[str]) -> None:
        """Sends server-sent events, each as soon as it is there."""
        self.begin_stream()
        for event in events:
            self.event(event)
        self.end_stream()

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def event(self, data: str) -> None:
        self.chunk(f"data: {data}\n\n".encode())

    def chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.flush()

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def break_off(self) -> None:
        """Closes the connection without the end of the stream."""
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (names of http.server)
        """Prints nothing."""


class Server(ThreadingHTTPServer):
    """Listens on loopback.

    Attributes:
        over: Set when the test ends.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[Handler], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.over = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores clients that close the connection early, or refuse the certificate."""


@contextmanager
def serving(server: Server) -> Iterator[None]:
    """Serves until the test ends."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
