"""What one generation of the gateway's API calls its backend."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .settings import Settings


@dataclass(frozen=True)
class BackendKind:
    """A custom resource that stands for an LLM provider, and how its spec is built.

    Attributes:
        group: API group, by which routes and policies refer to it.
        version: Version of that group.
        kind: Kind of the custom resource.
        tls_policy_suffix: What the BackendTLSPolicy's name has after the component's. Each generation has its own: in a
            move from one to another, the old backend keeps its policy until nothing points to it.
        spec: Builds the spec; what it returns goes to the API server verbatim.
        ready_when: What `pulumi.com/waitFor` waits for.
        accepts_policy_before_route: Whether the controller accepts a BackendTLSPolicy that no route leads to yet. If it
            doesn't, waiting for the policy before the route is made would never end.
        route_filters: Builds the filters of the HTTPRoute's rule.
        sends_auth_header: Whether its gateways send the key in the header that they are told; if not, they send
            `Authorization: Bearer <key>`.
        warnings: What the gateways of this generation won't do as the settings ask.
    """

    group: str
    version: str
    kind: str
    tls_policy_suffix: str
    spec: Callable[[Settings], dict[str, Any]]
    ready_when: str
    accepts_policy_before_route: bool
    route_filters: Callable[[Settings], list[dict[str, Any]]]
    sends_auth_header: bool
    warnings: Callable[[Settings], list[str]]

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"
