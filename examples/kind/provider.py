"""A provider for trying things out: it speaks the OpenAI API, takes no key, and answers with what it was asked.

`python provider.py --port 8000` starts it; it needs nothing but Python. It serves chat completions, streamed too,
embeddings, and the list of models. It counts words as tokens.
"""

import argparse
import json
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "demo"
DIMENSIONS = 8
# More than a gateway reads of a body, and little enough for the pod.
BYTES_AT_MOST = 2**23
BYTES_OF_A_LINE = 2**16


class Exchange(BaseHTTPRequestHandler):
    """A request and its answer."""

    protocol_version = "HTTP/1.1"
    # Headers and body are sent one after the other; the second would wait for the client's acknowledgement.
    disable_nagle_algorithm = True
    path = ""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_GET(self) -> None:
        if self._read_body() is None:
            return
        if self._path == "/v1/models":
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "demo"}
            self._answer(HTTPStatus.OK, {"object": "list", "data": [model]})
        elif self._path == "/health":
            self._answer(HTTPStatus.OK, {"status": "ok"})
        else:
            self._refuse(HTTPStatus.NOT_FOUND, f"There is no {self.command} {self._path}.")

    do_HEAD = do_GET  # noqa: N815 (a name of http.server)

    def do_POST(self) -> None:
        content = self._read_body()
        if content is None:
            return
        answers = {"/v1/chat/completions": self._complete, "/v1/embeddings": self._embed}
        if self._path not in answers:
            self._refuse(HTTPStatus.NOT_FOUND, f"There is no {self.command} {self._path}.")
            return
        try:
            answers[self._path](json.loads(content))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, f"The request can't be read: {error!r}")

    def _complete(self, asked: dict[str, Any]) -> None:
        prompt = _text(asked["messages"][-1].get("content"))
        text = f"This is the demo provider. You said: {prompt}"
        input_tokens = sum(len(_text(each.get("content")).split()) for each in asked["messages"])
        usage = _usage(input_tokens, len(text.split()))
        whole = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": _model(asked),
        }
        if asked.get("stream"):
            with_usage = (asked.get("stream_options") or {}).get("include_usage")
            self._stream({**whole, "object": "chat.completion.chunk"}, text, usage if with_usage else None)
        else:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self._answer(HTTPStatus.OK, {**whole, "object": "chat.completion", "choices": [choice], "usage": usage})

    def _stream(self, whole: dict[str, Any], text: str, usage: dict[str, int] | None) -> None:
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
        self._answer(HTTPStatus.OK, {"object": "list", "model": _model(asked), "data": data, "usage": usage})

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _read_body(self) -> bytes | None:
        """Returns the request's body. Refuses one that is too large or whose length can't be read, and returns None."""
        # After an error, where the next request begins can't be known.
        try:
            if "chunked" in self.headers.get("transfer-encoding", "").lower():
                return self._read_chunks()
            return self.rfile.read(_size(self.headers.get("content-length") or "0", 10, BYTES_AT_MOST))
        except OverflowError:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {BYTES_AT_MOST} bytes.")
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST, "The length of the body can't be read.")
        return None

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while chunk := self._read_chunk(BYTES_AT_MOST - len(body)):
            body += chunk
        return bytes(body)

    def _read_chunk(self, at_most: int) -> bytes:
        size = self.rfile.readline(BYTES_OF_A_LINE).partition(b";")[0].decode()
        chunk = self.rfile.read(_size(size, 16, at_most))
        # After the last chunk, which is empty, there may be further headers.
        while self.rfile.readline(BYTES_OF_A_LINE).strip():
            pass
        return chunk

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuses as OpenAI does what is no request at all, and closes the connection."""
        self.close_connection = True
        self._refuse(HTTPStatus(code), message or explain or HTTPStatus(code).phrase)

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        self._answer(status, {"error": error})

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs the request without its query, in which some clients send a key."""
        del size
        self.log_message("%s %s %s", self.command or "-", self._path or "-", int(code))


def _size(number: str, base: int, at_most: int) -> int:
    if (size := int(number, base)) < 0:
        raise ValueError(number)
    if size > at_most:
        raise OverflowError(number)
    return size


def _model(asked: dict[str, Any]) -> str:
    """Returns the model that was asked for. What is no text may have no place in an answer, such as `NaN`."""
    model = asked.get("model") or MODEL
    if not isinstance(model, str):
        raise TypeError("`model` must be a text.")
    return model


def _text(content: str | list[dict[str, Any]] | None) -> str:
    """Returns a message's text, which can also be given in parts."""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content or ())


def _parts(text: str, usage: dict[str, int] | None) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Yields the choices of each event of a stream, and what else it has: the last one the tokens, if wanted."""
    for at, word in enumerate(text.split(" ")):
        delta = {"role": "assistant", "content": word} if at == 0 else {"content": f" {word}"}
        yield [{"index": 0, "delta": delta, "finish_reason": None}], {}
    yield [{"index": 0, "delta": {}, "finish_reason": "stop"}], {}
    if usage:
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
    # The first process of a container ends on a signal only if it handles it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        try:
            server = ThreadingHTTPServer((options.host, options.port), Exchange)
        except (OSError, OverflowError) as error:
            parser.exit(1, f"It can't listen on {options.host}:{options.port}: {error}\n")
        server.serve_forever()


if __name__ == "__main__":
    main()
