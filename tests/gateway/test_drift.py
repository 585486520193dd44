"""Edits by hand of what is deployed, with the official Kubernetes provider."""

import pytest

from tests.gateway.deployment import Deployment
from tests.support.cluster import Cluster

REFRESH = ("up", "--yes", "--skip-preview", "--refresh", "--stack", "test")


@pytest.mark.parametrize("api", ["kgateway"], indirect=True)
def test_up_with_refresh_undoes_an_edit_by_kubectl_and_names_a_controller_that_edited(
    deployment: Deployment, cluster: Cluster
) -> None:
    deployment.up()
    edited = ("Backend", deployment.name, deployment.namespace)
    by_hand = {"spec": {"ai": {"llm": {"openai": {"model": "by hand"}}}}}

    cluster.patch(*edited, by_hand, field_manager="kubectl-edit")
    assert "1 updated" in deployment.project(*REFRESH)
    backend = cluster.objects(deployment.name, deployment.namespace)["Backend"]
    assert backend["spec"]["ai"]["llm"]["openai"]["model"] == "configured"

    cluster.patch(*edited, by_hand, field_manager="a-controller")
    printed = deployment.project.fails(*REFRESH)
    assert 'conflict with "a-controller"' in printed
    assert ".spec.ai.llm.openai.model" in printed
    deployment.project(*REFRESH, PULUMI_K8S_ENABLE_PATCH_FORCE="true")
    assert deployment.ask().status == 200
    assert deployment.provider.requests[-1].json["model"] == "configured"
