"""The account of docs/role.yaml, with the official Kubernetes provider and a real gateway."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import kubernetes
import pytest

from tests.gateway.deployment import Deployment
from tests.support.cluster import Cluster
from tests.support.service_account import Account

NEW_KEY = "sk-canary-gateway-19f0"


def test_it_suffices_for_up_rotation_and_destroy_and_reads_nothing_else(
    deployment: Deployment, cluster: Cluster, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    account = Account(cluster, deployment.namespace)
    account.create()
    account.write_kubeconfig(kubeconfig)
    deployment.project = replace(deployment.project, kubeconfig=kubeconfig)

    deployment.up(waitForReady=True, readyTimeoutSeconds=60)
    assert deployment.ask().status == 200
    deployment.write({deployment.name: deployment.config(apiKey=NEW_KEY, waitForReady=True, readyTimeoutSeconds=60)})
    printed = deployment.project("up", "--yes", "--skip-preview", "--refresh", "--stack", "test")
    assert "1 updated" in printed
    while deployment.provider.requests[-1].authorization != f"Bearer {NEW_KEY}":
        assert deployment.ask().status == 200
    deployment.project("destroy", "--yes", "--skip-preview", "--stack", "test")
    assert cluster.everything_in(deployment.namespace) == {}

    accounts = Cluster(kubeconfig)
    try:
        for read in forbidden(accounts, deployment):
            with pytest.raises(kubernetes.client.ApiException) as raised:
                read()
            assert raised.value.status == 403
    finally:
        accounts.close()


def forbidden(cluster: Cluster, deployment: Deployment) -> list[Callable[[], object]]:
    core, custom = cluster.core, cluster.custom
    gateways = ("gateway.networking.k8s.io", "v1", deployment.gateway.namespace, "gateways")
    return [
        lambda: core.list_namespaced_secret(deployment.gateway.namespace),
        lambda: core.list_secret_for_all_namespaces(),
        lambda: core.list_namespaced_config_map(deployment.namespace),
        lambda: core.list_namespace(),
        lambda: custom.get_namespaced_custom_object(*gateways, deployment.gateway.name),
    ]
