"""One provider behind a real gateway, deployed by the project's program."""

import time
from dataclasses import dataclass, field
from typing import Any

import urllib3

from local.gateway.api import Gateway
from tests.gateway.load import Load
from tests.gateway.openai_provider import OpenAIProvider
from tests.support.project import Project
from tests.support.question import ask

KEY = "sk-canary-gateway-5c1d"
TRIES = 100
SECONDS_BETWEEN_TRIES = 0.05
LARGE_PROMPT = "x" * 2_300_000


@dataclass
class Deployment:
    """A stack with one provider, unless a test writes another.

    Attributes:
        name: The component's.
        namespace: Of the objects; the route's path is made of it too, so that no test gets another's requests.
    """

    api: str
    project: Project
    gateway: Gateway
    namespace: str
    provider: OpenAIProvider
    name: str = "mistral"
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def route_path(self) -> str:
        return f"/{self.namespace}"

    @property
    def url(self) -> str:
        return f"{self.gateway.url}{self.route_path}/v1/chat/completions"

    def config(self, **arguments: Any) -> dict[str, Any]:
        """The provider's arguments in the spelling of stack files; None takes one away."""
        defaults = {
            "host": "localhost",
            "port": self.provider.port,
            "model": "configured",
            "apiKey": KEY,
            "routePath": self.route_path,
        }
        return {key: value for key, value in {**defaults, **arguments}.items() if value is not None}

    def write(self, providers: dict[str, Any], **settings: Any) -> None:
        gateway = {"name": self.gateway.name, "namespace": self.gateway.namespace, "url": self.gateway.url}
        defaults = {"api": self.api, "namespace": self.namespace, "gateway": gateway}
        self.project.write(providers, **{**defaults, **settings})

    def up(self, **arguments: Any) -> str:
        """Writes the stack's file and runs `pulumi up`."""
        self.write({self.name: self.config(**arguments)})
        return self.project.up()

    def ask(self, path: str = "/v1/chat/completions", **options: Any) -> urllib3.BaseHTTPResponse:
        """Asks through the gateway, below the route's path."""
        return ask(f"{self.gateway.url}{self.route_path}{path}", **options)

    def until(self, status: int, **options: Any) -> urllib3.BaseHTTPResponse:
        """Asks until the gateway answers so, which takes it a moment after a change or a provider's failure."""
        answers = [self.ask(**options)]
        while answers[-1].status != status and len(answers) < TRIES:
            time.sleep(SECONDS_BETWEEN_TRIES)
            answers.append(self.ask(**options))
        assert answers[-1].status == status, [(each.status, each.data) for each in answers]
        return answers[-1]

    def load(self, path: str = "/v1/chat/completions") -> Load:
        """Requests to a path below the route's."""
        return Load(f"{self.gateway.url}{self.route_path}{path}")
