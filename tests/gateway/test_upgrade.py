"""Stacks that commit a1137f8 deployed are upgraded in place: no object is replaced, and no request is lost."""

import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest
import yaml

from tests.gateway.deployment import KEY, Deployment
from tests.gateway.released_stack import restore
from tests.gateway.test_changes_under_load import changed, uids
from tests.support.cluster import Cluster
from tests.support.pages import block

COMPLETIONS = "/v1/chat/completions"
BARE = ""
TLS_POLICY = ("BackendTLSPolicy", "mistral-agentgateway-tls")
POLICY = ("AgentgatewayPolicy", "mistral")
CONFIG = yaml.safe_load(block("docs/upgrading.md", "endpoints: chat", "yaml"))["config"]
ENDPOINTS = CONFIG["openai-compatible-llm:providers"]["mistral"]["endpoints"]

Key = tuple[str, str]


@contextmanager
def upgraded(
    deployment: Deployment, cluster: Cluster, gone: Collection[Key] = (), new: Collection[Key] = ()
) -> Iterator[None]:
    """Restores the stack, and checks what an upgrade left of it, and that no other object was replaced."""
    restore(deployment, cluster)
    deployment.until(200)
    before = uids(cluster, deployment.namespace)
    assert len(before) == 4
    yield
    after = uids(cluster, deployment.namespace)
    assert (before.keys() - after.keys(), after.keys() - before.keys()) == (set(gone), set(new))
    assert {key: after[key] for key in before if key in after} == {key: before[key] for key in before if key in after}
    assert deployment.provider.keys() == {f"Bearer {KEY}"}
    assert {each.json["model"] for each in deployment.provider.requests} == {"configured"}
    assert "unchanged" in deployment.project("preview", "--stack", "test", "--expect-no-changes")
    assert KEY not in deployment.project("stack", "export", "--stack", "test")


def planned(deployment: Deployment) -> dict[str, str]:
    """Returns what a preview says of each kind of object, but for what stays the same."""
    preview = json.loads(deployment.project("preview", "--stack", "test", "--json"))
    states = [(each.get("newState") or each["oldState"], each["op"]) for each in preview["steps"]]
    steps = {state["type"].rpartition(":")[2]: operation for state, operation in states}
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
def test_with_agentgateway_tls_moves_into_the_backend_and_then_the_endpoints_change(
    deployment: Deployment, cluster: Cluster
) -> None:
    with upgraded(deployment, cluster, gone=[TLS_POLICY], new=[POLICY]):
        deployment.write({"mistral": deployment.config(endpoints=ENDPOINTS)})
        assert planned(deployment) == {
            "AgentgatewayBackend": "update",
            "HTTPRoute": "update",
            "BackendTLSPolicy": "delete",
        }
        assert up_under_load(deployment, BARE) == {"updated": 2, "deleted": 1, "unchanged": 3}

        deployment.write({"mistral": deployment.config()})
        assert planned(deployment) == {"AgentgatewayBackend": "update", "AgentgatewayPolicy": "create"}
        assert up_under_load(deployment, BARE) == {"created": 1, "updated": 1, "unchanged": 4}


@pytest.mark.parametrize("api", ["agentgateway"], indirect=True)
def test_with_agentgateway_one_step_loses_no_request_to_the_path_of_openai_clients(
    deployment: Deployment, cluster: Cluster
) -> None:
    with upgraded(deployment, cluster, gone=[TLS_POLICY], new=[POLICY]):
        deployment.write({"mistral": deployment.config()})
        counts = {"created": 1, "updated": 2, "deleted": 1, "unchanged": 3}
        assert up_under_load(deployment, COMPLETIONS) == counts
