"""Reads the objects of a request's path from the kubeconfig's cluster."""

import base64
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import kubernetes
import urllib3
import yaml

from ..args import BackendApi
from ..backends import READERS, SECRET_KEY, BackendReader
from ..backends.base import Object
from ..backends.model_routing import MODELS_RULE, UNKNOWN_RULE
from ..client_url import matches_hostname
from ..objects import gateway_api
from .access import Access, RateLimitService, policies_for
from .clients import read_clients
from .model_routing import find_routes, rules_for_model
from .outcome import Endpoint
from .redaction import sanitize
from .request_path import (
    ClientsLookup,
    Lookup,
    RequestPath,
    SecretLookup,
    backend_ref,
    gateway_of,
    parent_ref,
    route_rules,
    targets_backend,
)
from .targets import Target

CONNECT_SECONDS = 3
READ_SECONDS = 10

_TIMEOUT: Any = {"_request_timeout": (CONNECT_SECONDS, READ_SECONDS)}

_GATEWAY_API = gateway_api.API_VERSION.split("/")
_GATEWAYS = (*_GATEWAY_API, "gateways")
_ROUTES = (*_GATEWAY_API, "httproutes")
_TLS_POLICIES = (*_GATEWAY_API, "backendtlspolicies")


class ClusterUnavailableError(Exception):
    """Says why nothing can be looked up in the cluster."""


