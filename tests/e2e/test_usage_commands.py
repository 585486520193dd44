"""The commands of docs/usage.md, on a real API server."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.control_plane.control_plane import ControlPlane
from tests.support.cluster import Cluster
from tests.support.pages import PAGES, block
from tests.support.repository import REPOSITORY

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("kubectl"), reason="the page's commands need kubectl"),
]

# The operator's own definition is not at hand. This one takes any `spec`.
PROMETHEUS_RULES = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "scope": "Namespaced",
        "names": {"kind": "PrometheusRule", "plural": "prometheusrules", "singular": "prometheusrule"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


@pytest.fixture(scope="module")
def environment(control_plane: ControlPlane) -> Iterator[dict[str, str]]:
    kubeconfig = control_plane.state.kubeconfig
    with closing(Cluster(kubeconfig)) as cluster, cluster.new_namespace("monitoring"):
        yield {**os.environ, "KUBECONFIG": str(kubeconfig)}


def run(commands: str, environment: dict[str, str], sent: str | None = None, folder: Path = REPOSITORY) -> str:
    """Returns what the commands print."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        input=sent,
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def read(kind: str, name: str, environment: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(f"kubectl get {kind} {name} -n monitoring --output json", environment))
    return found


def test_the_dashboard_becomes_a_config_map_that_grafana_looks_for(environment: dict[str, str]) -> None:
    run(block("docs/usage.md", "kubectl create configmap"), environment)
    config_map = read("configmap", "llm-dashboard", environment)
    assert config_map["metadata"]["labels"] == {"grafana_dashboard": "1"}
    assert config_map["data"] == {"dashboard.json": (REPOSITORY / "docs/dashboard.json").read_text()}


def test_a_stack_without_a_shared_url_gets_the_label_by_a_policy_that_the_api_server_takes(
    environment: dict[str, str], cluster: Cluster, tmp_path: Path
) -> None:
    command = "kubectl apply --filename client-label.yaml"
    assert f"`{command}`" in PAGES["docs/usage.md"]
    text = block("docs/usage.md", "# client-label.yaml\n", "yaml")
    (tmp_path / "client-label.yaml").write_text(text)
    manifest = yaml.safe_load(text)
    metadata = manifest["metadata"]
    assert cluster.refusal(manifest) is None
    try:
        run(command, environment, folder=tmp_path)
        applied = cluster.everything_in(metadata["namespace"])["AgentgatewayPolicy", metadata["name"]]
        assert applied["spec"] == manifest["spec"]
    finally:
        cluster.delete("AgentgatewayPolicy", metadata["name"], metadata["namespace"])


def test_a_copy_of_the_alerts_becomes_a_prometheus_rule_with_its_numbers(
    environment: dict[str, str], tmp_path: Path
) -> None:
    copy = (REPOSITORY / "docs/alerts.yaml").read_text().replace("vector(1000000)", "vector(7)")
    (tmp_path / "alerts.yaml").write_text(copy)
    run("kubectl create --filename -", environment, json.dumps(PROMETHEUS_RULES))
    try:
        run(
            "kubectl wait --for condition=Established crd/prometheusrules.monitoring.coreos.com --timeout 60s",
            environment,
        )
        run(block("docs/usage.md", "kind: PrometheusRule"), environment, folder=tmp_path)
        rule = read("prometheusrule", "llm", environment)
        assert rule["spec"] == yaml.safe_load(copy)
        assert "vector(7)" in str(rule["spec"])
    finally:
        run("kubectl delete crd prometheusrules.monitoring.coreos.com --timeout 60s", environment)
