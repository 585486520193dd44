"""Makes the objects of one provider, and breaks them."""

import copy
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import BACKENDS
from components.openai_compatible_llm.inputs import parse
from tests.support.cluster import KINDS, Cluster

PROVIDER = "mistral"
API_KEY = "sk-canary-doctor-77d3"
ROUTE, POLICY, GATEWAY, SECRET = "HTTPRoute", "BackendTLSPolicy", "Gateway", "Secret"

Object = dict[str, Any]

_JSON_PATCH = "application/json-patch+json"


class ProviderObjects:
    """Has the HTTPRoute, backend, TLS policy and Secret that the component makes, without a policy of the route's.

    Attributes:
        path: The route's, which no other test uses.
        backend: Kind of the backend, which each API has its own of.
    """

    def __init__(self, cluster: Cluster, namespace: str, api: BackendApi, arguments: Mapping[str, Any]) -> None:
        self.cluster, self.namespace = cluster, namespace
        self._api = BACKENDS[api]
        self.backend = self._api.kind
        self.path = arguments.get("route_path", f"/{namespace}")
        defaults = {"preset": "mistral", "api_key": API_KEY, "route_path": self.path}
        given = {**defaults, "namespace": namespace, "api": api.value, **arguments}
        settings: Any = parse(PROVIDER, given).settings
        assert settings.provider.tls
        self._settings = settings
        self.names = {
            GATEWAY: settings.gateway.name,
            ROUTE: settings.names.route,
            POLICY: settings.names.tls_policy,
            SECRET: settings.names.secret,
            self.backend: settings.names.backend,
        }

    def create_all(self) -> None:
        """Creates the objects in the component's order."""
        if self._settings.provider.secret_name:
            self.write_secret({"Authorization": API_KEY})
        self.create(self.backend, self._api.spec(self._settings))
        if self._api.has_tls_policy:
            self.create(POLICY, self._api.tls_policy_spec(self._settings))
        self.create(ROUTE, self._api.route_spec(self._settings))

    def create(self, kind: str, spec: Object) -> None:
        group, version, _ = KINDS[kind]
        metadata = {"name": self.names[kind], "namespace": self.namespace}
        self.cluster.create({"apiVersion": f"{group}/{version}", "kind": kind, "metadata": metadata, "spec": spec})

    def write_secret(self, values: Mapping[str, str]) -> None:
        metadata = {"name": self.names[SECRET], "namespace": self.namespace}
        self.cluster.create({"kind": SECRET, "metadata": metadata, "stringData": dict(values)})

    def replace_secret(self, values: Mapping[str, str]) -> None:
        self.delete(SECRET)
        self.write_secret(values)

    def delete(self, kind: str) -> None:
        self.cluster.delete(kind, self.names[kind], self.namespace)

    def change(self, kind: str, change: Callable[[Object], object]) -> None:
        """Changes the spec in place, whatever a controller writes into the status meanwhile."""
        group, version, plural = KINDS[kind]
        at = (group, version, self.namespace, plural, self.names[kind])
        found: Any = self.cluster.custom.get_namespaced_custom_object(*at)
        spec = copy.deepcopy(found["spec"])
        change(spec)
        written = [{"op": "replace", "path": "/spec", "value": spec}]
        self.cluster.custom.patch_namespaced_custom_object(*at, written, _content_type=_JSON_PATCH)


class AcceptedObjects(ProviderObjects):
    """Has a Gateway of its own as well, and the statuses that controllers write: none runs where these are used."""

    def create_all(self) -> None:
        self.create(GATEWAY, {"gatewayClassName": "agentgateway", "listeners": [self.listener()]})
        super().create_all()
        self.accept()

    @staticmethod
    def listener(**more: str) -> Object:
        return {"name": "http", "protocol": "HTTP", "port": 8080, **more}

    def write_status(self, kind: str, status: Object) -> None:
        group, version, plural = KINDS[kind]
        at = (group, version, self.namespace, plural, self.names[kind])
        written = [{"op": "add", "path": "/status", "value": status}]
        self.cluster.custom.patch_namespaced_custom_object_status(*at, written, _content_type=_JSON_PATCH)

    def accept(self) -> None:
        self.write_status(self.backend, {"conditions": [condition("Accepted")]})
        self.write_status(ROUTE, self.route_status(condition("Accepted"), condition("ResolvedRefs")))
        if self._api.has_tls_policy:
            self.write_status(POLICY, self.policy_status(condition("Accepted", reason="Valid"), condition("Attached")))

    def route_status(self, *conditions: Object, gateway: str | None = None) -> Object:
        parent = {"name": gateway or self.names[GATEWAY], "namespace": self.namespace}
        return {"parents": [{"parentRef": parent, **_BY, "conditions": list(conditions)}]}

    def policy_status(self, *conditions: Object) -> Object:
        """Makes a status as kgateway's controller does: its ancestor is the backend."""
        ancestor = {"group": self._api.group, "kind": self.backend, "name": self.names[self.backend]}
        return {"ancestors": [{"ancestorRef": ancestor, **_BY, "conditions": list(conditions)}]}

    def refuse_backend(self, message: str) -> None:
        refused = condition("Accepted", "False", "TranslationError", f"failed to translate backend: {message}")
        self.write_status(self.backend, {"conditions": [refused]})


_BY = {"controllerName": "example.com/gateway"}


def condition(kind: str, status: str = "True", reason: str = "Fine", message: str = "") -> Object:
    at = "2026-01-01T00:00:00Z"
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at}


@contextmanager
def deployed(cluster: Cluster, api: BackendApi, **arguments: Any) -> Iterator[AcceptedObjects]:
    """Creates the objects in a namespace of their own, so that no test sees another's."""
    with cluster.new_namespace(f"doctor-{uuid.uuid4().hex[:8]}") as namespace:
        objects = AcceptedObjects(cluster, namespace, api, arguments)
        objects.create_all()
        yield objects
