"""Says what has to be known of a gateway API for the component to support it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import gateway_api
from ..settings import TLS, Settings

Spec = dict[str, Any]


@dataclass(frozen=True)
class Limitation:
    """Something that the gateways of an API can't do, so that asking for it is an error.

    Attributes:
        argument: Path of the argument.
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
        tls_policy_suffix: Ending of the BackendTLSPolicy's name. Each API has its own, so that during a change of `api`
            the old backend keeps its policy until no route leads to it.
        tls_policy_ready: What `wait_for_ready` waits for on the BackendTLSPolicy; None where the controller accepts
            the policy only after a route leads to the backend, so that waiting before the route would never end.
        limitations: What its gateways can't do.
    """

    group: ClassVar[str]
    version: ClassVar[str]
    kind: ClassVar[str]
    tls_policy_suffix: ClassVar[str]
    tls_policy_ready: ClassVar[str | None]
    limitations: ClassVar[Sequence[Limitation]]

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"

    def reference(self, settings: Settings) -> dict[str, str]:
        """Returns how routes and policies refer to the backend."""
        return {"name": settings.names.backend, "group": self.group, "kind": self.kind}

    def route_spec(self, settings: Settings) -> Spec:
        """Builds the HTTPRoute's spec."""
        return gateway_api.route_spec(settings, self.reference(settings), self.route_filters(settings))

    def tls_policy_spec(self, settings: Settings, tls: TLS) -> Spec:
        """Builds the BackendTLSPolicy's spec."""
        return gateway_api.tls_policy_spec(tls, self.reference(settings))

    @abstractmethod
    def spec(self, settings: Settings) -> Spec:
        """Builds the backend's spec, which goes to the API server verbatim."""

    @abstractmethod
    def route_filters(self, settings: Settings) -> list[Spec]:
        """Builds the filters of the HTTPRoute's rule."""
