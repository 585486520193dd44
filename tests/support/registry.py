"""An OCI registry on loopback, with what the projects of the gateways publish."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from local.gateway.images import RELEASES
from local.gateway.pull import CHART
from tests.support import http_server
from tests.support.http_server import Request, Server, serving

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
DEFINITION = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: {}\n"
TOKEN = "token-for-anybody"
SECONDS_UNTIL_IT_GIVES_UP = 20

Entry = bytes | str
"""What a layer has at a path: a file, or a link to another path."""


class Handler(http_server.Handler):
    server: "_Server"

    def respond(self, request: Request) -> None:
        registry = self.server.registry
        registry.requests.append(request)
        path = urlsplit(request.path).path
        if path == "/token":
            self.answer_json(200, {"token": TOKEN})
        elif registry.asks_for_token and request.authorization != f"Bearer {TOKEN}":
            challenge = f'Bearer realm="{registry.url}/token",service="registry.test",scope="repository:all:pull"'
            self.answer(401, b"{}", www_authenticate=challenge)
        elif path in registry.replies:
            registry.replies[path](self, request)
        elif path in registry.contents:
            self.serve(path)
        else:
            self.answer_json(404, {"errors": [{"code": "NAME_UNKNOWN"}]})

    def serve(self, path: str) -> None:
        content_type, body = self.server.registry.contents[path]
        self.answer(200, body, content_type, docker_content_digest=digest(body))


Reply = Callable[[Handler, Request], None]


@dataclass
class Registry:
    """Attributes:
    url: URL on which it listens.
    contents: Media type and bytes by path.
    replies: What it does instead of serving the content at a path.
    asks_for_token: Whether it answers only those that have got its token.
    requests: The requests so far.
    """

    url: str
    contents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)
    asks_for_token: bool = False
    requests: list[Request] = field(default_factory=list)

    def publish(self, reference: str, layers: Sequence[bytes], platforms: Sequence[str] = ("amd64", "arm64")) -> None:
        """Publishes the same image for each of these processors, and what attests to it."""
        images = []
        for each in platforms:
            config = self._blob(reference, CONFIG, json.dumps({"os": "linux", "architecture": each}).encode())
            image = self._manifest(reference, layers, LAYER, config)
            images.append({**image, "platform": {"os": "linux", "architecture": each}})
        attestation = self._manifest(reference, [b"attestation"], "application/vnd.in-toto+json", config)
        images.append({**attestation, "platform": {"os": "unknown", "architecture": "unknown"}})
        self._tag(reference, INDEX, json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": images}).encode())

    def publish_single(
        self, reference: str, layers: Sequence[bytes], architecture: str, configuration: bytes | None = None
    ) -> None:
        """Publishes an image for one processor, without an index; with these bytes as configuration, if given."""
        own = json.dumps({"os": "linux", "architecture": architecture}).encode()
        config = self._blob(reference, CONFIG, own if configuration is None else configuration)
        image = self._manifest(reference, layers, LAYER, config)
        self._tag(reference, *self.contents[self.path(reference, "manifests", image["digest"])])

    def publish_chart(self, reference: str, files: Mapping[str, str]) -> None:
        config = self._blob(reference, "application/vnd.cncf.helm.config.v1+json", b"{}")
        archive = tar_gz({f"chart/{name}": text.encode() for name, text in files.items()})
        chart = self._manifest(reference, [archive], CHART, config)
        self._tag(reference, *self.contents[self.path(reference, "manifests", chart["digest"])])

    def publish_gateway(self, api: str, controller: bytes, proxy: bytes, definitions: Mapping[str, str]) -> None:
        """Publishes all of one gateway."""
        release = RELEASES[api]
        for image, program in ((release.controller, controller), (release.proxy, proxy)):
            self.publish(image.reference, [tar_gz({"etc/os-release": b"Linux"}), tar_gz({image.program: program})])
        self.publish_chart(release.chart, {f"templates/{name}": text for name, text in definitions.items()})

    def path(self, reference: str, kind: str, name: str = "") -> str:
        """Returns the path of a manifest or blob, at a mirror of all registries; that of the tag without a name."""
        repository, _, tag = reference.rpartition(":")
        return f"/v2/{repository}/{kind}/{name or tag}"

    def layers(self, reference: str) -> list[str]:
        """Returns the paths of an image's layers, the lowest first."""
        _, body = self.contents[self.path(reference, "manifests")]
        top = json.loads(body)
        if "manifests" in top:
            _, body = self.contents[self.path(reference, "manifests", top["manifests"][0]["digest"])]
            top = json.loads(body)
        return [self.path(reference, "blobs", layer["digest"]) for layer in top["layers"]]

    def paths(self) -> list[str]:
        return [urlsplit(request.path).path for request in self.requests]

    def _manifest(
        self, reference: str, layers: Sequence[bytes], layer_type: str, config: dict[str, Any]
    ) -> dict[str, Any]:
        blobs = [self._blob(reference, layer_type, layer) for layer in layers]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": blobs}
        return self._put(reference, "manifests", MANIFEST, json.dumps(manifest).encode())

    def _blob(self, reference: str, media_type: str, body: bytes) -> dict[str, Any]:
        return self._put(reference, "blobs", media_type, body)

    def _put(self, reference: str, kind: str, media_type: str, body: bytes) -> dict[str, Any]:
        self.contents[self.path(reference, kind, digest(body))] = (media_type, body)
        return {"mediaType": media_type, "digest": digest(body), "size": len(body)}

    def _tag(self, reference: str, media_type: str, body: bytes) -> None:
        self.contents[self.path(reference, "manifests")] = (media_type, body)


class _Server(Server):
    registry: Registry


@contextmanager
def registry() -> Iterator[Registry]:
    server = _Server(Handler)
    server.registry = Registry(f"http://127.0.0.1:{server.server_port}")
    with serving(server):
        yield server.registry


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def tar_gz(entries: Mapping[str, Entry]) -> bytes:
    """Returns an archive of these files and links, without leading slashes, as images have them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, entry in entries.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            if isinstance(entry, str):
                member.type, member.linkname = tarfile.SYMTYPE, entry
                archive.addfile(member)
            else:
                member.size = len(entry)
                archive.addfile(member, io.BytesIO(entry))
    return gzip.compress(buffer.getvalue(), mtime=0)


def redirect(url: str) -> Reply:
    """Replies with a redirect to another host."""
    return lambda handler, request: handler.answer(307, b"", location=f"{url}{request.path}")


def bytes_of_another(handler: Handler, request: Request) -> None:
    """Replies with other bytes than the digest says, under the header that belongs to the right ones."""
    content_type, body = handler.server.registry.contents[urlsplit(request.path).path]
    handler.answer(200, body.replace(body[-1:], b"!"), content_type, docker_content_digest=digest(body))


def half(handler: Handler, request: Request) -> None:
    """Replies with half of the content, and then with nothing until the test ends."""
    content_type, body = handler.server.registry.contents[urlsplit(request.path).path]
    handler.send_response(200)
    handler.send_header("content-type", content_type)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    silent(handler, request)


def silent(handler: Handler, _: Request) -> None:
    """Replies with nothing until the test ends."""
    handler.server.over.wait(SECONDS_UNTIL_IT_GIVES_UP)
    handler.break_off()
