"""Moves live stacks from one gateway API to another, and checks every write at the API server."""

from collections.abc import Iterator
from typing import Any

import kubernetes
import pytest
import yaml

from tests.support.clone import Clone, fresh_clone
from tests.support.cluster import BACKEND_KINDS, CUSTOM, Cluster, revisions

pytestmark = pytest.mark.slow

NAMESPACE = "gloo-system"
STACKS = ("mistral", "deepseek")
KEY = {"MISTRAL_API_KEY": "sk-migration", "DEEPSEEK_API_KEY": "sk-migration"}

# TLS to kgateway's backend takes a policy; agentgateway's has its TLS in it, and a policy for the route.
POLICIES = {"Backend": "BackendTLSPolicy", "AgentgatewayBackend": "AgentgatewayPolicy"}

Event = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with fresh_clone(tmp_path_factory) as clone:
        clone.up(*STACKS, **KEY)
        yield clone


@pytest.fixture
def cluster(clone: Clone) -> Iterator[Cluster]:
    with clone.cluster() as cluster:
        yield cluster


def migrate(clone: Clone, api: str) -> None:
    for stack in STACKS:
        file = clone.stack_file(stack)
        content = yaml.safe_load(file.read_text())
        content["config"]["openai-compatible-llm:api"] = api
        file.write_text(yaml.safe_dump(content))
    clone.up(*STACKS, **KEY)


def revision(cluster: Cluster) -> str:
    """Returns the current resource version of the whole store."""
    group, version, plural = CUSTOM["HTTPRoute"]
    listed: Any = cluster.custom.list_namespaced_custom_object(group, version, NAMESPACE, plural)
    return str(listed["metadata"]["resourceVersion"])


def writes_since(cluster: Cluster, start: str) -> list[Event]:
    """Returns the API server's writes of custom resources since then, in their order."""
    events = []
    for group, version, plural in CUSTOM.values():
        watch = kubernetes.watch.Watch()
        events += [
            (event["type"], event["object"])
            for event in watch.stream(
                cluster.custom.list_namespaced_custom_object,
                group,
                version,
                NAMESPACE,
                plural,
                resource_version=start,
                timeout_seconds=1,
            )
        ]
    return sorted(events, key=lambda event: int(event[1]["metadata"]["resourceVersion"]))


def target(route: dict[str, Any]) -> str:
    """The kind of the backend that all rules of the route lead to."""
    (kind,) = {backend["kind"] for rule in route["spec"]["rules"] for backend in rule["backendRefs"]}
    return str(kind)


@pytest.mark.parametrize(("api", "before"), [("agentgateway", "kgateway"), ("kgateway", "agentgateway")])
def test_a_route_never_leads_to_a_backend_that_is_missing_or_without_tls(
    clone: Clone, cluster: Cluster, api: str, before: str
) -> None:
    old, new = BACKEND_KINDS[before], BACKEND_KINDS[api]
    start = revision(cluster)
    objects_before = {stack: cluster.objects(stack) for stack in STACKS}

    migrate(clone, api)

    writes = writes_since(cluster, start)
    for stack in STACKS:
        was, now = objects_before[stack], cluster.objects(stack)
        assert target(was["HTTPRoute"]) == old
        own = [write for write in writes if write[1]["metadata"]["name"].startswith(stack)]
        check_writes(own, old, new)
        assert now["HTTPRoute"]["metadata"]["uid"] == was["HTTPRoute"]["metadata"]["uid"]
        assert revisions(now)["Secret"] == revisions(was)["Secret"]
    assert "Nothing changed." in clone.up(*STACKS, **KEY)


def check_writes(writes: list[Event], old: str, new: str) -> None:
    """Checks after each write that the backend that the route leads to exists, with its TLS and its policy."""
    in_use = old
    existing = {old, POLICIES[old]}
    for event, written in writes:
        kind = written["kind"]
        if kind == "HTTPRoute":
            assert event == "MODIFIED"
            in_use = target(written)
        else:
            existing = existing - {kind} if event == "DELETED" else existing | {kind}
        if kind == "AgentgatewayBackend":
            assert written["spec"]["policies"]["tls"]
        assert existing >= {in_use, POLICIES[in_use]}, f"after {event} {kind}"
    assert (in_use, existing) == (new, {new, POLICIES[new]})
    last_event, last = writes[-1]
    assert (last_event, last["kind"]) == ("DELETED", old)
