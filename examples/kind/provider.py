"""A provider for trying things out: it speaks the OpenAI API, takes no key, and answers with what it was asked.

`python provider.py --port 8000` starts it; it needs nothing but Python. It serves chat completions, streamed too,
embeddings, and the list of models. It counts words as tokens.
"""

import argparse
import json
import time
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "demo"
DIMENSIONS = 8


class Exchange(BaseHTTPRequestHandler):
    """A request and its answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self._path == "/v1/models":
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "demo"}
            self._answer(HTTPStatus.OK, {"object": "list", "data": [model]})
        elif self._path == "/health":
            self._answer(HTTPStatus.OK, {"status": "ok"})
        else:
            self._refuse(HTTPStatus.NOT_FOUND, f"There is no {self._path}.")

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        answers = {"/v1/chat/completions": self._complete, "/v1/embeddings": self._embed}
        if self._path not in answers:
            self._refuse(HTTPStatus.NOT_FOUND, f"There is no {self._path}.")
            return
        try:
            asked = json.loads(content)
            answers[self._path](asked)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, f"The request can't be read: {error!r}")

    def _complete(self, asked: dict[str, Any]) -> None:
        prompt = _text(asked["messages"][-1].get("content"))
        text = f"This is the demo provider. You said: {prompt}"
        input_tokens = sum(len(_text(each.get("content")).split()) for each in asked["messages"])
        usage = _usage(input_tokens, len(text.split()))
        whole = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": asked.get("model") or MODEL,
        }
        if asked.get("stream"):
            self._stream({**whole, "object": "chat.completion.chunk"}, text, usage)
        else:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self._answer(HTTPStatus.OK, {**whole, "object": "chat.completion", "choices": [choice], "usage": usage})

    def _stream(self, whole: dict[str, Any], text: str, usage: dict[str, int]) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for choices, extra in _parts(text, usage):
            event = f"data: {json.dumps({**whole, 'choices': choices, **extra})}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        self.wfile.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")

    def _embed(self, asked: dict[str, Any]) -> None:
        inputs = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        data = [{"object": "embedding", "index": at, "embedding": _vector(text)} for at, text in enumerate(inputs)]
        tokens = sum(len(text.split()) for text in inputs)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        self._answer(
            HTTPStatus.OK, {"object": "list", "model": asked.get("model") or MODEL, "data": data, "usage": usage}
        )

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        self._answer(status, {"error": error})

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _text(content: str | list[dict[str, Any]] | None) -> str:
    """Returns a message's text, which can also be given in parts."""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content or ())


def _parts(text: str, usage: dict[str, int]) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Yields the choices of each event of a stream, and what else it has: the last one the tokens."""
    for at, word in enumerate(text.split(" ")):
        delta = {"role": "assistant", "content": word} if at == 0 else {"content": f" {word}"}
        yield [{"index": 0, "delta": delta, "finish_reason": None}], {}
    yield [{"index": 0, "delta": {}, "finish_reason": "stop"}], {}
    yield [], {"usage": usage}


def _usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _vector(text: str) -> list[float]:
    """Returns the same vector for the same text. It means nothing."""
    return [(sum(text.encode()) * (at + 1) % 97) / 97 for at in range(DIMENSIONS)]


def main() -> None:
    parser = argparse.ArgumentParser(description="A provider for trying things out. It takes no key.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    options = parser.parse_args()
    ThreadingHTTPServer((options.host, options.port), Exchange).serve_forever()


if __name__ == "__main__":
    main()
