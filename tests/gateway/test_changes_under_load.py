"""Changes of a live stack: no request is lost, and none goes to the provider without a key."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.gateway.deployment import KEY, Deployment
from tests.gateway.load import Load
from tests.support.cluster import Cluster

NEW_KEY = "sk-canary-gateway-77ab"
AROUND = 60


def changed(deployment: Deployment, change: Callable[[], object], path: str = "/v1/chat/completions") -> Load:
    """Makes a change while requests come in, which go on for a while before and after it."""
    with deployment.load(path) as load:
        load.wait_for(AROUND)
        change()
        load.wait_for(AROUND)
    assert load.lost == {}
    assert load.total > 2 * AROUND
    assert len(deployment.provider.requests) >= load.total
    return load


def uids(cluster: Cluster, namespace: str) -> dict[tuple[str, str], str]:
    return {key: each["metadata"]["uid"] for key, each in cluster.everything_in(namespace).items()}


def test_a_new_key_and_a_new_model_change_one_object_each_in_place(deployment: Deployment, cluster: Cluster) -> None:
    deployment.up()
    before = uids(cluster, deployment.namespace)

    printed: list[str] = []
    changed(deployment, lambda: printed.append(deployment.up(apiKey=NEW_KEY)))
    assert "1 updated" in printed[0]
    assert deployment.provider.keys() == {f"Bearer {KEY}", f"Bearer {NEW_KEY}"}
    assert deployment.provider.requests[-1].authorization == f"Bearer {NEW_KEY}"

    changed(deployment, lambda: printed.append(deployment.up(apiKey=NEW_KEY, model="newer")))
    assert "1 updated" in printed[1]
    assert deployment.provider.requests[-1].json["model"] == "newer"
    assert uids(cluster, deployment.namespace) == before


def test_a_provider_that_is_renamed_keeps_its_route_answering(deployment: Deployment, cluster: Cluster) -> None:
    deployment.up()

    def rename() -> None:
        deployment.name = "mistral-eu"
        deployment.up()

    changed(deployment, rename)
    assert deployment.provider.keys() == {f"Bearer {KEY}"}
    names = {name for _, name in uids(cluster, deployment.namespace)}
    assert {name for name in names if name.startswith("mistral")} == {
        name for name in names if name.startswith("mistral-eu")
    }


def test_objects_that_move_to_another_namespace_answer_throughout(deployment: Deployment, cluster: Cluster) -> None:
    deployment.up()
    with cluster.new_namespace(f"{deployment.namespace}-b") as other:
        changed(deployment, lambda: deployment.up(namespace=other))
        assert deployment.provider.keys() == {f"Bearer {KEY}"}
        assert ("HTTPRoute", deployment.name) not in uids(cluster, deployment.namespace)


@pytest.mark.parametrize("api", ["agentgateway"], indirect=True)
def test_a_provider_moves_to_another_stack_without_a_write(deployment: Deployment, cluster: Cluster) -> None:
    deployment.up()
    before = cluster.everything_in(deployment.namespace)
    project = deployment.project
    project("stack", "init", "prod")

    def move() -> None:
        exported = project("stack", "--show-urns", "--stack", "test")
        urns = [line.split("URN: ")[1].strip() for line in exported.splitlines() if "URN: " in line]
        component = next(urn for urn in urns if urn.endswith(f"OpenAICompatibleLLM::{deployment.name}"))
        project(
            "state", "move", "--yes", "--source", "test", "--dest", "prod", component,
            PULUMI_CONFIG_PASSPHRASE="only for tests",
        )  # fmt: skip
        deployment.project = type(project)(project.folder, project.pulumi, project.kubeconfig, "prod")
        assert "unchanged" in deployment.up()

    changed(deployment, move)
    after = cluster.everything_in(deployment.namespace)
    assert written(after) == written(before)


def written(objects: dict[tuple[str, str], Any]) -> dict[tuple[str, str], tuple[str, str]]:
    """What changes when an object is created again or its spec is written; a status may change at any time."""
    return {
        key: (each["metadata"]["uid"], str(each["metadata"].get("generation", each["metadata"]["resourceVersion"])))
        for key, each in objects.items()
    }
