"""The commands of docs/usage.md, on a real API server."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import yaml

from local.control_plane.control_plane import ControlPlane
from tests.support.cluster import Cluster
from tests.support.pages import block
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


def run(commands: str, environment: dict[str, str], sent: str | None = None) -> str:
    """Returns what the commands print."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        input=sent,
        cwd=REPOSITORY,
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


def test_the_alerts_become_a_prometheus_rule(environment: dict[str, str]) -> None:
    run("kubectl create --filename -", environment, json.dumps(PROMETHEUS_RULES))
    try:
        run(
            "kubectl wait --for condition=Established crd/prometheusrules.monitoring.coreos.com --timeout 60s",
            environment,
        )
        run(block("docs/usage.md", "kind: PrometheusRule"), environment)
        rule = read("prometheusrule", "llm", environment)
        assert rule["spec"] == yaml.safe_load((REPOSITORY / "docs/alerts.yaml").read_text())
    finally:
        run("kubectl delete crd prometheusrules.monitoring.coreos.com --timeout 60s", environment)
