"""Reads the objects of a request's path from the kubeconfig's cluster."""

import base64
import binascii
import warnings
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

import kubernetes
import urllib3
import yaml

from ..backends import READERS, BackendReader
from ..backends.base import Object
from ..objects import gateway_api
from .redaction import sanitize
from .request_path import (
    ClusterUnavailable,
    Lookup,
    RequestPath,
    SecretLookup,
    backend_ref,
    extract_key,
    matches_path,
    parent_ref,
    targets_backend,
)
from .targets import Target

CONNECT_SECONDS = 3
READ_SECONDS = 10

_GROUP, _VERSION = gateway_api.API_VERSION.split("/")
_GATEWAY, _ROUTE, _TLS_POLICY = ((_GROUP, _VERSION, each) for each in ("gateways", "httproutes", "backendtlspolicies"))
_TIMEOUT = (CONNECT_SECONDS, READ_SECONDS)


class Cluster:
    """Reads from the cluster of a kubeconfig's context, and never writes to it."""

    def __init__(self, context: str, client: Any) -> None:
        self.context = context
        self._client = client
        self._custom = kubernetes.client.CustomObjectsApi(client)
        self._core = kubernetes.client.CoreV1Api(client)

    @classmethod
    def connect(cls, kubeconfig: str | None, context: str | None) -> "Cluster | ClusterUnavailable":
        """Uses kubectl's kubeconfig and context unless others are named. The first lookup opens the connection."""
        config: Any = kubernetes.config
        configuration = kubernetes.client.Configuration()
        configuration.retries = False
        try:
            config.load_kube_config(kubeconfig, context, configuration, persist_config=False)
            name = context or config.list_kube_config_contexts(kubeconfig)[1]["name"]
        except kubernetes.config.ConfigException as error:
            return ClusterUnavailable(f"the kubeconfig names no cluster ({sanitize(str(error)).rstrip('.')})")
        except (OSError, TypeError, KeyError, ValueError, yaml.YAMLError):
            return ClusterUnavailable("the kubeconfig can't be read")
        return cls(name, kubernetes.client.ApiClient(configuration))

    def close(self) -> None:
        self._client.close()

    def look_up(self, target: Target) -> RequestPath | ClusterUnavailable:
        """Returns the objects between the gateway and the provider."""
        with warnings.catch_warnings():
            if not self._client.configuration.verify_ssl:
                # The kubeconfig says `insecure-skip-tls-verify`, and urllib3 would warn at every request.
                warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            try:
                return self._look_up(target)
            except urllib3.exceptions.HTTPError:
                return ClusterUnavailable(f"the API server of context {self.context} doesn't respond")

    def _look_up(self, target: Target) -> RequestPath | ClusterUnavailable:
        route = self._route(target)
        if isinstance(route, ClusterUnavailable):
            return route
        if route.error:
            return ClusterUnavailable(f"{route.name} of context {self.context} can't be read, {route.error}")
        if route.found is None:
            return RequestPath(self.context, route)
        namespace = route.found["metadata"]["namespace"]
        parent = parent_ref(route.found)
        gateway = self._custom_object(_GATEWAY, f"Gateway {parent['namespace']}/{parent.get('name', '')}")
        reference = backend_ref(route.found)
        api = _find_reader(reference) if reference else None
        if reference is None or api is None:
            return RequestPath(self.context, route, gateway)
        kind = (api.definition.group, api.definition.version, api.resources[api.definition.kind])
        backend = self._custom_object(kind, f"{api.definition.kind} {namespace}/{reference['name']}")
        providers = api.read_providers(backend.found) if backend.found else []
        names = dict.fromkeys(each.secret_name for each in providers if each.secret_name)
        secrets = tuple(self._secret(namespace, name) for name in names)
        policies = self._policies(namespace, reference) if api.definition.has_tls_policy else ()
        tls = [*(each["spec"]["validation"] for each in policies or ()), *(each.tls for each in providers)]
        authorities = self._authorities(namespace, tls)
        return RequestPath(self.context, route, gateway, api, backend, secrets, policies, authorities)

    def _route(self, target: Target) -> Lookup | ClusterUnavailable:
        if target.route_name and target.namespace:
            return self._custom_object(_ROUTE, f"HTTPRoute {target.namespace}/{target.route_name}")
        name = f"HTTPRoute with the path {target.path}"
        try:
            listed: Any = self._custom.list_cluster_custom_object(*_ROUTE, _request_timeout=_TIMEOUT)
        except kubernetes.client.ApiException as error:
            return ClusterUnavailable(f"looking for an {name} fails, {error.status} {error.reason}")
        routes = [each for each in listed["items"] if matches_path(each, target.path)]
        if len(routes) > 1:
            return ClusterUnavailable(f"there are {len(routes)} HTTPRoutes that match the path {target.path}")
        if not routes:
            return Lookup(name, None)
        metadata = routes[0]["metadata"]
        return Lookup(f"HTTPRoute {metadata['namespace']}/{metadata['name']}", routes[0])

    def _custom_object(self, resource: tuple[str, str, str], full_name: str) -> Lookup:
        group, version, plural = resource
        namespace, name = full_name.partition(" ")[2].split("/")
        return _look_up(
            full_name,
            lambda: self._custom.get_namespaced_custom_object(
                group, version, namespace, plural, name, _request_timeout=_TIMEOUT
            ),
        )

    def _secret(self, namespace: str, name: str) -> SecretLookup:
        lookup = _look_up(
            f"Secret {namespace}/{name}",
            lambda: {"data": self._core.read_namespaced_secret(name, namespace, _request_timeout=_TIMEOUT).data or {}},
        )
        if lookup.found is None:
            return SecretLookup(lookup)
        data = {key: _decode(value) for key, value in lookup.found["data"].items()}
        return SecretLookup(Lookup(lookup.name, {}), tuple(sorted(data)), extract_key(data))

    def _policies(self, namespace: str, backend: Object) -> tuple[Object, ...] | None:
        try:
            listed: Any = self._custom.list_namespaced_custom_object(
                _GROUP, _VERSION, namespace, _TLS_POLICY[2], _request_timeout=_TIMEOUT
            )
        except kubernetes.client.ApiException:
            return None
        return tuple(each for each in listed["items"] if targets_backend(each, backend))

    def _authorities(self, namespace: str, tls: Sequence[Object | None]) -> Lookup | None:
        references = [reference for each in tls if each for reference in each.get("caCertificateRefs") or []]
        if not references:
            return None
        name = references[0]["name"]
        return _look_up(
            f"ConfigMap {namespace}/{name}",
            lambda: {
                "data": self._core.read_namespaced_config_map(name, namespace, _request_timeout=_TIMEOUT).data or {}
            },
        )


def _find_reader(reference: Object) -> BackendReader | None:
    """Returns the reader of the backend that a route refers to; None where the component doesn't know its kind."""
    backend = (reference.get("group"), reference.get("kind"))
    return next((each for each in READERS.values() if (each.definition.group, each.definition.kind) == backend), None)


def _look_up(name: str, read: Callable[[], Any]) -> Lookup:
    try:
        return Lookup(name, read())
    except kubernetes.client.ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return Lookup(name, None)
        return Lookup(name, None, error=f"{error.status} {error.reason}")


def _decode(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except binascii.Error:
        return b""
