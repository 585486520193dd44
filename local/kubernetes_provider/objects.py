"""Objects on the API server, through the official client. Blocking; safe to call from several threads."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, kube_config
from kubernetes.dynamic import DynamicClient, Resource
from kubernetes.dynamic.exceptions import DynamicApiError

from local.kubernetes_provider.refusals import NoMatchError, ProviderError, RefusedError, UnreachableError
from local.kubernetes_provider.values import Object

_REQUEST_TIMEOUT_SECONDS = 60
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Objects:
    def __init__(self, kubeconfig: str) -> None:
        """`kubeconfig`: contents, or path (several with the separator that $KUBECONFIG takes)."""
        # No disk cache of what kinds there are: it would lie in the folder for temporary files that all users share.
        self._client: Any = DynamicClient(_api_client(kubeconfig), discoverer=lambda *_: None)  # type: ignore[no-untyped-call]
        self._known: dict[tuple[str, str], Resource] = {}
        self._discovering = threading.Lock()

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Object:
        resource = self._resource(api_version, kind)
        return _answer(resource.get, name=name, namespace=namespace or "default")

    def apply(self, obj: Object, field_manager: str, *, force: bool, dry_run: bool) -> Object:
        apply = self._resource(obj["apiVersion"], obj["kind"]).server_side_apply
        options = {"field_manager": field_manager, "force_conflicts": force, "dry_run": "All" if dry_run else None}
        return _answer(apply, body=obj, namespace=obj["metadata"].get("namespace", "default"), **options)

    def delete(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        """Fine where there is no such object."""
        try:
            delete = self._resource(api_version, kind).delete
            _answer(delete, name=name, namespace=namespace or "default", propagation_policy="Foreground")
        except NoMatchError:
            return
        except RefusedError as refused:
            if refused.code != 404:
                raise

    def _resource(self, api_version: str, kind: str) -> Any:
        """Kinds stay known; an unknown one is asked for anew each time, as its definition may have come since."""
        with self._discovering:
            if (api_version, kind) not in self._known:
                self._discover(api_version)
        if (api_version, kind) not in self._known:
            raise NoMatchError(f'no matches for kind "{kind}" in version "{api_version}"')
        return self._known[api_version, kind]

    def _discover(self, api_version: str) -> None:
        group, _, version = api_version.rpartition("/")
        common = {"prefix": "apis" if group else "api", "group": group, "api_version": version, "client": self._client}
        try:
            listed = _answer(self._client.request, method="GET", path=f"/{common['prefix']}/{api_version}")
        except RefusedError as refused:
            if refused.code == 404:
                return
            raise
        for entry in listed["resources"]:
            if "/" not in entry["name"]:
                fields = {key: entry[key] for key in ("kind", "name", "namespaced")}
                self._known[api_version, entry["kind"]] = Resource(**common, **fields)  # type: ignore[no-untyped-call]


def _api_client(kubeconfig: str) -> ApiClient:
    configuration: Any = Configuration()
    configuration.retries = False
    configuration.connection_pool_maxsize = 32
    inline = "\n" in kubeconfig or kubeconfig.lstrip().startswith("{")
    load: Any = kube_config.load_kube_config_from_dict if inline else kube_config.load_kube_config
    try:
        source = yaml.safe_load(kubeconfig) if inline else str(Path(kubeconfig).expanduser())
        load(source, client_configuration=configuration, persist_config=False)
    except (ConfigException, yaml.YAMLError, OSError, TypeError, ValueError, KeyError, AttributeError) as error:
        where = "in the provider's configuration" if inline else kubeconfig
        what = error if isinstance(error, ConfigException) else type(error).__name__
        raise ProviderError(f"failed to read the kubeconfig {where}: {what}") from None
    return ApiClient(configuration)


def _answer(request: Callable[..., Any], **options: Any) -> Object:
    """Without what can repeat a Secret's values where nobody looks for them."""
    try:
        answer: Object = request(serializer=lambda _, raw: raw, _request_timeout=_REQUEST_TIMEOUT_SECONDS, **options)
    except DynamicApiError as error:
        raise _refused(error) from None
    except urllib3.exceptions.HTTPError as error:
        raise UnreachableError(f"configured Kubernetes cluster is unreachable: {error}") from None
    answer.get("metadata", {}).pop("managedFields", None)
    answer.get("metadata", {}).get("annotations", {}).pop(_LAST_APPLIED, None)
    return answer


def _refused(error: DynamicApiError) -> RefusedError:
    try:
        status = json.loads(error.body or "{}")
    except ValueError:
        status = {}
    message = status.get("message") or error.reason or "no reason given"
    return RefusedError(message, error.status or 0, (status.get("details") or {}).get("kind", ""))
