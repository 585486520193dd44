"""Holds the objects between the gateway and a provider, as they were found in the cluster, and reads them.

What only one gateway API has is read by its `BackendReader`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..backends import SECRET_KEY, BackendReader
from ..backends.base import Object


@dataclass(frozen=True)
class Lookup:
    """The result of looking for one object.

    Attributes:
        name: The object's kind, namespace and name.
        found: The object; None where it doesn't exist or can't be read.
        error: Why it can't be read; None where the lookup worked.
    """

    name: str
    found: Object | None
    error: str | None = None

    @property
    def is_missing(self) -> bool:
        return self.found is None and self.error is None


@dataclass(frozen=True)
class SecretLookup:
    """A Secret that the backend names.

    Attributes:
        keys: Names of its entries.
        api_key: The key that the gateway takes from it: stripped, and without a leading `Bearer`.
    """

    lookup: Lookup
    keys: tuple[str, ...] = ()
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class RequestPath:
    """Everything that was looked up, in the cluster of one context. A part that no other part names is None.

    Attributes:
        api: The gateway API of the route's backend; None where it isn't one that the component supports.
        secrets: Those that the backend names, in the order in which its providers are used.
        policies: The BackendTLSPolicies that target the backend; None where they can't be read.
        authorities: The ConfigMap with the certificate authorities that the policy or the backend names.
    """

    context: str
    route: Lookup
    gateway: Lookup | None = None
    api: BackendReader | None = None
    backend: Lookup | None = None
    secrets: tuple[SecretLookup, ...] = ()
    policies: tuple[Object, ...] | None = ()
    authorities: Lookup | None = None

    @property
    def unreadable(self) -> list[str]:
        """Returns what can't be read, with the reason."""
        secrets = [secret.lookup for secret in self.secrets]
        lookups = [self.route, self.gateway, self.backend, *secrets, self.authorities]
        return [f"{lookup.name}, {lookup.error}" for lookup in lookups if lookup and lookup.error] + (
            ["BackendTLSPolicies"] if self.policies is None else []
        )


@dataclass(frozen=True)
class ClusterUnavailable:
    """Why nothing was looked up in the cluster."""

    reason: str


def parent_ref(route: Object) -> Object:
    """Returns the reference to the Gateway that the route attaches to, with its namespace."""
    parent = next(iter(route["spec"].get("parentRefs") or [{}]))
    return {"namespace": route["metadata"]["namespace"], **parent}


def backend_ref(route: Object) -> Object | None:
    """Returns the reference to the route's backend, which is in the route's namespace."""
    references = [reference for rule in route["spec"].get("rules") or [] for reference in rule.get("backendRefs") or []]
    return next(iter(references), None)


def path_prefixes(route: Object) -> list[str]:
    rules = route["spec"].get("rules") or []
    return [match.get("path", {}).get("value", "/") for rule in rules for match in rule.get("matches") or [{}]]


def matches_path(route: Object, path: str) -> bool:
    """Tells whether the route matches requests below this path."""
    return any(f"{path.rstrip('/')}/".startswith(f"{prefix.rstrip('/')}/") for prefix in path_prefixes(route))


def rewrites_host(route: Object) -> bool:
    """Tells whether a filter of the route replaces the Host header."""
    filters = [each for rule in route["spec"].get("rules") or [] for each in rule.get("filters") or []]
    return any(each.get("urlRewrite", {}).get("hostname") for each in filters)


def targets_backend(policy: Object, backend: Object) -> bool:
    """Tells whether the policy targets the backend that the route refers to."""
    return any(
        all(target.get(field) == backend.get(field) for field in ("group", "kind", "name"))
        for target in policy["spec"].get("targetRefs") or []
    )


def extract_key(data: Mapping[str, bytes]) -> str:
    """Returns the key that the gateway takes from a Secret.

    Source: `GetSecretDataAuth` of agentgateway's controller.
    """
    try:
        value = data.get(SECRET_KEY, b"").decode().strip()
    except UnicodeDecodeError:
        return ""
    return re.sub(r"^Bearer(?:\s+|$)", "", value)


def unmet_conditions(conditions: list[Object], *types: str) -> Iterator[str]:
    """Yields the controller's explanation of each condition of these types that isn't met."""
    for condition in conditions:
        if condition.get("type") in types and condition.get("status") != "True":
            words = [
                f"{condition['type']} is {condition.get('status')}",
                condition.get("reason"),
                condition.get("message"),
            ]
            yield ": ".join(filter(None, words))


def conditions(found: Object) -> list[Object]:
    return list(found.get("status", {}).get("conditions") or [])


def parent_conditions(route: Object) -> list[Object]:
    """Returns the conditions for the route's Gateway, without those left from an earlier one."""
    name = parent_ref(route).get("name")
    parents = route.get("status", {}).get("parents") or []
    return [each for parent in parents if parent["parentRef"].get("name") == name for each in parent["conditions"]]


def policy_conditions(policy: Object, kind: str) -> list[Object]:
    """Returns the conditions of a BackendTLSPolicy, which its controller reports for a backend of this kind."""
    ancestors = policy.get("status", {}).get("ancestors") or []
    own = [each for each in ancestors if each["ancestorRef"].get("kind") == kind]
    return [condition for ancestor in own for condition in ancestor.get("conditions") or []]