class Cluster:
    """Reads from the cluster of a kubeconfig's context, and never writes to it. The first lookup connects to it."""

    def __init__(self, kubeconfig: str | None, context: str | None) -> None:
        """Uses kubectl's kubeconfig and context unless others are named."""
        self._kubeconfig, self._context = kubeconfig, context
        self._client: Any = None

    def close(self) -> None:
        if self._client:
            self._client.close()

    def look_up(self, target: Target, endpoint: Endpoint) -> RequestPath:
        """Returns the objects between the gateway and the provider, or why they can't be looked up."""
        try:
            if not self._client:
                self._connect()
            with warnings.catch_warnings():
                if not self._client.configuration.verify_ssl:
                    # The kubeconfig says `insecure-skip-tls-verify`, and urllib3 would warn at every request.
                    warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
                return self._look_up(target, endpoint)
        except urllib3.exceptions.HTTPError:
            return RequestPath(unavailable=f"the API server of context {self._context} doesn't respond")
        except ClusterUnavailableError as error:
            return RequestPath(unavailable=str(error))

    def _connect(self) -> None:
        config: Any = kubernetes.config
        configuration = kubernetes.client.Configuration()
        configuration.retries = False
        try:
            config.load_kube_config(self._kubeconfig, self._context, configuration, persist_config=False)
            self._context = self._context or config.list_kube_config_contexts(self._kubeconfig)[1]["name"]
        except kubernetes.config.ConfigException as error:
            raise ClusterUnavailableError(
                f"the kubeconfig names no cluster ({sanitize(str(error)).rstrip('.')})"
            ) from None
        except (OSError, TypeError, KeyError, ValueError, yaml.YAMLError):
            raise ClusterUnavailableError("the kubeconfig can't be read") from None
        self._client = kubernetes.client.ApiClient(configuration)
        self._custom: Any = kubernetes.client.CustomObjectsApi(self._client)
        self._core: Any = kubernetes.client.CoreV1Api(self._client)

    def _look_up(self, target: Target, endpoint: Endpoint) -> RequestPath:
        context = self._context or ""
        shared_route, route = self._routes(target)
        first = shared_route or route
        if first.error and not route.found:
            raise ClusterUnavailableError(f"{first.name} of context {context} can't be read, {first.error}")
        attached = first.found or route.found
        if not attached:
            return RequestPath(context, route, shared_route=shared_route)
        parent = parent_ref(attached)
        gateway = self._custom_object("Gateway", _GATEWAYS, parent["namespace"], parent.get("name", ""))
        gateway_policies = self._agentgateway_policies(parent["namespace"]) if shared_route else ()
        path = RequestPath(context, route, gateway, shared_route=shared_route, gateway_policies=gateway_policies)
        rules = rules_for_model(route.found, target.path, target.model) if shared_route else route_rules(route.found)
        reference = backend_ref(rules)
        api = _find_reader(reference)
        if shared_route and endpoint is Endpoint.MODELS:
            path = self._with_access(path, target, shared_route, MODELS_RULE)
        elif shared_route and not rules:
            path = self._with_access(path, target, Lookup() if route.error else shared_route, UNKNOWN_RULE)
        elif api is READERS[BackendApi.AGENTGATEWAY]:
            path = self._with_access(path, target, route)
        if api is None:
            return path
        namespace, kind = route.found["metadata"]["namespace"], api.definition.kind
        resource = (api.definition.group, api.definition.version, api.resources[kind])
        backend = self._custom_object(kind, resource, namespace, reference["name"])
        policies = self._policies(namespace, reference) if api.definition.has_tls_policy else ()
        providers = tuple(api.read_providers(backend.found) if backend.found else ())
        names = dict.fromkeys(each.secret_name for each in providers if each.secret_name)
        secrets = tuple(self._secret(namespace, name) for name in names)
        tls = [*(each["spec"]["validation"] for each in policies or ()), *(each.tls or {} for each in providers)]
        authorities = self._authorities(namespace, tls)
        return replace(
            path,
            api=api,
            backend=backend,
            providers=providers,
            secrets=secrets,
            policies=policies,
            authorities=authorities,
        )

    def _with_access(self, path: RequestPath, target: Target, route: Lookup, rule: str | None = None) -> RequestPath:
        """Adds what the policies for this rule of the route ask of clients, and the objects that they name."""
        if not route.found:
            return path
        namespace = route.found["metadata"]["namespace"]
        gateway_namespace = parent_ref(path.first_route.found or path.route.found)["namespace"]
        is_read = path.shared_route is not None and namespace == gateway_namespace
        policies = path.gateway_policies if is_read else self._agentgateway_policies(namespace)
        path = replace(path, responding_route=route, responding_rule=rule)
        if policies is None:
            return replace(path, access_policies=None)
        of_gateway: tuple[Object, ...] | None = ()
        if namespace != gateway_namespace:
            of_gateway = path.gateway_policies if path.shared_route else self._agentgateway_policies(gateway_namespace)
        path = replace(path, agentgateway_policies=(*policies, *(of_gateway or ())))
        policies = policies_for(policies, route.found, rule)
        access = Access(policies)
        service = access.service
        return replace(
            path,
            access_policies=policies,
            clients=self._clients(namespace, access.secret_name) if access.secret_name else ClientsLookup(),
            rate_limit_service=self._rate_limit_service(service) if service else Lookup(),
            rate_limits=self._config_map(*target.rate_limits) if service and target.rate_limits else Lookup(),
        )

    def _clients(self, namespace: str, name: str) -> ClientsLookup:
        """Keeps who has a key in the Secret, and none of its values."""
        lookup = self._read(f"Secret {namespace}/{name}", self._core.read_namespaced_secret, name, namespace)
        clients, unread = read_clients(lookup.found.get("data") or {})
        return ClientsLookup(lookup.name, {}, lookup.is_missing, lookup.error, clients, unread)

    def _rate_limit_service(self, service: RateLimitService) -> Lookup:
        reader = READERS[BackendApi.AGENTGATEWAY]
        definition = reader.definition
        if service.kind != definition.kind:
            return Lookup()
        resource = (definition.group, definition.version, reader.resources[definition.kind])
        return self._custom_object(service.kind, resource, service.namespace, service.backend)

    def _routes(self, target: Target) -> tuple[Lookup | None, Lookup]:
        """Returns the HTTPRoute of a shared URL itself, or None at a provider's own, and the provider's HTTPRoute."""
        has_names = bool(target.route_name and target.namespace)
        own = self._route(target.namespace, target.route_name) if has_names else Lookup()
        shared = target.shared
        if shared and shared.namespace and shared.route_name:
            shared_route = self._route(shared.namespace, shared.route_name)
            return shared_route, own if has_names else self._route_of_model(target, shared_route)
        return (None, own) if has_names else self._routes_of_path(target)

    def _routes_of_path(self, target: Target) -> tuple[Lookup | None, Lookup]:
        name = f"HTTPRoute with the path {target.path}"
        try:
            routes, of_models = find_routes(self._all_routes(), target.path)
        except kubernetes.client.ApiException as error:
            raise ClusterUnavailableError(f"looking for an {name} fails, {error.status} {error.reason}") from None
        if len(routes) > 1:
            raise ClusterUnavailableError(f"there are {len(routes)} HTTPRoutes that match the path {target.path}")
        found = _found(routes[0]) if routes else Lookup(name, is_missing=True)
        is_shared = of_models or any(rule.get("name") == UNKNOWN_RULE for rule in route_rules(found.found))
        return (found, _choose_route(of_models, target, found)) if is_shared else (None, found)

    def _route_of_model(self, target: Target, shared_route: Lookup) -> Lookup:
        if target.model is None:
            return Lookup()
        try:
            _, of_models = find_routes(self._all_routes(), target.path)
        except kubernetes.client.ApiException as error:
            return Lookup(_route_name(target), error=f"{error.status} {error.reason}")
        return _choose_route(of_models, target, shared_route)

    def _all_routes(self) -> list[Object]:
        listed: Any = self._custom.list_cluster_custom_object(*_ROUTES, **_TIMEOUT)
        return list(listed["items"])

    def _route(self, namespace: str | None, name: str | None) -> Lookup:
        return self._custom_object("HTTPRoute", _ROUTES, namespace or "", name or "")

    def _custom_object(self, kind: str, resource: tuple[str, ...], namespace: str, name: str) -> Lookup:
        group, version, plural = resource
        read = self._custom.get_namespaced_custom_object
        return self._read(f"{kind} {namespace}/{name}", read, group, version, namespace, plural, name)

    def _secret(self, namespace: str, name: str) -> SecretLookup:
        """Keeps the names of the Secret's entries and the key, and none of its other values."""
        lookup = self._read(f"Secret {namespace}/{name}", self._core.read_namespaced_secret, name, namespace)
        data = lookup.found.get("data", {})
        key = _extract_key(data.get(SECRET_KEY, ""))
        return SecretLookup(lookup.name, {}, lookup.is_missing, lookup.error, tuple(sorted(data)), key)

    def _policies(self, namespace: str, backend: Object) -> tuple[Object, ...] | None:
        group, version, plural = _TLS_POLICIES
        read = self._custom.list_namespaced_custom_object
        listed = self._read(plural, read, group, version, namespace, plural).found.get("items")
        return None if listed is None else tuple(each for each in listed if targets_backend(each, backend))

    def _agentgateway_policies(self, namespace: str) -> tuple[Object, ...] | None:
        reader = READERS[BackendApi.AGENTGATEWAY]
        definition, plural = reader.definition, reader.resources[reader.definition.policy_kind]
        read = self._custom.list_namespaced_custom_object
        listed = self._read(plural, read, definition.group, definition.version, namespace, plural).found.get("items")
        return None if listed is None else tuple(listed)

    def _authorities(self, namespace: str, tls: Iterable[Object]) -> Lookup:
        names = [reference["name"] for each in tls for reference in each.get("caCertificateRefs") or []]
        return self._config_map(namespace, names[0]) if names else Lookup()

    def _config_map(self, namespace: str, name: str) -> Lookup:
        return self._read(f"ConfigMap {namespace}/{name}", self._core.read_namespaced_config_map, name, namespace)

    def _read(self, name: str, read: Callable[..., Any], *arguments: str) -> Lookup:
        try:
            return Lookup(name, self._client.sanitize_for_serialization(read(*arguments, **_TIMEOUT)))
        except kubernetes.client.ApiException as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return Lookup(name, is_missing=True)
            return Lookup(name, error=f"{error.status} {error.reason}")


