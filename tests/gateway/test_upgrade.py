"""Stacks that commit a1137f8 deployed are upgraded in place: no object is replaced, and no request is lost."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from tests.e2e.cluster import Cluster
from tests.gateway.deployment import KEY, Deployment
from tests.gateway.released_stack import restore
from tests.gateway.test_changes_under_load import changed, uids
from tests.pages import UPGRADE, symptom

COMPLETIONS = "/v1/chat/completions"
BARE = ""
ENDPOINTS = yaml.safe_load(UPGRADE)["config"]["openai-compatible-llm:providers"]["mistral"]["endpoints"]


@contextmanager
def upgraded(deployment: Deployment, cluster: Cluster) -> Iterator[None]:
    """Restores the stack, and checks what an upgrade left of it."""
    restore(deployment, cluster)
    deployment.until(200)
    before = uids(cluster, deployment.namespace)
    assert len(before) == 4
    yield
    assert uids(cluster, deployment.namespace) == before
    assert deployment.provider.keys() == {f"Bearer {KEY}"}
    assert {each.json["model"] for each in deployment.provider.requests} == {"configured"}
    assert "unchanged" in deployment.project("preview", "--stack", "test", "--expect-no-changes")
    assert KEY not in deployment.project("stack", "export", "--stack", "test")


def planned(deployment: Deployment) -> dict[str, str]:
    """Returns what a preview says of each kind of object, but for what stays the same."""
    preview = json.loads(deployment.project("preview", "--stack", "test", "--json"))
    steps = {each["newState"]["type"].rpartition(":")[2]: each["op"] for each in preview["steps"]}
    return {kind: operation for kind, operation in steps.items() if operation != "same"}


def up_under_load(deployment: Deployment, path: str) -> dict[str, int]:
    """Runs `pulumi up` while requests come in, of which none may be lost, and returns what it did to how many."""
    printed: list[str] = []
    changed(deployment, lambda: printed.append(deployment.project.up()), path)
    return {
        done: int(count)
        for count, done in re.findall(r"(\d+) (\w+)$", printed[0].partition("Resources:")[2], re.MULTILINE)
    }


@pytest.mark.parametrize("api", ["kgateway"], indirect=True)
def test_with_kgateway_nothing_changes(deployment: Deployment, cluster: Cluster) -> None:
    with upgraded(deployment, cluster):
        deployment.write({"mistral": deployment.config()})
        assert planned(deployment) == {}
        assert up_under_load(deployment, BARE) == {"unchanged": 6}


@pytest.mark.parametrize("api", ["agentgateway"], indirect=True)
def test_with_agentgateway_the_route_and_then_the_backend_change_in_place(
    deployment: Deployment, cluster: Cluster
) -> None:
    with upgraded(deployment, cluster):
        deployment.write({"mistral": deployment.config(endpoints=ENDPOINTS)})
        assert planned(deployment) == {"HTTPRoute": "update"}
        assert up_under_load(deployment, BARE) == {"updated": 1, "unchanged": 5}

        deployment.write({"mistral": deployment.config()})
        refused = deployment.project.fails("preview", "--stack", "test")
        assert symptom("path and pathPrefix are mutually exclusive") in refused
        assert up_under_load(deployment, BARE) == {"updated": 1, "unchanged": 5}


@pytest.mark.parametrize("api", ["agentgateway"], indirect=True)
def test_with_agentgateway_one_step_loses_no_request_to_the_path_of_openai_clients(
    deployment: Deployment, cluster: Cluster
) -> None:
    with upgraded(deployment, cluster):
        deployment.write({"mistral": deployment.config()})
        assert up_under_load(deployment, COMPLETIONS) == {"updated": 2, "unchanged": 4}
