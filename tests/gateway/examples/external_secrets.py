"""Stands in for the External Secrets Operator: creates the Secrets that its ExternalSecrets ask for."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import kubernetes

from tests.support.cluster import Cluster
from tests.support.external_secret import DEFINITION, GROUP, PLURAL, VERSION

SECONDS_BETWEEN_LOOKS = 0.2


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
