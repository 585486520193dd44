"""Stands in for a gateway with a provider behind it, on a local port."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from components.openai_compatible_llm.backends.model_routing import NO_MODEL
from tests.support import http_server
from tests.support.http_server import Request, Server, serving

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


Reply = Callable[["Handler", Request], None]


class Handler(http_server.Handler):
    server: "_Server"

    def respond(self, request: Request) -> None:
        self.server.gateway.requests.append(request)
        replies = self.server.gateway.replies
        prefix = next((prefix for prefix in replies if request.path.startswith(f"{prefix}/")), None)
        (replies[prefix] if prefix else NO_ROUTE)(self, request)

    def token(self, token: str) -> None:
        self._chunk({"content": token}, None)

    def last_chunk(self) -> None:
        self._chunk({}, "stop", usage=USAGE)

    def end_stream(self) -> None:
        self.event("[DONE]")
        super().end_stream()

    def _chunk(self, delta: dict[str, str], finish_reason: str | None, **more: Any) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1767225600, "model": MODEL}
        self.event(json.dumps({**head, "choices": [choice], **more}))


def gateways_own(status: int, text: str) -> Reply:
    """Replies with an error of the proxy itself, which is `text/plain`."""
    return lambda handler, _: handler.answer(status, text.encode(), "text/plain")


def providers(status: int, body: object, **headers: str) -> Reply:
    """Replies with the provider's JSON, passed on."""
    return lambda handler, _: handler.answer_json(status, body, **headers)


def page(status: int, text: str = PAGE) -> Reply:
    return lambda handler, _: handler.answer(status, text.encode(), "text/html; charset=UTF-8")


def not_served(model: str | None, path: str) -> Reply:
    """Replies as a Gateway does at a shared URL with this path, where no provider takes the request."""
    return providers(404, {"error": not_served_error(model, path)})


def not_served_error(model: str | None, path: str) -> dict[str, Any]:
    message = f'The model "{model}" is not served at this URL. GET {path.rstrip("/")}/v1/models lists the models.'
    error = {"type": "invalid_request_error", "param": "model", "code": "model_not_found"}
    return {"message": NO_MODEL if model is None else message, **error}


def completion(handler: Handler, request: Request) -> None:
    """Replies with a completion, as JSON or as a stream; at other endpoints with models or an embedding."""
    others = {"/models": MODELS, "/embeddings": EMBEDDING}
    other = next((answer for ending, answer in others.items() if request.path.endswith(ending)), None)
    if other is not None:
        handler.answer_json(200, other)
        return
    if not request.json.get("stream"):
        handler.answer_json(200, COMPLETION)
        return
    handler.begin_stream()
    for token in TOKENS:
        handler.token(token)
    handler.last_chunk()
    handler.end_stream()


def silent(handler: Handler, _: Request) -> None:
    """Replies with nothing until the test ends."""
    handler.server.over.wait(SECONDS_UNTIL_IT_GIVES_UP)
    handler.break_off()


NO_ROUTE = gateways_own(404, "route not found")


class _Server(Server):
    daemon_threads = False
    gateway: "StandInGateway"


@dataclass
class StandInGateway:
    """Attributes:
    url: URL on which it listens.
    replies: Replies by the path prefix of a route; other paths have no route.
    requests: The requests so far.
    """

    url: str
    replies: dict[str, Reply] = field(default_factory=lambda: {ROUTE_PATH: completion})
    requests: list[Request] = field(default_factory=list)

    def replies_with(self, reply: Reply) -> None:
        self.replies[ROUTE_PATH] = reply


@contextmanager
def stand_in_gateway(port: int = 0) -> Iterator[StandInGateway]:
    server = _Server(Handler, port)
    server.gateway = StandInGateway(f"http://127.0.0.1:{server.server_port}")
    with serving(server):
        yield server.gateway
