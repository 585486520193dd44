"""An internet on loopback: a proxy that answers for every HTTPS site itself."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import trustme

from tests.support.http_server import Handler, Request, Server, serving


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

    class Site(Handler):
        protocol_version = "HTTP/1.0"
        host: str

        def do_CONNECT(self) -> None:  # noqa: N802 (the name is http.server's)
            self.host = self.path.rpartition(":")[0]
            self.send_response_only(200)
            self.end_headers()
            self.connection = context(self.host).wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
            self.close_connection = False

        def respond(self, request: Request) -> None:
            address = f"https://{self.host}{request.path}"
            served.asked.append(address)
            if address in served.silent:
                server.over.wait()
            body = served.files.get(address)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if address in served.stalling:
                self.wfile.write((body or b"")[:1])
                server.over.wait()
            self.wfile.write(body or b"")

        def finish(self) -> None:
            super().finish()
            self.connection.close()

    server = Server(Site)
    proxy = f"http://127.0.0.1:{server.server_port}"
    served.environment = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "SSL_CERT_FILE": str(certificate)}
    served.environment |= {"CURL_CA_BUNDLE": str(certificate), "SSL_CERT_DIR": ""}
    served.environment |= {"NO_PROXY": "", "no_proxy": ""}
    with serving(server):
        yield served
