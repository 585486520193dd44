"""Says what has to be known of a gateway API for the component to support it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import gateway_api
from ..args import Endpoints
from ..settings import TLS, Settings
from .gateway_errors import SHARED_ERRORS, GatewayError

Spec = dict[str, Any]
Object = Mapping[str, Any]

SECRET_KEY = "Authorization"  # noqa: S105 (the name of an entry)
"""Entry of a Secret in which the gateways look for the API key; in another they find none."""

EACH = "*"
"""Stands in the path of an argument for every item of a list or map."""


@dataclass(frozen=True)
class Limitation:
    """Something that the gateways of an API can't do, so that asking for it is an error.

    Attributes:
        argument: Path of the argument, in which `EACH` may stand.
        reason: Why it can't be had, and what to do instead.
        applies_to: Tells for which values; by default for all.
    """

    argument: tuple[str, ...]
    reason: str
    applies_to: Callable[[Any], bool] = lambda _: True


class BackendDefinition(ABC):
    """Everything that is known of one gateway API.

    Attributes:
        group: API group of its backend, by which routes and policies refer to it.
        version: Version of that group.
        kind: Kind of the custom resource that stands for a provider.
        has_tls_policy: Whether TLS to the provider takes a BackendTLSPolicy; otherwise the backend has it in its spec.
        limitations: What its gateways can't do.
        rewrites_host: Whether the proxy gives the provider its own name in the Host header without a route filter.
        without_key: What a request meets while the Secret has no key.
        other_endpoints: How to let clients reach more than chat completions.
        large_requests: How to let requests and responses through that are larger than the proxy's buffer.
        policy_kind: Kind of the custom resource, of the same group and version, that is the route's policy.
        policy_arguments: Arguments for which the route needs its policy; `endpoints` stands for `endpoints: all`.
        default_endpoints: What clients reach through the route, unless the arguments say otherwise.
        errors: What the proxy's own errors are about, by how their text begins, in lower case. The first match counts.
    """

    group: ClassVar[str]
    version: ClassVar[str]
    kind: ClassVar[str]
    has_tls_policy: ClassVar[bool]
    limitations: ClassVar[Sequence[Limitation]]
    rewrites_host: ClassVar[bool]
    without_key: ClassVar[str]
    other_endpoints: ClassVar[str]
    large_requests: ClassVar[str]
    policy_kind: ClassVar[str]
    policy_arguments: ClassVar[frozenset[str]]
    default_endpoints: ClassVar[Endpoints]
    errors: ClassVar[Mapping[str, GatewayError]] = SHARED_ERRORS

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"

    def reference(self, settings: Settings) -> dict[str, str]:
        """Returns how routes and policies refer to the backend."""
        return {"name": settings.names.backend, "group": self.group, "kind": self.kind}

    def route_spec(self, settings: Settings) -> Spec:
        """Builds the HTTPRoute's spec."""
        rules = [{**rule, **gateway_api.timeouts(settings)} for rule in self.route_rules(settings)]
        return gateway_api.route_spec(settings, self.reference(settings), rules)

    def policy_spec(self, settings: Settings) -> Spec:
        """Builds the spec of the route's policy."""
        return {"targetRefs": [gateway_api.route_reference(settings)], **self.policy(settings)}

    def tls_policy_spec(self, settings: Settings, tls: TLS) -> Spec:
        """Builds the BackendTLSPolicy's spec."""
        return gateway_api.tls_policy_spec(tls, self.reference(settings))

    @abstractmethod
    def spec(self, settings: Settings) -> Spec:
        """Builds the backend's spec, which goes to the API server verbatim."""

    @abstractmethod
    def policy(self, settings: Settings) -> Spec:
        """Builds what the route's policy asks of the gateway."""

    @abstractmethod
    def route_rules(self, settings: Settings) -> list[Spec]:
        """Builds the HTTPRoute's rules, but for where they lead."""

    @abstractmethod
    def read_endpoint(self, backend: Object) -> str:
        """Returns `host:port` of each provider in the order of use, as the backend in the cluster has it."""

    @abstractmethod
    def read_secret_names(self, backend: Object) -> list[str]:
        """Returns the names of the Secrets with the providers' keys, in the order of use."""

    @abstractmethod
    def reads_passthrough(self, backend: Object) -> bool:
        """Tells whether the provider gets the caller's own token."""

    def read_tls(self, backend: Object) -> Mapping[str, Object | None]:  # noqa: ARG002
        """Returns the TLS settings in the backend by `host:port` of each provider; None where a provider has none."""
        return {}
