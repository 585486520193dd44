"""What stands in the control plane before any stack comes: the definitions, and the Gateway that routes attach to."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.api_server import ApiServer, ClusterObject

NAMESPACE = "gloo-system"
GATEWAY = "agentgateway"

_REVISION = "openai-compatible-llm/revision"


def definition_objects(manifests: Iterable[Mapping[str, Any]]) -> list[ClusterObject]:
    root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    return [_with_revision(f"{root}/{manifest['metadata']['name']}", manifest) for manifest in manifests]


def namespace_objects(names: Iterable[str]) -> list[ClusterObject]:
    manifest = {"apiVersion": "v1", "kind": "Namespace"}
    return [_with_revision(f"/api/v1/namespaces/{name}", {**manifest, "metadata": {"name": name}}) for name in names]


def gateway_objects() -> list[ClusterObject]:
    gateway_api = "gateway.networking.k8s.io/v1"
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
        *namespace_objects([NAMESPACE]),
        _with_revision(f"/apis/{gateway_api}/gatewayclasses/{GATEWAY}", gateway_class),
        _with_revision(f"/apis/{gateway_api}/namespaces/{NAMESPACE}/gateways/{GATEWAY}", gateway),
    ]


def missing_from(api_server: ApiServer, objects: Iterable[ClusterObject]) -> Iterator[ClusterObject]:
    """Those that are not there as they are wanted; each is looked at only once those before it are dealt with."""
    for wanted in objects:
        metadata = api_server.metadata(wanted.path) or {}
        if metadata.get("annotations", {}).get(_REVISION) != wanted.manifest["metadata"]["annotations"][_REVISION]:
            yield wanted


def _with_revision(path: str, manifest: Mapping[str, Any]) -> ClusterObject:
    revision = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]
    metadata = manifest["metadata"]
    annotations = metadata.get("annotations", {}) | {_REVISION: revision}
    return ClusterObject(path, {**manifest, "metadata": {**metadata, "annotations": annotations}})
