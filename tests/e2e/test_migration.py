"""From one generation of the gateway's API to the other on a live stack, watched at the API server."""

from collections.abc import Iterator
from typing import Any

import kubernetes
import pytest
import yaml

from tests.e2e.clone import Clone, fresh_clone
from tests.e2e.cluster import CUSTOM, Cluster

GENERATIONS = {"kgateway": "Backend", "agentgateway": "AgentgatewayBackend"}
NAMESPACE = "gloo-system"
KEY = {"MISTRAL_API_KEY": "sk-migration", "DEEPSEEK_API_KEY": "sk-migration"}

Event = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with fresh_clone(tmp_path_factory) as clone:
        clone.up("mistral", "deepseek", **KEY)
        yield clone


@pytest.fixture
def cluster(clone: Clone) -> Iterator[Cluster]:
    with clone.cluster() as cluster:
        yield cluster


def migrate(clone: Clone, stack: str, api: str) -> str:
    file = clone.stack_file(stack)
    content = yaml.safe_load(file.read_text())
    content["config"]["openai-compatible-llm:api"] = api
    file.write_text(yaml.safe_dump(content))
    return clone.up(stack, **KEY)


def revision(cluster: Cluster) -> str:
    """Of the whole store, now."""
    group, version, plural = CUSTOM["HTTPRoute"]
    listed: Any = cluster.custom.list_namespaced_custom_object(group, version, NAMESPACE, plural)
    return str(listed["metadata"]["resourceVersion"])


def writes_since(cluster: Cluster, start: str) -> list[Event]:
    """What the API server has written of the custom resources since then, in its order."""
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


def route_of(cluster: Cluster, name: str) -> dict[str, Any]:
    group, version, plural = CUSTOM["HTTPRoute"]
    route: Any = cluster.custom.get_namespaced_custom_object(group, version, NAMESPACE, plural, name)
    return dict(route)


def target(route: dict[str, Any]) -> str:
    (backend,) = route["spec"]["rules"][0]["backendRefs"]
    return str(backend["kind"])


@pytest.mark.parametrize(("api", "before"), [("agentgateway", "kgateway"), ("kgateway", "agentgateway")])
def test_at_no_moment_does_the_route_lead_to_a_backend_that_is_not_whole(
    clone: Clone, cluster: Cluster, api: str, before: str
) -> None:
    old, new = GENERATIONS[before], GENERATIONS[api]
    route_before = route_of(cluster, "mistral")
    secret_before = cluster.core.read_namespaced_secret("mistral-secret", NAMESPACE).metadata
    assert target(route_before) == old
    policies_before = [each for kind, each in cluster.objects("mistral").items() if kind.startswith("BackendTLSPolicy")]
    start = revision(cluster)

    migrate(clone, "mistral", api)

    writes = writes_since(cluster, start)
    in_use = old
    backends = {old}
    policed = {str(policy["metadata"]["name"]): old for policy in policies_before}
    for event, written in writes:
        gone = event == "DELETED"
        if written["kind"] in GENERATIONS.values():
            backends = backends - {written["kind"]} if gone else backends | {written["kind"]}
        elif written["kind"] == "BackendTLSPolicy":
            (ref,) = written["spec"]["targetRefs"]
            policed.pop(written["metadata"]["name"], None)
            policed |= {} if gone else {written["metadata"]["name"]: ref["kind"]}
        else:
            assert event == "MODIFIED"
            in_use = target(written)
        assert in_use in backends, f"after {event} {written['kind']}"
        assert in_use in policed.values(), f"after {event} {written['kind']}"

    assert (in_use, backends, list(policed.values())) == (new, {new}, [new])
    last_type, last = writes[-1]
    assert (last_type, last["kind"]) == ("DELETED", old)
    route = route_of(cluster, "mistral")
    assert route["metadata"]["uid"] == route_before["metadata"]["uid"]
    secret = cluster.core.read_namespaced_secret("mistral-secret", NAMESPACE).metadata
    assert secret and secret_before
    assert (secret.uid, secret.resource_version) == (secret_before.uid, secret_before.resource_version)


@pytest.mark.parametrize("api", ["agentgateway", "kgateway"])
def test_both_walk_throughs_run_on_both_generations(clone: Clone, cluster: Cluster, api: str) -> None:
    migrate(clone, "mistral", api)
    migrate(clone, "deepseek", api)
    for stack in ("mistral", "deepseek"):
        assert target(route_of(cluster, stack)) == GENERATIONS[api]
        assert "Nothing changed." in clone.up(stack, **KEY)
