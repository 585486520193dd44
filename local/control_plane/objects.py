"""What stands in the control plane before any stack comes: the definitions, and the Gateway that routes attach to."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.control_plane.api_server import ApiServer, ClusterObject
from local.gateway.api import KGATEWAY, Gateway

DEFAULT_GATEWAY = Gateway(KGATEWAY, "gloo-system", "agentgateway", port=8080)

_GATEWAY_API = "gateway.networking.k8s.io/v1"
_REVISION = "openai-compatible-llm/revision"


def definition_objects(manifests: Iterable[Mapping[str, Any]]) -> list[ClusterObject]:
    root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    return [_with_revision(f"{root}/{manifest['metadata']['name']}", manifest) for manifest in manifests]


def namespace_objects(names: Iterable[str]) -> list[ClusterObject]:
    manifest = {"apiVersion": "v1", "kind": "Namespace"}
    return [_with_revision(f"/api/v1/namespaces/{name}", {**manifest, "metadata": {"name": name}}) for name in names]


def gateway_objects(gateway: Gateway) -> list[ClusterObject]:
    """The Gateway, with what it needs."""
    gateway_class = {
        "apiVersion": _GATEWAY_API,
        "kind": "GatewayClass",
        "metadata": {"name": gateway.api.gateway_class},
        "spec": {"controllerName": gateway.api.controller_name},
    }
    listener = {
        "name": "http",
        "protocol": "HTTP",
        "port": gateway.port,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    manifest = {
        "apiVersion": _GATEWAY_API,
        "kind": "Gateway",
        "metadata": {"name": gateway.name, "namespace": gateway.namespace},
        "spec": {"gatewayClassName": gateway.api.gateway_class, "listeners": [listener]},
    }
    return [
        *namespace_objects([gateway.namespace]),
        _with_revision(f"/apis/{_GATEWAY_API}/gatewayclasses/{gateway.api.gateway_class}", gateway_class),
        _with_revision(gateway_path(gateway), manifest),
    ]


def gateway_path(gateway: Gateway) -> str:
    """Where the API server has it."""
    return f"/apis/{_GATEWAY_API}/namespaces/{gateway.namespace}/gateways/{gateway.name}"


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
