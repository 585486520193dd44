"""Reads and writes objects on the API server. Blocking; safe to call from several threads."""

import json
from http import HTTPStatus
from typing import Any

import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, kube_config

from local.kubernetes_provider.errors import NoMatchError, ProviderError, RefusedError
from local.kubernetes_provider.values import Object

_TIMEOUT_SECONDS = 60
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Objects:
    """The cluster of a kubeconfig's current context."""

    def __init__(self, kubeconfig: str) -> None:
        configuration: Any = Configuration()
        configuration.retries = False
        configuration.connection_pool_maxsize = 32
        try:
            load: Any = kube_config.load_kube_config
            load(kubeconfig, client_configuration=configuration, persist_config=False)
        except (ConfigException, OSError, yaml.YAMLError) as error:
            raise ProviderError(f"failed to read the kubeconfig {kubeconfig}: {type(error).__name__}") from None
        self._server = configuration.host
        self._headers = {each["key"]: each["value"] for each in configuration.auth_settings().values()}
        self._pool: Any = ApiClient(configuration).rest_client.pool_manager
        self._places: dict[tuple[str, str], tuple[str, bool]] = {}

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Object:
        return self._request("GET", self._path(api_version, kind, namespace, name))

    def apply(self, obj: Object, field_manager: str) -> Object:
        """Server-side apply, which takes over fields that somebody else has set."""
        metadata = obj["metadata"]
        path = self._path(obj["apiVersion"], obj["kind"], metadata.get("namespace", ""), metadata["name"])
        query = f"?fieldManager={field_manager}&force=true"
        return self._request("PATCH", f"{path}{query}", obj, "application/apply-patch+yaml")

    def delete(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        path = self._path(api_version, kind, namespace, name)
        self._request("DELETE", path, {"propagationPolicy": "Foreground"})

    def _path(self, api_version: str, kind: str, namespace: str, name: str) -> str:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if (api_version, kind) not in self._places:
            self._discover(api_version, root)
        if (api_version, kind) not in self._places:
            raise NoMatchError(f'no matches for kind "{kind}" in version "{api_version}"')
        plural, namespaced = self._places[api_version, kind]
        return (
            f"{root}/namespaces/{namespace or 'default'}/{plural}/{name}" if namespaced else f"{root}/{plural}/{name}"
        )

    def _discover(self, api_version: str, root: str) -> None:
        try:
            listed = self._request("GET", root)
        except RefusedError as refused:
            if refused.code == HTTPStatus.NOT_FOUND:
                return
            raise
        own = [each for each in listed["resources"] if "/" not in each["name"]]
        self._places.update({(api_version, each["kind"]): (each["name"], each["namespaced"]) for each in own})

    def _request(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Object:
        headers = {**self._headers, "content-type": content_type}
        content = None if body is None else json.dumps(body)
        try:
            response = self._pool.request(
                method, f"{self._server}{path}", body=content, headers=headers, timeout=_TIMEOUT_SECONDS
            )
        except urllib3.exceptions.HTTPError as error:
            raise ProviderError(f"configured Kubernetes cluster is unreachable: {error}") from None
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(_message(response.data.decode(errors="replace")), response.status)
        answer: Object = response.json()
        # The last repeats a Secret's values where nobody looks for them.
        answer.get("metadata", {}).pop("managedFields", None)
        answer.get("metadata", {}).get("annotations", {}).pop(_LAST_APPLIED, None)
        return answer


def _message(answer: str) -> str:
    """Returns the words of a refusal, which is no JSON where nobody serves the API group."""
    try:
        return str(json.loads(answer)["message"])
    except ValueError:
        return answer.strip()
