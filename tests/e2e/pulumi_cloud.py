"""A stand-in for what the CLI asks of Pulumi Cloud to publish packages and templates, and for a server of plugins."""

import re
from dataclasses import dataclass, field
from typing import cast

from tests.support.http_server import Handler, Request, Server

ORGANIZATION = "house"
USER = {
    "githubLogin": "releaser",
    "name": "Releaser",
    "organizations": [{"githubLogin": ORGANIZATION, "name": "House"}],
}
_VERSIONS = re.compile(r"/api/registry/(packages|templates)/private/([\w-]+/[\w-]+)/versions")
_COMPLETE = re.compile(_VERSIONS.pattern + r"/([\w.-]+)/complete")
_PARTS = ("schema", "index", "installationConfiguration", "archive")


@dataclass
class Publication:
    """What the CLI uploaded for one version of a package or template, by its part; none before it was complete."""

    parts: dict[str, bytes] = field(default_factory=dict)
    version: str | None = None


class PulumiCloud(Server):
    """
    Attributes:
        published: Packages and templates by their organization and name.
        plugins: Archives by the names that the CLI asks for.
        access_tokens: What the CLI sent to be let in.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.published: dict[str, Publication] = {}
        self.plugins: dict[str, bytes] = {}
        self.access_tokens: set[str | None] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(Handler):
    def do_PUT(self) -> None:  # noqa: N802 (names of http.server)
        self.do_POST()

    def respond(self, request: Request) -> None:
        cloud = cast("PulumiCloud", self.server)
        path = request.path.partition("?")[0]
        if request.path.startswith("/api/"):
            cloud.access_tokens.add(request.authorization)
        if complete := _COMPLETE.fullmatch(path):
            cloud.published[complete[2]].version = complete[3]
            self.answer_json(200, {})
        elif versions := _VERSIONS.fullmatch(path):
            cloud.published[versions[2]] = Publication()
            uploads = {each: f"{cloud.url}/uploads/{versions[2]}/{each}" for each in _PARTS}
            self.answer_json(202, {"operationID": "one", "uploadURLs": uploads})
        elif path.startswith("/uploads/"):
            name, _, part = path.removeprefix("/uploads/").rpartition("/")
            cloud.published[name].parts[part] = request.body
            self.answer(200, b"")
        elif (name := path.removeprefix("/")) in cloud.plugins:
            self.answer(200, cloud.plugins[name], "application/gzip")
        elif path == "/api/user":
            self.answer_json(200, USER)
        else:
            self.answer_json(404, {"code": 404, "message": "not found"})
