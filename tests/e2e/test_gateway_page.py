"""The manifests of docs/gateway.md, on a real API server with agentgateway's own definitions."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.control_plane.api_server import ApiServer
from local.control_plane.control_plane import ControlPlane
from tests.support.agentgateway_source import deployed_for, parameters_definition
from tests.support.cluster import Cluster
from tests.support.pages import blocks

MANIFESTS: list[dict[str, Any]] = [
    manifest
    for text in blocks("yaml", "docs/gateway.md")
    if not text.startswith("# stacks/")
    for manifest in yaml.safe_load_all(text)
]


@pytest.fixture
def with_parameters(cluster: Cluster, control_plane: ControlPlane) -> Iterator[None]:
    """Defines AgentgatewayParameters, which the local control plane doesn't need."""
    definition: Any = parameters_definition()
    cluster.extensions.create_custom_resource_definition(definition)
    try:
        with ApiServer(control_plane.state) as api_server:
            api_server.wait_until_served(definition)
        yield
    finally:
        cluster.extensions.delete_custom_resource_definition(definition["metadata"]["name"])


@pytest.mark.usefixtures("with_parameters")
def test_the_api_server_accepts_every_manifest(cluster: Cluster, namespace: str) -> None:
    kinds = [each["kind"] for each in MANIFESTS]
    gateway = ["AgentgatewayParameters", "Gateway"]
    assert kinds == [*gateway, "NetworkPolicy", *gateway]
    for manifest in MANIFESTS:
        own = within(namespace, manifest)
        assert cluster.refusal(own) is None
        misspelt = {**own, "spec": {**own["spec"], "misspelt": {}}}
        assert 'unknown field \\"spec.misspelt\\"' in str(cluster.refusal(misspelt))


@pytest.mark.parametrize(
    ("part", "case", "kind"),
    [("deployment", "replicas", "Deployment"), ("podDisruptionBudget", "pdb-overlay", "PodDisruptionBudget")],
)
def test_the_api_server_accepts_what_the_controller_creates_for_a_parameter(
    part: str, case: str, kind: str, cluster: Cluster, namespace: str
) -> None:
    """The definition leaves these parts open. The controller merges them into its own objects."""
    (overlay,) = (each["spec"][part]["spec"] for each in MANIFESTS if part in each["spec"])
    created = within(namespace, deployed_for(case, kind))
    assert overlay.keys() <= created["spec"].keys()
    assert cluster.refusal({**created, "spec": {**created["spec"], **overlay}}) is None


def within(namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
