"""An OpenAI-compatible provider that runs in a pod: HTTPS, one key, and the standard library alone."""

import json
import os
import ssl
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PATH = "/v1/chat/completions"


class Exchange(BaseHTTPRequestHandler):
    """Answers with the host that it was asked for; without the key, with 401."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        if self.path != PATH:
            self.answer(HTTPStatus.NOT_FOUND, {"error": {"message": f"unknown path {self.path}"}})
        elif self.headers.get("authorization") != f"Bearer {os.environ['KEY']}":
            self.answer(HTTPStatus.UNAUTHORIZED, {"error": {"message": "wrong API key"}})
        else:
            message = {"role": "assistant", "content": f"You asked {self.headers['host']}."}
            self.answer(
                HTTPStatus.OK,
                {
                    "id": "c1",
                    "object": "chat.completion",
                    "created": 1,
                    "model": asked["model"],
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
                },
            )

    def answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve(port: int, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
    server = ThreadingHTTPServer(("", port), Exchange)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(os.environ["PORT"]), Path(os.environ["CERTIFICATE"]))
