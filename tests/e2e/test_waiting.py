"""`wait_for_ready` on a real API server. The tests write the statuses that the gateway's controllers would write."""

import contextlib
import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from components import OpenAICompatibleGateway, OpenAICompatibleLLM
from tests.e2e import inline_stack
from tests.support.cluster import BACKEND_KINDS, CUSTOM, Cluster

pytestmark = inline_stack.pytestmark

ALL_NEW = {"6 created"}
POLICY, ROUTE, GATEWAY_POLICY = "BackendTLSPolicy", "HTTPRoute", "AgentgatewayPolicy"
NOT_LIVE = "failed to fully initialize or become live: timed out waiting for the condition"


class Controllers:
    """Accepts objects after a delay, and records when it saw and accepted each."""

    def __init__(self, cluster: Cluster, namespace: str, gateway: str = "agentgateway", delay: float = 0.4) -> None:
        self._cluster, self._namespace, self._gateway = cluster, namespace, gateway
        self._delay = delay
        self._ended = threading.Event()
        self.seen: dict[str, float] = {}
        self.accepted: dict[str, float] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.05):
            for kind, each in self._cluster.objects("mistral", self._namespace).items():
                if kind == ROUTE and each["spec"]["parentRefs"][0]["name"] != self._gateway:
                    continue
                if (
                    kind in (*BACKEND_KINDS.values(), POLICY, GATEWAY_POLICY, ROUTE)
                    and time.monotonic() - self.seen.setdefault(kind, time.monotonic()) > self._delay
                ):
                    self._accept(kind, each)

    def _accept(self, kind: str, each: dict[str, Any]) -> None:
        if kind in self.accepted:
            return
        group, version, plural = CUSTOM[kind]
        name, body = each["metadata"]["name"], {"status": self._status(kind, each["metadata"]["generation"])}
        self.accepted[kind] = time.monotonic()
        self._cluster.custom.patch_namespaced_custom_object_status(group, version, self._namespace, plural, name, body)

    def _status(self, kind: str, generation: int) -> dict[str, Any]:
        more = {"status": "True", "reason": "Fine", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        types = ("Accepted", "ResolvedRefs" if kind == ROUTE else "Attached")
        said = {"conditions": [{"type": each, "observedGeneration": generation, **more} for each in types]}
        by = {"controllerName": "example.com/gateway"}
        if kind == ROUTE:
            return {"parents": [{"parentRef": {"name": self._gateway}, **by, **said}]}
        if kind in (POLICY, GATEWAY_POLICY):
            return {"ancestors": [{"ancestorRef": {"name": "mistral", "kind": "Backend"}, **by, **said}]}
        return said


def component(namespace: str, **more: Any) -> inline_stack.Program:
    args: Any = {"preset": "mistral", "api_key": "sk-test", "namespace": namespace, **more}

    def program() -> None:
        OpenAICompatibleLLM("mistral", args)

    return program


def gateway_component(namespace: str, **more: Any) -> inline_stack.Program:
    args: Any = {"gateway": {"namespace": namespace}, "route_path": "/llm", "wait_for_ready": True, **more}

    def program() -> None:
        OpenAICompatibleGateway("mistral", args)

    return program


def states(stack: inline_stack.Stack) -> dict[str, dict[str, Any]]:
    """Returns the resources in the state, by kind."""
    deployment: Any = stack.stack.export_stack().deployment
    return {each["type"].rpartition(":")[2]: each for each in deployment["resources"]}


@pytest.mark.parametrize("api", ["kgateway", pytest.param("agentgateway", marks=pytest.mark.slow)])
def test_it_waits_until_the_routes_own_gateway_accepts_each_object(
    stack: inline_stack.Stack, namespace: str, cluster: Cluster, api: str
) -> None:
    first = Controllers(cluster, namespace)
    with first.running():
        assert stack.up(component(namespace, wait_for_ready=True, api=api)) == ALL_NEW
        ended = time.monotonic()
    waited_for = [BACKEND_KINDS[api], *([POLICY] if api == "kgateway" else []), ROUTE]
    for before, after in itertools.pairwise(waited_for):
        assert first.accepted[before] < first.seen[after]
    assert first.accepted[ROUTE] < ended

    moved = component(namespace, wait_for_ready=True, api=api, gateway={"name": "other"})
    second = Controllers(cluster, namespace, "other", delay=1)
    with second.running():
        assert stack.up(moved) == {"1 updated", "5 unchanged"}
        ended = time.monotonic()
    assert second.accepted[ROUTE] < ended


@pytest.mark.parametrize("api", ["kgateway", pytest.param("agentgateway", marks=pytest.mark.slow)])
def test_if_nothing_accepts_the_objects_the_up_times_out_and_the_next_one_continues(
    stack: inline_stack.Stack, namespace: str, cluster: Cluster, api: str
) -> None:
    program = component(namespace, wait_for_ready=True, ready_timeout_seconds=1, api=api)
    assert stack.preview(program) == {"6 to create"}
    said = stack.fails(stack.up, program)
    assert NOT_LIVE in said
    assert cluster.objects("mistral", namespace).keys() == {"Secret", BACKEND_KINDS[api]}

    said = stack.fails(stack.up, program)
    assert NOT_LIVE in said
    with Controllers(cluster, namespace).running():
        more_patient = component(namespace, wait_for_ready=True, api=api)
        assert stack.up(more_patient) == {"2 created", "1 updated", "3 unchanged"}


def test_a_shared_url_waits_until_the_gateway_reads_the_model_and_then_for_its_route(
    stack: inline_stack.Stack, namespace: str, cluster: Cluster
) -> None:
    said = stack.fails(stack.up, gateway_component(namespace, ready_timeout_seconds=1))
    assert NOT_LIVE in said
    assert cluster.objects("mistral", namespace).keys() == {GATEWAY_POLICY}

    controllers = Controllers(cluster, namespace)
    with controllers.running():
        assert stack.up(gateway_component(namespace)) == {"1 created", "1 updated", "4 unchanged"}
        ended = time.monotonic()
    assert controllers.accepted[GATEWAY_POLICY] < controllers.seen[ROUTE]
    assert controllers.accepted[ROUTE] < ended


def test_an_interrupt_ends_the_wait_and_the_state_has_what_was_created(
    stack: inline_stack.Stack, namespace: str, cluster: Cluster
) -> None:
    def interrupt() -> None:
        deadline = time.monotonic() + 20
        while "Backend" not in cluster.objects("mistral", namespace) and time.monotonic() < deadline:
            time.sleep(0.1)
        for child in psutil.Process().children():
            if child.name() == "pulumi":
                os.kill(child.pid, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    said = stack.fails(stack.up, component(namespace, wait_for_ready=True))
    thread.join()
    assert "context canceled" in said
    assert "context canceled" in states(stack)["Backend"]["initErrors"][0]


def test_by_default_it_does_not_wait_and_a_second_up_changes_nothing(stack: inline_stack.Stack, namespace: str) -> None:
    program = component(namespace)
    assert stack.up(program) == ALL_NEW
    assert stack.up(program) == {"6 unchanged"}
    assert not any("initErrors" in each for each in states(stack).values())
