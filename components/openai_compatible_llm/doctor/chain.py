"""The objects between the gateway and a provider, as they were found in the cluster."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..component import SECRET_KEY

Object = Mapping[str, Any]

BACKEND_OF_KGATEWAY = "gateway.kgateway.dev"


@dataclass(frozen=True)
class Look:
    """What came of looking for one object.

    Attributes:
        what: Its kind, namespace and name.
        found: The object; None where it isn't there, or wasn't to be read.
        unread: Why it wasn't to be read; None where it was looked for.
    """

    what: str
    found: Object | None
    unread: str | None = None

    @property
    def is_missing(self) -> bool:
        return self.found is None and self.unread is None


@dataclass(frozen=True)
class SecretLook:
    """The Secret that the backend names.

    Attributes:
        keys: Names of what stands in it.
        api_key: What the gateway takes for the key: without blanks around it, and without a leading `Bearer`.
    """

    look: Look
    keys: tuple[str, ...] = ()
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Chain:
    """What was looked at, in the cluster of one kubeconfig's context. Whatever is None wasn't named by what was found.

    Attributes:
        policies: The BackendTLSPolicies that are for the backend; None where they weren't to be read.
        authorities: The ConfigMap with the certificate authorities that the policy names.
    """

    context: str
    route: Look
    gateway: Look | None = None
    backend: Look | None = None
    secret: SecretLook | None = None
    policies: tuple[Object, ...] | None = ()
    authorities: Look | None = None

    @property
    def unread(self) -> list[str]:
        """What wasn't to be read, and why."""
        secret = self.secret.look if self.secret else None
        looks = [self.route, self.gateway, self.backend, secret, self.authorities]
        return [f"{look.what}, {look.unread}" for look in looks if look and look.unread] + (
            ["BackendTLSPolicies"] if self.policies is None else []
        )


@dataclass(frozen=True)
class NotLooked:
    """Why the cluster wasn't looked at."""

    reason: str


def parent_of(route: Object) -> Object:
    """The Gateway to which the route attaches, with its namespace."""
    parent = next(iter(route["spec"].get("parentRefs") or [{}]))
    return {"namespace": route["metadata"]["namespace"], **parent}


def backend_of(route: Object) -> Object | None:
    """The reference to the route's backend; it lies in the route's namespace."""
    references = [reference for rule in route["spec"].get("rules") or [] for reference in rule.get("backendRefs") or []]
    return next(iter(references), None)


def paths_of(route: Object) -> list[str]:
    """Path prefixes that the route takes."""
    rules = route["spec"].get("rules") or []
    return [match.get("path", {}).get("value", "/") for rule in rules for match in rule.get("matches") or [{}]]


def takes(route: Object, path: str) -> bool:
    """Whether the route takes requests below this path."""
    return any(f"{path.rstrip('/')}/".startswith(f"{prefix.rstrip('/')}/") for prefix in paths_of(route))


def rewrites_host(route: Object) -> bool:
    """Whether the provider gets its own name in the Host header."""
    filters = [each for rule in route["spec"].get("rules") or [] for each in rule.get("filters") or []]
    return any(each.get("urlRewrite", {}).get("hostname") for each in filters)


def endpoint_of(backend: Object) -> str:
    """The provider's host and port."""
    ai = backend.get("spec", {}).get("ai", {})
    said = ai.get("llm") or ai.get("provider") or {}
    return f"{said.get('host', '?')}:{said.get('port', '?')}"


def secret_name_of(backend: Object) -> str | None:
    """Name of the Secret with the key, in either generation's words; None where the caller's token is passed on."""
    spec = backend.get("spec", {})
    token = spec.get("ai", {}).get("llm", {}).get("openai", {}).get("authToken", {})
    reference = token.get("secretRef") or spec.get("policies", {}).get("auth", {}).get("secretRef") or {}
    name: str | None = reference.get("name")
    return name


def passes_token_on(backend: Object) -> bool:
    """Whether the provider gets the caller's own token."""
    spec = backend.get("spec", {})
    token = spec.get("ai", {}).get("llm", {}).get("openai", {}).get("authToken", {})
    return token.get("kind") == "Passthrough" or "passthrough" in spec.get("policies", {}).get("auth", {})


def is_for(policy: Object, backend: Object) -> bool:
    """Whether the policy names the backend, which the route refers to."""
    return any(
        all(target.get(field) == backend.get(field) for field in ("group", "kind", "name"))
        for target in policy["spec"].get("targetRefs") or []
    )


def key_in(data: Mapping[str, bytes]) -> str:
    """The key that the gateway takes out of a Secret. Source: `GetSecretDataAuth` of agentgateway's controller."""
    try:
        value = data.get(SECRET_KEY, b"").decode().strip()
    except UnicodeDecodeError:
        return ""
    return re.sub(r"^Bearer(?:\s+|$)", "", value)


def unmet(conditions: list[Object], *types: str) -> Iterator[str]:
    """What the controllers say of each condition of these types that isn't met."""
    for condition in conditions:
        if condition.get("type") in types and condition.get("status") != "True":
            words = [
                f"{condition['type']} is {condition.get('status')}",
                condition.get("reason"),
                condition.get("message"),
            ]
            yield ": ".join(filter(None, words))


def conditions_of(given: Object) -> list[Object]:
    return list(given.get("status", {}).get("conditions") or [])


def parent_conditions_of(route: Object) -> list[Object]:
    """What was said for the route's own Gateway; what was said for an earlier one doesn't count."""
    name = parent_of(route).get("name")
    parents = route.get("status", {}).get("parents") or []
    return [each for parent in parents if parent["parentRef"].get("name") == name for each in parent["conditions"]]


def ancestor_conditions_of(policy: Object) -> list[Object]:
    """The ancestor is the backend in the seed generation, the Gateway in the newer one."""
    ancestors = policy.get("status", {}).get("ancestors") or []
    return [each for ancestor in ancestors for each in ancestor.get("conditions") or []]
