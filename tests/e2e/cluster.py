"""The API server as the tests look at it: through the official client, past Pulumi."""

import base64
from pathlib import Path
from typing import Any

import kubernetes

BACKEND = ("gateway.kgateway.dev", "v1alpha1", "backends")
ROUTE = ("gateway.networking.k8s.io", "v1", "httproutes")
TLS_POLICY = ("gateway.networking.k8s.io", "v1", "backendtlspolicies")


class Cluster:
    """Reads and writes objects of the cluster of one kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self._client = kubernetes.config.new_client_from_config(str(kubeconfig))
        self.core = kubernetes.client.CoreV1Api(self._client)
        self.custom = kubernetes.client.CustomObjectsApi(self._client)
        self.extensions = kubernetes.client.ApiextensionsV1Api(self._client)

    def close(self) -> None:
        self._client.close()

    def objects(self, name: str, namespace: str = "gloo-system") -> dict[str, Any]:
        """The four objects of a component by kind; one that isn't there is left out."""
        found = {}
        for kind, (group, version, plural), object_name in (
            ("Backend", BACKEND, name),
            ("HTTPRoute", ROUTE, name),
            ("BackendTLSPolicy", TLS_POLICY, f"{name}-tls"),
        ):
            listed = self.custom.list_namespaced_custom_object(
                group, version, namespace, plural, field_selector=f"metadata.name={object_name}"
            )
            found |= {kind: each for each in listed["items"]}
        secrets = self.core.list_namespaced_secret(namespace, field_selector=f"metadata.name={name}-secret")
        found |= {"Secret": self._client.sanitize_for_serialization(each) for each in secrets.items}
        return found


def revisions(objects: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What changes when an object is made anew, and when it is written."""
    return {kind: (each["metadata"]["uid"], each["metadata"]["resourceVersion"]) for kind, each in objects.items()}


def api_key(objects: dict[str, Any]) -> str:
    """The key in the Secret."""
    return base64.b64decode(objects["Secret"]["data"]["Authorization"]).decode()
