"""Builds objects to apply, and tells which of them the API server doesn't have yet."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.control_plane.api_server import ApiServer, ClusterObject

_REVISION = "openai-compatible-llm/revision"


def definition_objects(manifests: Iterable[Mapping[str, Any]]) -> list[ClusterObject]:
    """Return CustomResourceDefinitions as objects to apply."""
    root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    return [object_at(f"{root}/{manifest['metadata']['name']}", manifest) for manifest in manifests]


def namespace_objects(names: Iterable[str]) -> list[ClusterObject]:
    """Return namespaces of these names as objects to apply."""
    manifest = {"apiVersion": "v1", "kind": "Namespace"}
    return [object_at(f"/api/v1/namespaces/{name}", {**manifest, "metadata": {"name": name}}) for name in names]


def object_at(path: str, manifest: Mapping[str, Any]) -> ClusterObject:
    """Return the object to apply at this URL path, annotated with its revision for `missing_from`."""
    revision = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]
    metadata = manifest["metadata"]
    annotations = metadata.get("annotations", {}) | {_REVISION: revision}
    return ClusterObject(path, {**manifest, "metadata": {**metadata, "annotations": annotations}})


def missing_from(api_server: ApiServer, objects: Iterable[ClusterObject]) -> Iterator[ClusterObject]:
    """Yield the objects that the server lacks or has in another revision.

    Each is looked up when the caller asks for it, so the caller can apply an object before those that need it.
    """
    for wanted in objects:
        metadata = api_server.metadata(wanted.path) or {}
        if metadata.get("annotations", {}).get(_REVISION) != wanted.manifest["metadata"]["annotations"][_REVISION]:
            yield wanted
