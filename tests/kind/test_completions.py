"""The component on a cluster whose gateway runs in pods, from its chart: objects in, a completion out."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from local.gateway.api import DEFAULT_GATEWAY
from tests.kind import provider_objects
from tests.kind.conftest import KEY
from tests.support.cluster import BACKEND_KINDS, Cluster
from tests.support.project import Project
from tests.support.question import ask

TRIES = 60
WRONG_KEY = "sk-canary-kind-wrong-1f0a"


@dataclass(frozen=True)
class Stack:
    """A stack with one provider, the one in the namespace."""

    project: Project
    api: str
    namespace: str

    def up(self, key: str = KEY) -> None:
        """Deploys, and waits until the gateway has accepted the objects."""
        gateway = {"name": DEFAULT_GATEWAY.name, "namespace": DEFAULT_GATEWAY.namespace, "url": DEFAULT_GATEWAY.url}
        provider = {
            "host": provider_objects.host(self.namespace),
            "port": provider_objects.PORT,
            "model": "configured",
            "apiKey": key,
            "routePath": f"/{self.namespace}",
            "tls": {"caCertificateConfigmap": provider_objects.AUTHORITY},
            "waitForReady": True,
        }
        self.project.write({"house": provider}, api=self.api, namespace=self.namespace, gateway=gateway)
        self.project.up()

    def answered(self, status: int) -> urllib3.BaseHTTPResponse:
        """Asks until the proxy has taken note of what the controller has accepted."""
        for _ in range(TRIES):
            answer = ask(f"{DEFAULT_GATEWAY.url}/{self.namespace}/v1/chat/completions")
            if answer.status == status:
                break
            time.sleep(0.5)
        assert answer.status == status, answer.data
        return answer


@pytest.fixture
def stack(project: Project, api: str, namespace: str) -> Iterator[Stack]:
    stack = Stack(project, api, namespace)
    stack.up()
    yield stack
    project("destroy", "--yes", "--skip-preview", "--stack", project.stack)


def test_a_request_reaches_the_provider_with_the_key_the_model_and_its_host(stack: Stack) -> None:
    answer = stack.answered(200).json()
    assert answer["model"] == "configured"
    asked = answer["choices"][0]["message"]["content"].removeprefix("You asked ").removesuffix(".")
    assert asked.partition(":")[0] == provider_objects.host(stack.namespace)


def test_make_chat_prints_the_completion(stack: Stack) -> None:
    stack.answered(200)
    done = stack.project.chat()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("You asked ")
    assert "configured, 7 tokens" in done.stderr


def test_a_key_that_the_provider_refuses_is_named_and_a_right_one_replaces_it_in_place(
    stack: Stack, cluster: Cluster
) -> None:
    before = uids(cluster, stack)
    stack.up(key=WRONG_KEY)
    stack.answered(401)
    done = stack.project.chat()
    assert "house: broken at the hop key" in done.stdout + done.stderr
    assert WRONG_KEY not in done.stdout + done.stderr
    stack.up()
    stack.answered(200)
    assert uids(cluster, stack) == before


def test_destroy_leaves_nothing_of_the_stack(stack: Stack, cluster: Cluster) -> None:
    kinds = {kind for kind, _ in created(cluster, stack)}
    policy = {"kgateway": "BackendTLSPolicy", "agentgateway": "AgentgatewayPolicy"}[stack.api]
    assert kinds == {BACKEND_KINDS[stack.api], policy, "HTTPRoute", "Secret"}
    stack.project("destroy", "--yes", "--skip-preview", "--stack", stack.project.stack)
    assert created(cluster, stack) == {}
    stack.answered(404)


def created(cluster: Cluster, stack: Stack) -> dict[tuple[str, str], dict[str, Any]]:
    """The stack's objects, without the provider's own."""
    everything = cluster.everything_in(stack.namespace)
    return {key: each for key, each in everything.items() if key != ("Secret", provider_objects.NAME)}


def uids(cluster: Cluster, stack: Stack) -> dict[tuple[str, str], str]:
    return {key: each["metadata"]["uid"] for key, each in created(cluster, stack).items()}
