"""Stands in for agentgateway's proxy: sends requests to the providers of the routes that its controller tells it."""

import json
import os
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from typing import Any

import urllib3

from tests.support.http_server import Handler, Request

CONTROLLER = f"{os.environ['XDS_ADDRESS']}/{os.environ['NAMESPACE']}/{os.environ['GATEWAY']}"

pool = urllib3.PoolManager(retries=False, timeout=20)


def configuration() -> dict[str, Any]:
    return pool.request("GET", CONTROLLER).json()  # type: ignore[no-any-return]


class Exchange(Handler):
    """A request that is passed on with the backend's model, and its answer, which is passed on piece by piece."""

    def respond(self, request: Request) -> None:
        found = [each for each in configuration()["routes"] if request.path.startswith(f"{each[0]}/v1/")]
        if not found:
            self.answer(HTTPStatus.NOT_FOUND, b"route not found", "text/plain")
            return
        ((prefix, provider),) = found
        url = f"http://{provider['host']}:{provider['port']}{request.path.removeprefix(prefix)}"
        body = json.dumps({**request.json, **provider["openai"]}) if request.body else None
        try:
            answer = pool.request(request.method, url, body=body, preload_content=False)
        except urllib3.exceptions.HTTPError:
            self.answer(HTTPStatus.SERVICE_UNAVAILABLE, b"upstream call failed", "text/plain")
            return
        self.send_response(answer.status)
        self.send_header("content-type", answer.headers["content-type"])
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in answer.stream():
            self.chunk(chunk)
        self.end_stream()


def main() -> None:
    # Like the real one, it listens on all addresses.
    ThreadingHTTPServer(("0.0.0.0", configuration()["port"]), Exchange).serve_forever()  # noqa: S104


if __name__ == "__main__":
    main()
