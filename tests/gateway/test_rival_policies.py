"""A second policy that sets the same, on the real agentgateway: what `make chat` says of it, and which one counts."""

import time
from typing import Any

import pytest

from components.openai_compatible_llm.backends import AGENTGATEWAY
from tests.gateway.deployment import SECONDS_BETWEEN_TRIES, TRIES, Deployment
from tests.gateway.installation import Installation
from tests.support.chat_run import ChatRun, run_chat
from tests.support.cluster import AGENTGATEWAY_POLICY, Cluster

pytestmark = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)

TARGET = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "mistral"}


def create_policy(cluster: Cluster, namespace: str, **spec: Any) -> None:
    metadata = {"name": "theirs", "namespace": namespace}
    version, kind = AGENTGATEWAY.api_version, AGENTGATEWAY.policy_kind
    spec = {"targetRefs": [TARGET], **spec}
    cluster.create({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


def until_attached(cluster: Cluster, namespace: str) -> None:
    """Waits until the controller has handed the policy to the proxy."""
    group, version, plural = AGENTGATEWAY_POLICY
    for _ in range(TRIES):
        found: Any = cluster.custom.get_namespaced_custom_object(group, version, namespace, plural, "theirs")
        ancestors = (found.get("status") or {}).get("ancestors") or []
        conditions = [each for ancestor in ancestors for each in ancestor.get("conditions") or []]
        if any(each["type"] == "Attached" and each["status"] == "True" for each in conditions):
            return
        time.sleep(SECONDS_BETWEEN_TRIES)
    raise AssertionError(found.get("status"))


def chat(deployment: Deployment, installation: Installation, capture: pytest.CaptureFixture[str]) -> ChatRun:
    where = ["--gateway-url", deployment.gateway.url, "--path", deployment.route_path, "--model", "m"]
    return run_chat(deployment.route_path, [*where, "--kubeconfig", str(installation.kubeconfig)], capture)


def test_it_is_named_after_an_answer_and_no_status_says_it(
    deployment: Deployment, installation: Installation, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.up(retries={"attempts": 2})
    deployment.until(200)
    assert "Note:" not in chat(deployment, installation, capsys).stderr
    create_policy(cluster, deployment.namespace, traffic={"retry": {"attempts": 1, "codes": [599]}})
    until_attached(cluster, deployment.namespace)
    asked = chat(deployment, installation, capsys)
    own, theirs = (f"AgentgatewayPolicy {deployment.namespace}/{name}" for name in ("mistral", "theirs"))
    assert asked.status == 0
    assert f"Note: {theirs} sets `traffic.retry`, as {own} does: only one of the two counts" in asked.stderr


def test_one_that_overrides_counts(
    deployment: Deployment, installation: Installation, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.up(rateLimits=[{"requests": 100000, "per": "hour"}])
    deployment.until(200)
    none = {"rateLimit": {"local": [{"requests": 1, "unit": "Hours"}]}}
    create_policy(cluster, deployment.namespace, traffic=none, strategy={"inheritance": "Override"})
    deployment.until(429)
    theirs = f"AgentgatewayPolicy {deployment.namespace}/theirs"
    said = chat(deployment, installation, capsys).stderr
    assert f"{theirs} sets `traffic.rateLimit.local`, as" in said
    assert f"for this request, {theirs} counts alone" in said


def test_authorization_adds_up(deployment: Deployment, cluster: Cluster) -> None:
    """The component's own forbids a path, and the other one forbids a header."""
    deployment.up(endpoints="all")
    deployment.until(200)
    forbidden = {"action": "Deny", "policy": {"matchExpressions": ['request.headers["x-forbidden"] == "yes"']}}
    create_policy(cluster, deployment.namespace, traffic={"authorization": forbidden})
    deployment.until(403, headers={"x-forbidden": "yes"})
    assert deployment.ask().status == 200
    assert deployment.ask("/v1/chat//completions").status == 403
