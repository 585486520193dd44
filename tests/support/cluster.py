"""Reads and writes the API server's objects with the official client, independently of Pulumi."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import kubernetes

from local.waiting import wait_until

SECONDS_TO_DELETE = 60
BACKEND = ("gateway.kgateway.dev", "v1alpha1", "backends")
AGENTGATEWAY_BACKEND = ("agentgateway.dev", "v1alpha1", "agentgatewaybackends")
ROUTE = ("gateway.networking.k8s.io", "v1", "httproutes")
TLS_POLICY = ("gateway.networking.k8s.io", "v1", "backendtlspolicies")
AGENTGATEWAY_POLICY = ("agentgateway.dev", "v1alpha1", "agentgatewaypolicies")
TRAFFIC_POLICY = ("gateway.kgateway.dev", "v1alpha1", "trafficpolicies")
CUSTOM = {
    "Backend": BACKEND,
    "AgentgatewayBackend": AGENTGATEWAY_BACKEND,
    "HTTPRoute": ROUTE,
    "BackendTLSPolicy": TLS_POLICY,
    "AgentgatewayPolicy": AGENTGATEWAY_POLICY,
    "TrafficPolicy": TRAFFIC_POLICY,
}
Objects = dict[tuple[str, str, str], dict[str, Any]]
"""By namespace, kind and name."""

GATEWAY = ("gateway.networking.k8s.io", "v1", "gateways")
AGENTGATEWAY_PARAMETERS = ("agentgateway.dev", "v1alpha1", "agentgatewayparameters")
KINDS = {**CUSTOM, "Gateway": GATEWAY, "AgentgatewayParameters": AGENTGATEWAY_PARAMETERS}
RESOURCES = {
    "Secret": "secrets",
    "ConfigMap": "configmaps",
    "Deployment": "deployments",
    "NetworkPolicy": "networkpolicies",
    "PodDisruptionBudget": "poddisruptionbudgets",
    **{kind: plural for kind, (_, _, plural) in KINDS.items()},
}
"""The API server's names for the kinds of objects."""

BACKEND_KINDS = {"kgateway": "Backend", "agentgateway": "AgentgatewayBackend"}
"""Kind of the backend by the argument `api`."""

RATE_LIMITS = "-rate-limits"
"""How the name of the only ConfigMap ends that a component makes."""


