"""Objects made by `kubectl apply`, taken over by the two commands that docs/taking-over.md names."""

import json
from typing import Any

from tests.gateway.deployment import KEY, Deployment
from tests.support.cluster import Cluster

TAKE_OVER = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
KUBECTL = "kubectl-client-side-apply"


def manifests(deployment: Deployment) -> list[dict[str, Any]]:
    """What somebody wrote by hand after the walk-through, of the names that the component gives its objects."""
    of = {
        "kgateway": ("gateway.kgateway.dev", "Backend", _backend),
        "agentgateway": ("agentgateway.dev", "AgentgatewayBackend", _agentgateway_backend),
    }
    group, kind, spec = of[deployment.api]
    reference = {"group": group, "kind": kind, "name": "mistral"}
    parent = {"name": deployment.gateway.name, "namespace": deployment.gateway.namespace}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": deployment.route_path}}],
        "backendRefs": [{**reference, "namespace": deployment.namespace}],
    }
    validation = {"hostname": "localhost", "wellKnownCACertificates": "System"}
    gateway_api = "gateway.networking.k8s.io/v1"

    def manifest(api_version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
        metadata = {"name": name, "namespace": deployment.namespace}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}

    tls_policy = manifest(
        gateway_api, "BackendTLSPolicy", "mistral-tls", spec={"targetRefs": [reference], "validation": validation}
    )
    return [
        manifest("v1", "Secret", "mistral-secret", type="Opaque", stringData={"Authorization": KEY}),
        manifest(f"{group}/v1alpha1", kind, "mistral", spec=spec(deployment.provider.port)),
        *([tls_policy] if deployment.api == "kgateway" else []),
        manifest(gateway_api, "HTTPRoute", "mistral", spec={"parentRefs": [parent], "rules": [rule]}),
    ]


def _backend(port: int) -> dict[str, Any]:
    openai = {"authToken": {"kind": "SecretRef", "secretRef": {"name": "mistral-secret"}}, "model": "by hand"}
    llm = {"openai": openai, "host": "localhost", "port": port, "path": {"full": "/v1/chat/completions"}}
    return {"type": "AI", "ai": {"llm": llm}}


def _agentgateway_backend(port: int) -> dict[str, Any]:
    provider = {"openai": {"model": "by hand"}, "host": "localhost", "port": port, "path": "/v1/chat/completions"}
    policies = {"auth": {"secretRef": {"name": "mistral-secret"}}, "tls": {"sni": "localhost"}}
    return {"ai": {"provider": provider}, "policies": policies}


def kubectl_apply(cluster: Cluster, manifest: dict[str, Any]) -> None:
    """Creates an object as `kubectl apply` does: with its field manager and its annotation."""
    applied = {**manifest["metadata"], "annotations": {LAST_APPLIED: json.dumps(manifest)}}
    cluster.create({**manifest, "metadata": applied}, field_manager=KUBECTL)


def test_objects_made_by_hand_are_taken_over_in_place_and_no_request_is_lost(
    deployment: Deployment, cluster: Cluster
) -> None:
    for manifest in manifests(deployment):
        kubectl_apply(cluster, manifest)
    made = cluster.everything_in(deployment.namespace)
    deployment.until(200)

    without: Any = {"metadata": {"annotations": {LAST_APPLIED: None}}}
    with deployment.load() as load:
        load.wait_for(60)
        cluster.core.patch_namespaced_secret("mistral-secret", deployment.namespace, without)
        deployment.write({"mistral": deployment.config(model="by Pulumi", endpoints="chat")})
        deployment.project.up(**TAKE_OVER)
        load.wait_for(60)
    assert load.lost == {}
    assert deployment.provider.keys() == {f"Bearer {KEY}"}
    assert deployment.provider.requests[-1].json["model"] == "by Pulumi"

    taken_over = cluster.everything_in(deployment.namespace)
    assert {key: each["metadata"]["uid"] for key, each in taken_over.items()} == {
        key: each["metadata"]["uid"] for key, each in made.items()
    }
    assert KEY not in json.dumps(list(taken_over.values()))
    assert "unchanged" in deployment.project("preview", "--stack", "test", "--expect-no-changes")
