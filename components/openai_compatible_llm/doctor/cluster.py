"""Reads the chain's objects from the kubeconfig's cluster."""

import base64
import binascii
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import kubernetes
import urllib3
import yaml

from .chain import (
    Chain,
    Look,
    NotLooked,
    Object,
    SecretLook,
    backend_of,
    is_for,
    key_in,
    parent_of,
    secret_name_of,
    takes,
)
from .redaction import quoted
from .targets import Target

CONNECT_SECONDS = 3
READ_SECONDS = 10

_GATEWAY_API = ("gateway.networking.k8s.io", "v1")
_BACKEND_VERSION = "v1alpha1"


class Cluster:
    """The cluster of a kubeconfig's context, which is read and never written to."""

    def __init__(self, context: str, client: Any) -> None:
        self.context = context
        self._client = client
        self._custom = kubernetes.client.CustomObjectsApi(client)
        self._core = kubernetes.client.CoreV1Api(client)

    @classmethod
    def of(cls, kubeconfig: str | None, context: str | None) -> "Cluster | NotLooked":
        """By the kubeconfig and the context that kubectl would take, unless others are named."""
        config: Any = kubernetes.config
        configuration = kubernetes.client.Configuration()
        configuration.retries = False
        try:
            config.load_kube_config(kubeconfig, context, configuration, persist_config=False)
            name = context or config.list_kube_config_contexts(kubeconfig)[1]["name"]
        except kubernetes.config.ConfigException as error:
            return NotLooked(f"the kubeconfig doesn't say where it is ({quoted(str(error)).rstrip('.')})")
        except (OSError, TypeError, KeyError, ValueError, yaml.YAMLError):
            return NotLooked("the kubeconfig can't be read")
        return cls(name, kubernetes.client.ApiClient(configuration))

    def close(self) -> None:
        self._client.close()

    def chain(self, target: Target) -> Chain | NotLooked:
        """What stands between the gateway and the provider."""
        try:
            return self._chain(target)
        except urllib3.exceptions.HTTPError:
            return NotLooked(f"the API server of the context {self.context} doesn't answer")

    def _chain(self, target: Target) -> Chain | NotLooked:
        route = self._route(target)
        if isinstance(route, NotLooked):
            return route
        if route.unread:
            return NotLooked(f"the {route.what} of the context {self.context} can't be read, {route.unread}")
        if route.found is None:
            return Chain(self.context, route)
        namespace = route.found["metadata"]["namespace"]
        parent = parent_of(route.found)
        gateway = self._custom_object("Gateway", *_GATEWAY_API, parent["namespace"], parent.get("name", ""))
        reference = backend_of(route.found)
        if reference is None or not reference.get("group"):
            return Chain(self.context, route, gateway)
        group, kind = reference["group"], reference["kind"]
        backend = self._custom_object(kind, group, _BACKEND_VERSION, namespace, reference["name"])
        name = secret_name_of(backend.found) if backend.found else None
        secret = self._secret(namespace, name) if name else None
        policies = self._policies(namespace, reference)
        authorities = self._authorities(namespace, policies or ())
        return Chain(self.context, route, gateway, backend, secret, policies, authorities)

    def _route(self, target: Target) -> Look | NotLooked:
        if target.route_name and target.namespace:
            return self._custom_object("HTTPRoute", *_GATEWAY_API, target.namespace, target.route_name)
        what = f"HTTPRoute with the path {target.path}"
        try:
            listed: Any = self._custom.list_cluster_custom_object(
                *_GATEWAY_API, "httproutes", _request_timeout=_TIMEOUT
            )
        except kubernetes.client.ApiException as error:
            return NotLooked(f"the {what} can't be looked for, {error.status} {error.reason}")
        routes = [each for each in listed["items"] if takes(each, target.path)]
        if len(routes) > 1:
            return NotLooked(f"there are {len(routes)} HTTPRoutes that take the path {target.path}")
        return Look(_named("HTTPRoute", routes[0]), routes[0]) if routes else Look(what, None)

    def _custom_object(self, kind: str, group: str, version: str, namespace: str, name: str) -> Look:
        plural = f"{kind.lower()}s"
        return _look(
            f"{kind} {namespace}/{name}",
            lambda: self._custom.get_namespaced_custom_object(
                group, version, namespace, plural, name, _request_timeout=_TIMEOUT
            ),
        )

    def _secret(self, namespace: str, name: str) -> SecretLook:
        look = _look(
            f"Secret {namespace}/{name}",
            lambda: {"data": self._core.read_namespaced_secret(name, namespace, _request_timeout=_TIMEOUT).data or {}},
        )
        if look.found is None:
            return SecretLook(look)
        data = {key: _decoded(value) for key, value in look.found["data"].items()}
        return SecretLook(Look(look.what, {}), tuple(sorted(data)), key_in(data))

    def _policies(self, namespace: str, backend: Object) -> tuple[Object, ...] | None:
        try:
            listed: Any = self._custom.list_namespaced_custom_object(
                *_GATEWAY_API, namespace, "backendtlspolicies", _request_timeout=_TIMEOUT
            )
        except kubernetes.client.ApiException:
            return None
        return tuple(each for each in listed["items"] if is_for(each, backend))

    def _authorities(self, namespace: str, policies: tuple[Object, ...]) -> Look | None:
        references = [
            each for policy in policies for each in policy["spec"]["validation"].get("caCertificateRefs") or []
        ]
        if not references:
            return None
        name = references[0]["name"]
        return _look(
            f"ConfigMap {namespace}/{name}",
            lambda: {
                "data": self._core.read_namespaced_config_map(name, namespace, _request_timeout=_TIMEOUT).data or {}
            },
        )


_TIMEOUT = (CONNECT_SECONDS, READ_SECONDS)


def _look(what: str, read: Callable[[], Any]) -> Look:
    try:
        return Look(what, read())
    except kubernetes.client.ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return Look(what, None)
        return Look(what, None, unread=f"{error.status} {error.reason}")


def _named(kind: str, found: Object) -> str:
    return f"{kind} {found['metadata']['namespace']}/{found['metadata']['name']}"


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except binascii.Error:
        return b""