class Cluster:
    """Reads and writes objects of the cluster of one kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        configuration = kubernetes.client.Configuration()
        configuration.proxy = None
        kubernetes.config.load_kube_config(str(kubeconfig), client_configuration=configuration)
        self._client = kubernetes.client.ApiClient(configuration)
        self.core = kubernetes.client.CoreV1Api(self._client)
        self.custom = kubernetes.client.CustomObjectsApi(self._client)
        self.extensions = kubernetes.client.ApiextensionsV1Api(self._client)

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def new_namespace(self, name: str) -> Iterator[str]:
        """Creates a namespace, and deletes it at the end."""
        body: Any = {"metadata": {"name": name}}
        self.core.create_namespace(body)
        try:
            yield name
        finally:
            self.core.delete_namespace(name)

    def delete_namespace(self, name: str) -> None:
        """Deletes a namespace, and waits until another can have its name."""
        self.core.delete_namespace(name)
        self.wait_for_deletion(name)

    def wait_for_deletion(self, name: str) -> None:
        """Waits until a namespace that was deleted is gone."""
        left = f"metadata.name={name}"
        gone = wait_until(lambda: not self.core.list_namespace(field_selector=left).items, SECONDS_TO_DELETE)
        assert gone, f"the namespace {name} is still being deleted"

    def create(self, manifest: Any, **options: Any) -> Any:
        """Creates a Secret, a Gateway or another object of the kinds that components make, and returns it."""
        namespace = manifest["metadata"]["namespace"]
        if manifest["kind"] == "Secret":
            secret = self.core.create_namespaced_secret(namespace, manifest, **options)
            return self._client.sanitize_for_serialization(secret)
        group, version, plural = KINDS[manifest["kind"]]
        return self.custom.create_namespaced_custom_object(group, version, namespace, plural, manifest, **options)

    def delete(self, kind: str, name: str, namespace: str) -> None:
        if kind == "Secret":
            self.core.delete_namespaced_secret(name, namespace)
            return
        group, version, plural = KINDS[kind]
        self.custom.delete_namespaced_custom_object(group, version, namespace, plural, name)

    def patch(self, kind: str, name: str, namespace: str, patch: Any, **options: Any) -> None:
        if kind == "Secret":
            self.core.patch_namespaced_secret(name, namespace, patch, **options)
            return
        group, version, plural = KINDS[kind]
        self.custom.patch_namespaced_custom_object(group, version, namespace, plural, name, patch, **options)

    def objects(self, name: str, namespace: str = "gloo-system") -> dict[str, Any]:
        """Returns the objects of a component by kind, without those that don't exist."""
        found: dict[str, Any] = {}
        for kind, definition in CUSTOM.items():
            object_name = f"{name}-tls" if kind == "BackendTLSPolicy" else name
            found.update((kind, each) for each in self._listed(definition, namespace, object_name))
        secrets = self.core.list_namespaced_secret(namespace, field_selector=f"metadata.name={name}-secret")
        found.update(("Secret", self._client.sanitize_for_serialization(each)) for each in secrets.items)
        return found

    def everything_in(self, namespace: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Returns all objects of the kinds that components make, by kind and name."""
        secrets = self._client.sanitize_for_serialization(self.core.list_namespaced_secret(namespace).items)
        config_maps = self._client.sanitize_for_serialization(self.core.list_namespaced_config_map(namespace).items)
        found = [{"apiVersion": "v1", "kind": "Secret", **secret} for secret in secrets]
        found += [
            {"apiVersion": "v1", "kind": "ConfigMap", **each}
            for each in config_maps
            # Kubernetes and controllers have their own.
            if each["metadata"]["name"].endswith(RATE_LIMITS)
        ]
        found += [each for definition in CUSTOM.values() for each in self._listed(definition, namespace)]
        return {(each["kind"], each["metadata"]["name"]): each for each in found}

    def everything_in_all(self, *namespaces: str) -> Objects:
        return {(each, *key): found for each in namespaces for key, found in self.everything_in(each).items()}

    def _listed(self, definition: tuple[str, str, str], namespace: str, name: str = "") -> list[dict[str, Any]]:
        """Lists the objects; none where the custom resource isn't defined."""
        group, version, plural = definition
        selector = f"metadata.name={name}" if name else ""
        try:
            listed: Any = self.custom.list_namespaced_custom_object(
                group, version, namespace, plural, field_selector=selector
            )
        except kubernetes.client.ApiException as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return []
            raise
        return list(listed["items"])

    def refusal(self, manifest: dict[str, Any]) -> str | None:
        """Returns the error of a dry run that refuses unknown fields; None where the API server accepts the object."""
        resource = RESOURCES[manifest["kind"]]
        version = manifest["apiVersion"]
        root = "api" if version == "v1" else "apis"
        path = f"{root}/{version}/namespaces/{manifest['metadata']['namespace']}/{resource}"
        response = self._client.rest_client.pool_manager.request(
            "POST", f"{self._client.configuration.host}/{path}?dryRun=All&fieldValidation=Strict", json=manifest
        )
        return None if response.status < HTTPStatus.BAD_REQUEST else response.data.decode()


def changes(before: Objects, after: Objects) -> tuple[set[Any], set[Any], set[Any]]:
    """Returns what was created, what was changed in place, and what was deleted; nothing may be replaced."""
    both = before.keys() & after.keys()
    old, new = ({each: objects[each]["metadata"] for each in both} for objects in (before, after))
    assert [each for each in both if old[each]["uid"] != new[each]["uid"]] == []
    changed = {each for each in both if old[each]["resourceVersion"] != new[each]["resourceVersion"]}
    return after.keys() - before.keys(), changed, before.keys() - after.keys()


def revisions(objects: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Returns uid and resource version by kind: the one changes when an object is replaced, the other at each write."""
    return {kind: (each["metadata"]["uid"], each["metadata"]["resourceVersion"]) for kind, each in objects.items()}


def api_key(objects: dict[str, Any]) -> str:
    """Returns the key in the Secret."""
    return base64.b64decode(objects["Secret"]["data"]["Authorization"]).decode()
