"""An internet on loopback: a proxy that answers for every HTTPS site itself."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme


class Internet:
    """What the sites serve.

    Attributes:
        files: What is at an address. Anything else answers 404.
        silent: Addresses that never answer.
        stalling: Addresses whose files stop after their first byte.
        asked: The addresses that were asked for, in their order.
        environment: Environment variables that lead programs here.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.silent: set[str] = set()
        self.stalling: set[str] = set()
        self.asked: list[str] = []
        self.environment: dict[str, str] = {}
        self.ended = threading.Event()


@contextmanager
def internet(folder: Path) -> Iterator[Internet]:
    authority, served = trustme.CA(), Internet()
    certificate = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(certificate))

    @cache
    def context(host: str) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(made)
        return made

    class Handler(BaseHTTPRequestHandler):
        host: str

        def do_CONNECT(self) -> None:
            self.host = self.path.rpartition(":")[0]
            self.send_response_only(200)
            self.end_headers()
            self.connection = context(self.host).wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
            self.close_connection = False

        def do_GET(self) -> None:
            address = f"https://{self.host}{self.path}"
            served.asked.append(address)
            if address in served.silent:
                served.ended.wait()
            body = served.files.get(address)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if address in served.stalling:
                self.wfile.write((body or b"")[:1])
                served.ended.wait()
            self.wfile.write(body or b"")

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Says nothing of clients that hang up."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        proxy = f"http://127.0.0.1:{server.server_port}"
        served.environment = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "SSL_CERT_FILE": str(certificate)}
        served.environment |= {"CURL_CA_BUNDLE": str(certificate), "SSL_CERT_DIR": ""}
        served.environment |= {"NO_PROXY": "", "no_proxy": ""}
        try:
            yield served
        finally:
            served.ended.set()
            server.shutdown()
