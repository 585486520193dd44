"""What stands in the control plane before any stack comes: the definitions, and the Gateway that routes attach to."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from local.api_server import ApiServer, ClusterObject

NAMESPACE = "gloo-system"
GATEWAY = "agentgateway"

_REVISION = "openai-compatible-llm/revision"


def definition_objects(manifests: Iterable[Mapping[str, Any]]) -> list[ClusterObject]:
    root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    return [_with_revision(f"{root}/{manifest['metadata']['name']}", manifest) for manifest in manifests]


def gateway_objects() -> list[ClusterObject]:
    gateway_api = "gateway.networking.k8s.io/v1"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    gateway_class = {
        "apiVersion": gateway_api,
        "kind": "GatewayClass",
        "metadata": {"name": GATEWAY},
        "spec": {"controllerName": "kgateway.dev/agentgateway"},
    }
    listener = {"name": "http", "protocol": "HTTP", "port": 8080, "allowedRoutes": {"namespaces": {"from": "All"}}}
    gateway = {
        "apiVersion": gateway_api,
        "kind": "Gateway",
        "metadata": {"name": GATEWAY, "namespace": NAMESPACE},
        "spec": {"gatewayClassName": GATEWAY, "listeners": [listener]},
    }
    return [
        _with_revision(f"/api/v1/namespaces/{NAMESPACE}", namespace),
        _with_revision(f"/apis/{gateway_api}/gatewayclasses/{GATEWAY}", gateway_class),
        _with_revision(f"/apis/{gateway_api}/namespaces/{NAMESPACE}/gateways/{GATEWAY}", gateway),
    ]


def missing_from(api_server: ApiServer, objects: Iterable[ClusterObject]) -> list[ClusterObject]:
    """Those that are not there, not as they are wanted, or on their way out."""
    return [wanted for wanted in objects if not _in_place(wanted, api_server.metadata(wanted.path))]


def _in_place(wanted: ClusterObject, metadata: Mapping[str, Any] | None) -> bool:
    if not metadata or "deletionTimestamp" in metadata:
        return False
    revision: str = wanted.manifest["metadata"]["annotations"][_REVISION]
    return bool(metadata.get("annotations", {}).get(_REVISION) == revision)


def _with_revision(path: str, manifest: Mapping[str, Any]) -> ClusterObject:
    revision = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]
    metadata = manifest["metadata"]
    annotations = metadata.get("annotations", {}) | {_REVISION: revision}
    return ClusterObject(path, {**manifest, "metadata": {**metadata, "annotations": annotations}})
