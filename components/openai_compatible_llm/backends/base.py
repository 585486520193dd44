"""Defines what a gateway API needs: what the component builds from it, and what `make chat` reads of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from ..args import Endpoints
from ..objects import gateway_api
from ..settings import TLS, Settings

Spec = gateway_api.Spec
Object = Mapping[str, Any]

SECRET_KEY = "Authorization"  # noqa: S105 (the name of an entry)
"""Entry of a Secret in which the gateways look for the API key; in another they find none."""

ROUTE_ARGUMENTS = (
    frozenset({"api", "namespace", "route_path", "hostnames", "request_timeout_seconds", "labels", "annotations"})
    | {"gateway.name", "gateway.namespace", "gateway.section_name", "gateway.url"}
    | {"wait_for_ready", "ready_timeout_seconds"}
)
"""Arguments that every API supports, as they are about an HTTPRoute or about all objects."""


@dataclass(frozen=True)
class Limitation:
    """Refuses some values of an argument that is supported otherwise, such as `auth_header.prefix`.

    The reason says why they can't be had, and what to do instead.
    """

    argument: str
    reason: str
    applies_to: Callable[[Any], bool]


class BackendDefinition(ABC):
    """Builds the objects of one gateway API.

    Attributes:
        kind: Kind of the custom resource that stands for a provider.
        has_tls_policy: Whether TLS to the provider takes a BackendTLSPolicy; otherwise the backend has it in its spec.
        supported: Paths of the arguments that its gateways support, without indices. Any other is refused.
        unsupported: Why an argument is not supported and what to do instead, by its path, where more can be said than
            that it isn't.
        limitations: Values that its gateways don't support.
        policy_kind: Kind of the custom resource, of the same group and version, that is the route's policy.
        policy_arguments: Those of the supported arguments that the route's policy is made from. One that isn't resolved
            yet may ask for it.
        empty_policy: What a policy asks if such arguments turn out to ask for nothing.
        default_endpoints: What clients reach through the route, unless the arguments say otherwise.
    """

    group: ClassVar[str]
    version: ClassVar[str]
    kind: ClassVar[str]
    has_tls_policy: ClassVar[bool]
    supported: ClassVar[frozenset[str]]
    unsupported: ClassVar[Mapping[str, str]] = {}
    limitations: ClassVar[Sequence[Limitation]]
    policy_kind: ClassVar[str]
    policy_arguments: ClassVar[frozenset[str]]
    empty_policy: ClassVar[Spec] = {}
    default_endpoints: ClassVar[Endpoints]

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"

    def reference(self, settings: Settings) -> dict[str, str]:
        """Returns how routes and policies refer to the backend."""
        return {"name": settings.names.backend, "group": self.group, "kind": self.kind}

    def route_spec(self, settings: Settings) -> Spec:
        """Builds the HTTPRoute's spec."""
        timeouts = gateway_api.timeouts(settings.request_timeout_seconds, is_retried=settings.retries is not None)
        backend_refs = [{**self.reference(settings), "namespace": settings.namespace}]
        rules = [{**rule, **timeouts, "backendRefs": backend_refs} for rule in self.route_rules(settings)]
        return gateway_api.route_spec(settings.gateway.parent_ref, settings.hostnames, rules)

    def policy_spec(self, settings: Settings) -> Spec:
        """Builds the spec of the route's policy."""
        route = {"group": gateway_api.GROUP, "kind": "HTTPRoute", "name": settings.names.route}
        return {"targetRefs": [route], **(self.policy(settings) or self.empty_policy)}

    def tls_policy_spec(self, settings: Settings) -> Spec:
        """Builds the BackendTLSPolicy's spec, for a provider with TLS."""
        tls = cast("TLS", settings.provider.tls)
        return gateway_api.tls_policy_spec(self.reference(settings), tls.hostname, tls.ca_certificate_configmap)

    @abstractmethod
    def spec(self, settings: Settings) -> Spec:
        """Builds the backend's spec, which goes to the API server verbatim."""

    @abstractmethod
    def policy(self, settings: Settings) -> Spec:
        """Builds what the route's policy asks of the gateway; empty where the route needs none."""

    @abstractmethod
    def route_rules(self, settings: Settings) -> list[Spec]:
        """Builds the HTTPRoute's rules, but for where they lead."""


@dataclass(frozen=True)
class DeployedProvider:
    """A provider as a backend in the cluster has it.

    Attributes:
        host: Its host name; None where the backend names none.
        port: Its port; None where the backend names none.
        secret_name: Name of the Secret with its key; None where the backend names none.
        gets_callers_token: Whether it gets the caller's own token.
        tls: TLS settings in the backend; None where it has none.
    """

    host: str | None
    port: int | None
    secret_name: str | None
    gets_callers_token: bool
    tls: Object | None = None

    @property
    def endpoint(self) -> str:
        """Returns `host:port`."""
        return f"{self.host or '?'}:{self.port or '?'}"


class BackendReader(ABC):
    """Reads the objects of one gateway API in a cluster, and says how its gateways behave.

    Attributes:
        definition: What the component builds.
        resources: Names of the kinds' resources at the API server.
        rewrites_host: Whether the proxy gives the provider its own name in the Host header without a route filter.
        without_key: What a request meets while the Secret has no key.
        other_endpoints: How to let clients reach more than chat completions.
        large_requests: How to let requests and responses through that are larger than the proxy's buffer.
    """

    definition: ClassVar[BackendDefinition]
    resources: ClassVar[Mapping[str, str]]
    rewrites_host: ClassVar[bool]
    without_key: ClassVar[str]
    other_endpoints: ClassVar[str]
    large_requests: ClassVar[str]

    @abstractmethod
    def read_providers(self, backend: Object) -> list[DeployedProvider]:
        """Returns the backend's providers in the order in which they are used."""
