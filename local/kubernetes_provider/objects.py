"""Objects on the API server, through the official client. Blocking; safe to call from several threads."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException
from kubernetes.config.kube_config import load_kube_config, load_kube_config_from_dict
from kubernetes.dynamic import DynamicClient, Resource
from kubernetes.dynamic.exceptions import DynamicApiError

from local.kubernetes_provider.refusals import KubeconfigError, NoMatchError, RefusedError, UnreachableError

Object = dict[str, Any]

_REQUEST_TIMEOUT_SECONDS = 60


class Objects:
    def __init__(self, kubeconfig: str) -> None:
        """`kubeconfig`: contents, or path (several with the separator that $KUBECONFIG takes)."""
        configuration = Configuration()
        try:
            if "\n" in kubeconfig or kubeconfig.lstrip().startswith("{"):
                load_kube_config_from_dict(yaml.safe_load(kubeconfig), client_configuration=configuration)  # type: ignore[no-untyped-call]
            else:
                path = str(Path(kubeconfig).expanduser())
                load_kube_config(path, client_configuration=configuration, persist_config=False)  # type: ignore[no-untyped-call]
        except (ConfigException, yaml.YAMLError, OSError, TypeError, ValueError, KeyError) as error:
            where = "its contents" if "\n" in kubeconfig else kubeconfig
            raise KubeconfigError(f"failed to read the kubeconfig ({where}): {type(error).__name__}") from error
        configuration.retries = False
        configuration.connection_pool_maxsize = 32
        self._client = DynamicClient(  # type: ignore[no-untyped-call]
            ApiClient(configuration), discoverer=lambda _client, _cache_file: None
        )
        self._known: dict[tuple[str, str], Resource] = {}
        self._discovering = threading.Lock()

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Object:
        resource = self._resource(api_version, kind)
        return _answer(lambda options: resource.get(name=name, namespace=namespace or "default", **options))

    def apply(self, obj: Object, field_manager: str, *, force: bool, dry_run: bool) -> Object:
        resource = self._resource(obj["apiVersion"], obj["kind"])
        options = {"field_manager": field_manager, "force_conflicts": force, "dry_run": "All" if dry_run else None}
        namespace = obj["metadata"].get("namespace", "default")
        return _answer(lambda more: resource.server_side_apply(body=obj, namespace=namespace, **options, **more))

    def delete(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        resource = self._resource(api_version, kind)
        options = {"name": name, "namespace": namespace or "default", "propagation_policy": "Foreground"}
        _answer(lambda more: resource.delete(**options, **more))

    def _resource(self, api_version: str, kind: str) -> Resource:
        """Kinds stay known; an unknown one is asked for anew each time, as its definition may have come since."""
        with self._discovering:
            if (api_version, kind) not in self._known:
                self._known.update(self._discover(api_version))
            try:
                return self._known[api_version, kind]
            except KeyError:
                raise NoMatchError(f'no matches for kind "{kind}" in version "{api_version}"') from None

    def _discover(self, api_version: str) -> dict[tuple[str, str], Resource]:
        group, _, version = api_version.rpartition("/")
        prefix = "apis" if group else "api"
        try:
            listed = _answer(lambda options: self._client.request("GET", f"/{prefix}/{api_version}", **options))
        except RefusedError as refused:
            if refused.not_found:
                return {}
            raise
        return {
            (api_version, entry["kind"]): Resource(  # type: ignore[no-untyped-call]
                prefix=prefix,
                group=group,
                api_version=version,
                kind=entry["kind"],
                name=entry["name"],
                namespaced=entry["namespaced"],
                client=self._client,
            )
            for entry in listed["resources"]
            if "/" not in entry["name"]
        }


def _answer(request: Callable[[dict[str, Any]], Any]) -> Object:
    try:
        answer = request({"serializer": lambda _client, answer: answer, "_request_timeout": _REQUEST_TIMEOUT_SECONDS})
    except DynamicApiError as error:
        try:
            status = json.loads(error.body or "{}")
        except (TypeError, ValueError):
            status = {}
        raise RefusedError({"code": error.status, "reason": error.reason} | status) from None
    except urllib3.exceptions.HTTPError as error:
        raise UnreachableError(f"configured Kubernetes cluster is unreachable: {error}") from None
    return answer  # type: ignore[no-any-return]
