"""Providers behind one URL on the real agentgateway, deployed by the project's program."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import openai
import urllib3

from local.waiting import wait_until
from tests.gateway.deployment import Deployment
from tests.gateway.load import Load
from tests.gateway.openai_provider import OpenAIProvider

PATH = "/llm"
PATHS = ("/v1/chat/completions", "/chat/completions")
MODEL_HEADER = "x-llm-model"
NO_MODEL = "This request names no model"
SECONDS = 20.0


@dataclass
class OneUrl(Deployment):
    """A stack whose providers share a path, at a Gateway of the test's own.

    Attributes:
        settings: Further settings of the stack, such as its clients.
    """

    path: str = PATH
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def route_path(self) -> str:
        return self.path

    @property
    def base_url(self) -> str:
        """For OpenAI clients."""
        return f"{self.gateway.url}{self.path}/v1"

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.base_url, api_key="the-callers", max_retries=0, timeout=20)

    def config(self, provider: OpenAIProvider | None = None, /, **arguments: Any) -> dict[str, Any]:
        """Arguments of a provider: the test's first one, unless another is given. Its own path is `/<name>`."""
        port = (provider or self.provider).port
        return super().config(**{"port": port, "model": None, "routePath": None, **arguments})

    def deploy(self, providers: Mapping[str, Any], **shared: Any) -> str:
        """Writes a stack's file with one URL for these providers, and runs `pulumi up`."""
        self.write(dict(providers), shared={"routePath": self.path, **shared}, **self.settings)
        return self.project.up()

    def another_stack(self, name: str) -> "OneUrl":
        """Makes another stack of the same program."""
        self.project("stack", "init", name)
        return replace(self, project=replace(self.project, stack=name))

    def destroy(self) -> None:
        self.project("destroy", "--yes", "--skip-preview", "--stack", self.project.stack)

    def listed(self, path: str | None = None, **headers: str) -> list[tuple[str, str]] | None:
        """Returns the models of the list, or of another, with their owners; None if there is no list."""
        with urllib3.PoolManager(retries=False, timeout=20) as pool:
            response = pool.request("GET", f"{self.gateway.url}{path or f'{self.path}/v1/models'}", headers=headers)
        if response.status != 200:
            return None
        return [(each["id"], each["owned_by"]) for each in response.json()["data"]]

    def until_listed(self, *models: str, **headers: str) -> None:
        """Waits until the list has these models and no others."""

        def is_listed() -> bool:
            return [name for name, _ in self.listed(**headers) or [("", "")]] == list(models)

        assert wait_until(is_listed, SECONDS), self.listed(**headers)

    def until_served(self, *models: str, **headers: str) -> None:
        """Waits until the gateway passes on requests for each model, and answers others with its own error."""
        for model in models:
            self.until(200, body={"model": model}, headers=headers)
        assert wait_until(lambda: error_of(self.ask(body={"model": "nobodys"}, headers=headers)), SECONDS)

    def load_on(self, model: str, **headers: str) -> Load:
        """Chat completions of this model."""
        return Load(self.url, model=model, headers=headers)


def error_of(response: urllib3.BaseHTTPResponse) -> dict[str, Any] | None:
    """Returns the error of OpenAI's form; None if the response has another."""
    try:
        body = response.json()
    except json.JSONDecodeError:
        return None
    return body["error"] if response.status == 404 and "error" in body else None


def asked_for(provider: OpenAIProvider) -> list[str]:
    """Returns the model of each request that came, and checks that none has the gateway's header."""
    assert not any(MODEL_HEADER in each.headers for each in provider.requests)
    return [each.json["model"] for each in provider.requests]
