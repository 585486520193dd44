"""Stands in for the External Secrets Operator: a definition of its ExternalSecret, and what creates the Secrets."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import kubernetes

from tests.support.cluster import Cluster

GROUP, VERSION, PLURAL = "external-secrets.io", "v1", "externalsecrets"
SECONDS_BETWEEN_LOOKS = 0.2


def _map(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


STRING = {"type": "string"}
# The fields that the example uses, as the operator's own definition of version 2.9.0 has them. Others are dropped.
SPEC = _map(
    secretStoreRef=_map(kind={"type": "string", "enum": ["SecretStore", "ClusterSecretStore"]}, name=STRING),
    refreshInterval=STRING,
    target=_map(name=STRING),
    data=_list(
        {
            **_map(secretKey=STRING, remoteRef={**_map(key=STRING, property=STRING), "required": ["key"]}),
            "required": ["secretKey", "remoteRef"],
        }
    ),
)
CONDITIONS = _list(_map(**dict.fromkeys(("type", "status", "reason", "message", "lastTransitionTime"), STRING)))
DEFINITION: Any = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"{PLURAL}.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"kind": "ExternalSecret", "plural": PLURAL, "singular": "externalsecret"},
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": _map(spec=SPEC, status=_map(conditions=CONDITIONS))},
            }
        ],
    },
}


@contextmanager
def external_secrets_operator(cluster: Cluster, namespace: str, store: Mapping[str, str]) -> Iterator[list[Any]]:
    """Serves one namespace, and yields the ExternalSecrets that it has served.

    Args:
        cluster: Where it runs.
        namespace: The namespace.
        store: The values by key and property, as `<key>#<property>`.
    """
    try:
        cluster.extensions.create_custom_resource_definition(DEFINITION)
    except kubernetes.client.ApiException as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
    served: list[Any] = []
    over = threading.Event()

    def serve() -> None:
        while not over.wait(SECONDS_BETWEEN_LOOKS):
            for each in _unserved(cluster, namespace):
                _serve(cluster, namespace, each, store)
                served.append(each)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield served
    finally:
        over.set()
        thread.join()


def _unserved(cluster: Cluster, namespace: str) -> list[Any]:
    try:
        listed: Any = cluster.custom.list_namespaced_custom_object(GROUP, VERSION, namespace, PLURAL)
    except kubernetes.client.ApiException as error:
        # Not served yet by the API server.
        if error.status == HTTPStatus.NOT_FOUND:
            return []
        raise
    return [each for each in listed["items"] if "status" not in each]


def _serve(cluster: Cluster, namespace: str, external: Any, store: Mapping[str, str]) -> None:
    spec = external["spec"]
    owner = {
        "apiVersion": external["apiVersion"],
        "kind": external["kind"],
        "name": external["metadata"]["name"],
        "uid": external["metadata"]["uid"],
    }
    secret: Any = {
        "metadata": {"name": spec["target"]["name"], "ownerReferences": [owner]},
        "stringData": {
            each["secretKey"]: store[f"{each['remoteRef']['key']}#{each['remoteRef']['property']}"]
            for each in spec["data"]
        },
    }
    cluster.core.create_namespaced_secret(namespace, secret)
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "SecretSynced",
        "message": "secret synced",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    cluster.custom.patch_namespaced_custom_object_status(
        GROUP, VERSION, namespace, PLURAL, external["metadata"]["name"], {"status": {"conditions": [ready]}}
    )
