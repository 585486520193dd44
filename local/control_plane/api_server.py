"""Speaks to the local API server over HTTP."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import urllib3

from local.control_plane import KUBE_APISERVER
from local.control_plane.certificates import Certificates
from local.errors import LocalError
from local.folders import StateFolder
from local.ports import Ports
from local.waiting import wait_until

Manifest = Mapping[str, Any]

FIELD_MANAGER = "openai-compatible-llm-local"

_REVISION = "openai-compatible-llm/revision"
_METADATA_ONLY = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
# The server answers so while a definition is new, or just after its start. It is asked again for half a minute.
_WHILE_NEW = urllib3.Retry(
    total=30,
    status_forcelist=[404, 409, 429, 500, 503],
    allowed_methods=None,
    backoff_factor=0.1,
    backoff_max=1,
    raise_on_status=False,
)


class ApiServer:
    """Connects as the administrator to a state folder's API server, whatever proxy or kubeconfig the user has."""

    def __init__(self, state: StateFolder) -> None:
        certificates = Certificates(state.certificates)
        self._host = f"https://127.0.0.1:{Ports(state.ports).read()[KUBE_APISERVER]}"
        self._pool = urllib3.PoolManager(
            ca_certs=str(certificates.authority),
            cert_file=str(certificates.admin),
            retries=False,
            timeout=urllib3.Timeout(total=10),
        )
        self._resources: dict[tuple[str, str], dict[str, Any]] = {}

    def __enter__(self) -> "ApiServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.clear()

    def is_ready(self) -> bool:
        """Tells whether the server answers and can serve requests."""
        try:
            return self._pool.request("GET", f"{self._host}/readyz", timeout=3).status == HTTPStatus.OK
        except urllib3.exceptions.HTTPError:
            return False

    def has(self, api_version: str, kind: str, name: str) -> bool:
        """Tells whether there is such an object, `namespace/name`. A kind that the server doesn't know has none."""
        namespace, _, name = name.rpartition("/")
        metadata = {"namespace": namespace, "name": name}
        return bool(self._metadata({"apiVersion": api_version, "kind": kind, "metadata": metadata}))

    def get(self, wanted: Manifest) -> dict[str, Any]:
        """Returns the object of the manifest's kind and name; an empty dict if there is none."""
        return self._request("GET", self._path(wanted))

    def apply_missing(self, objects: Iterable[Manifest]) -> list[Manifest]:
        """Applies those objects, in this order, that the server lacks or has in another revision. Returns them."""
        applied = []
        for wanted in objects:
            revision = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]
            metadata = self._metadata(wanted)
            if "deletionTimestamp" in metadata:
                self._wait_until_deleted(wanted)
            elif metadata.get("annotations", {}).get(_REVISION) == revision:
                continue
            self._apply(wanted, revision)
            applied.append(wanted)
        return applied

    def wait_until_served(self, definition: Manifest) -> None:
        """Waits until the server serves the kind that a CustomResourceDefinition defines."""
        spec = definition["spec"]
        for version in spec["versions"]:
            if version["served"]:
                self._wait_for_kind(f"{spec['group']}/{version['name']}", spec["names"]["kind"])

    def clear_conditions(self, wanted: Manifest) -> None:
        """Removes the conditions from the object's status, if there is such an object."""
        if self._metadata(wanted):
            merge_patch = {"Content-Type": "application/merge-patch+json"}
            path = f"{self._path(wanted)}/status"
            self._request("PATCH", path, headers=merge_patch, json={"status": {"conditions": None}})

    def _metadata(self, wanted: Manifest) -> dict[str, Any]:
        metadata: dict[str, Any] = self._request("GET", self._path(wanted), headers=_METADATA_ONLY).get("metadata", {})
        return metadata

    def _wait_until_deleted(self, wanted: Manifest) -> None:
        _wait(lambda: not self._metadata(wanted), f"{self._path(wanted)} is still being deleted")

    def _wait_for_kind(self, api_version: str, kind: str) -> None:
        _wait(lambda: self._resource(api_version, kind), f"The local API server serves no {kind} of {api_version}")

    def _apply(self, wanted: Manifest, revision: str) -> None:
        self._wait_for_kind(wanted["apiVersion"], wanted["kind"])
        metadata = wanted["metadata"]
        annotations = metadata.get("annotations", {}) | {_REVISION: revision}
        self._request(
            "PATCH",
            f"{self._path(wanted)}?fieldManager={FIELD_MANAGER}&force=true&fieldValidation=Strict",
            headers={"Content-Type": "application/apply-patch+yaml"},
            json={**wanted, "metadata": {**metadata, "annotations": annotations}},
            retries=_WHILE_NEW,
        )

    def _path(self, wanted: Manifest) -> str:
        """Returns the object's URL path; one at which nothing is if the server doesn't know its kind."""
        metadata = wanted["metadata"]
        resource = self._resource(wanted["apiVersion"], wanted["kind"]) or {"name": wanted["kind"], "namespaced": False}
        scope = f"/namespaces/{metadata.get('namespace') or 'default'}" if resource["namespaced"] else ""
        return f"{_root(wanted['apiVersion'])}{scope}/{resource['name']}/{metadata['name']}"

    def _resource(self, api_version: str, kind: str) -> dict[str, Any] | None:
        """Returns what the server says about a kind, if it knows it."""
        if (api_version, kind) not in self._resources:
            resources = self._request("GET", _root(api_version)).get("resources", [])
            self._resources |= {(api_version, each["kind"]): each for each in resources if "/" not in each["name"]}
        return self._resources.get((api_version, kind))

    def _request(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Returns the server's answer; an empty dict if there is nothing to get."""
        try:
            response = self._pool.request(method, self._host + path, **options)
        except urllib3.exceptions.HTTPError as error:
            raise LocalError(f"The local API server did not answer {method} {path}: {error}") from None
        if method == "GET" and response.status == HTTPStatus.NOT_FOUND:
            return {}
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise LocalError(f"The local API server refused {path}: {response.data.decode(errors='replace')}")
        answer: dict[str, Any] = response.json()
        return answer


def _wait(happened: Callable[[], object], problem: str, timeout: float = 60) -> None:
    if not wait_until(happened, timeout):
        raise LocalError(f"{problem} after {timeout:.0f} seconds. Wait, and run the command again.")


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def namespace_objects(names: Iterable[str]) -> list[Manifest]:
    """Returns namespaces of these names."""
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
