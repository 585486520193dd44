"""Speaks to the local API server over HTTP."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import urllib3

from local.control_plane import KUBE_APISERVER
from local.control_plane.certificates import Certificates
from local.errors import LocalError
from local.folders import StateFolder
from local.ports import Ports

FIELD_MANAGER = "openai-compatible-llm-local"

_METADATA_ONLY = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
# The server answers so while a definition is new, or just after its start.
_TRANSIENT = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


@dataclass(frozen=True)
class ClusterObject:
    """An object to apply.

    Attributes:
        path: The object's URL path at the API server.
        manifest: The object, without status.
    """

    path: str
    manifest: Mapping[str, Any]


class ApiServer:
    """Connects as the administrator to an API server on this machine, whatever proxy or kubeconfig the user has."""

    def __init__(self, port: int, certificates: Certificates) -> None:
        self._host = f"https://127.0.0.1:{port}"
        self._pool = urllib3.PoolManager(
            ca_certs=str(certificates.authority),
            cert_file=str(certificates.admin.certificate),
            key_file=str(certificates.admin.key),
            retries=False,
            timeout=urllib3.Timeout(total=10),
        )
        self._resources: dict[str, list[dict[str, Any]]] = {}

    @classmethod
    def of(cls, state: StateFolder) -> "ApiServer":
        """Connect to the API server of a control plane that has been started."""
        return cls(Ports(state.ports).read()[KUBE_APISERVER], Certificates(state.certificates))

    def __enter__(self) -> "ApiServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.clear()

    def is_ready(self) -> bool:
        """Tell whether the server answers and can serve requests."""
        try:
            return self._pool.request("GET", f"{self._host}/readyz", timeout=3).status == HTTPStatus.OK
        except urllib3.exceptions.HTTPError:
            return False

    def metadata(self, path: str, timeout: float = 60) -> dict[str, Any] | None:
        """Return the object's metadata, or None if there is no such object. Wait while it is being deleted."""
        deadline = time.monotonic() + timeout
        while True:
            response = self._request("GET", path, headers=_METADATA_ONLY)
            if response.status == HTTPStatus.NOT_FOUND:
                return None
            _raise_for_status(response, path)
            metadata: dict[str, Any] = response.json()["metadata"]
            if "deletionTimestamp" not in metadata:
                return metadata
            if time.monotonic() > deadline:
                raise LocalError(
                    f"{path} is still being deleted after {timeout:.0f} seconds. Wait, and run the command again."
                )
            time.sleep(0.1)

    def get(self, path: str) -> dict[str, Any] | None:
        """Return the object, or None if there is no such object."""
        response = self._request("GET", path)
        if response.status == HTTPStatus.NOT_FOUND:
            return None
        _raise_for_status(response, path)
        found: dict[str, Any] = response.json()
        return found

    def apply(self, wanted: ClusterObject, timeout: float = 30) -> None:
        """Apply the object server-side. Retry for `timeout` seconds after an error that may be transient."""
        deadline = time.monotonic() + timeout
        while True:
            response = self._request(
                "PATCH",
                f"{wanted.path}?fieldManager={FIELD_MANAGER}&force=true&fieldValidation=Strict",
                headers={"Content-Type": "application/apply-patch+yaml"},
                json=wanted.manifest,
            )
            if response.status not in _TRANSIENT or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        _raise_for_status(response, wanted.path)

    def has(self, api_version: str, kind: str, namespace: str, name: str) -> bool:
        """Tell whether there is such an object. There is none if the server doesn't know its kind."""
        group = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if group not in self._resources:
            self._resources[group] = (self.get(group) or {}).get("resources", [])
        for resource in self._resources[group]:
            if resource["kind"] == kind and "/" not in resource["name"]:
                scope = f"/namespaces/{namespace or 'default'}" if resource["namespaced"] else ""
                path = f"{group}{scope}/{resource['name']}/{name}"
                response = self._request("GET", path, headers=_METADATA_ONLY)
                if response.status != HTTPStatus.NOT_FOUND:
                    _raise_for_status(response, path)
                    return True
        return False

    def clear_conditions(self, path: str) -> None:
        """Remove the conditions from the object's status, if there is such an object."""
        response = self._request(
            "PATCH",
            f"{path}/status",
            headers={"Content-Type": "application/merge-patch+json"},
            json={"status": {"conditions": None}},
        )
        if response.status != HTTPStatus.NOT_FOUND:
            _raise_for_status(response, path)

    def wait_until_established(self, definition: ClusterObject, timeout: float = 30) -> None:
        """Wait until the server serves the kind that a CustomResourceDefinition defines.

        Raises:
            LocalError: It does not within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            response = self._request("GET", definition.path)
            _raise_for_status(response, definition.path)
            conditions = response.json().get("status", {}).get("conditions") or []
            if any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions):
                return
            if time.monotonic() > deadline:
                seconds = f"{timeout:.0f} seconds"
                raise LocalError(f"{definition.path} is not established after {seconds}: {conditions}")
            time.sleep(0.05)

    def _request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, self._host + path, headers=headers, json=json)
        except urllib3.exceptions.HTTPError as error:
            raise LocalError(f"The local API server did not answer {method} {path}: {error}") from None


def _raise_for_status(response: urllib3.BaseHTTPResponse, path: str) -> None:
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise LocalError(f"The local API server refused {path}: {response.data.decode(errors='replace')}")