def _found(route: Object) -> Lookup:
    return Lookup(f"HTTPRoute {route['metadata']['namespace']}/{route['metadata']['name']}", route)


def _route_name(target: Target) -> str:
    return f"HTTPRoute with the model {target.model} at {target.path}"


def _choose_route(routes: Iterable[Object], target: Target, shared_route: Lookup) -> Lookup:
    """Returns the one of the routes that takes the target's model, at the shared route's Gateway and the URL's host."""
    name = _route_name(target)
    taking = [each for each in routes if rules_for_model(each, target.path, target.model)]
    if shared_route.found:
        taking = [each for each in taking if gateway_of(each) == gateway_of(shared_route.found)]
    host = target.url.hostname or ""
    of_host = [each for each in taking if matches_hostname(each["spec"].get("hostnames") or [], host)]
    chosen = of_host or taking
    if len(chosen) > 1:
        return Lookup(name, error=f"there are {len(chosen)}")
    return _found(chosen[0]) if chosen else Lookup(name, is_missing=True)


def _find_reader(reference: Object) -> BackendReader | None:
    """Returns the reader of the backend that a route refers to; None where the component doesn't know its kind."""
    backend = (reference.get("group"), reference.get("kind"))
    return next((each for each in READERS.values() if (each.definition.group, each.definition.kind) == backend), None)


def _extract_key(value: str) -> str:
    """Returns the key that the gateway takes from a Secret's entry.

    Source: `GetSecretDataAuth` of agentgateway's controller.
    """
    try:
        key = base64.b64decode(value).decode().strip()
    except ValueError:
        return ""
    return re.sub(r"^Bearer(?:\s+|$)", "", key)
