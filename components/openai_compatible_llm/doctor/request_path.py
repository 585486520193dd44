"""Holds the objects between the gateway and a provider, as they were found in the cluster, and reads them.

What only one gateway API has is read by its `BackendReader`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..backends import BackendReader
from ..backends.base import DeployedProvider, Object
from ..backends.model_routing import MODEL_HEADER
from .clients import Client


@dataclass(frozen=True)
class Lookup:
    """The result of looking for one object.

    Attributes:
        name: The object's kind, namespace and name; empty where nothing was looked for.
        found: The object; empty where it wasn't found.
        is_missing: Whether it doesn't exist.
        error: Why it can't be read; empty where the lookup worked.
    """

    name: str = ""
    found: Object = field(default_factory=dict)
    is_missing: bool = False
    error: str = ""

    @property
    def conditions(self) -> list[Object]:
        return list(self.found.get("status", {}).get("conditions") or [])


@dataclass(frozen=True)
class SecretLookup(Lookup):
    """A Secret that the backend names.

    Attributes:
        keys: Names of its entries.
        api_key: The key that the gateway takes from it: stripped, and without a leading `Bearer`.
    """

    keys: tuple[str, ...] = ()
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class ClientsLookup(Lookup):
    """A Secret with clients' keys that a policy names.

    Attributes:
        clients: Who has a key in it.
        unread: Names of the entries that the gateway can't read.
    """

    clients: tuple[Client, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        return ", ".join(each.label for each in self.clients)


@dataclass(frozen=True)
class RequestPath:
    """Everything that was looked up, in the cluster of one context. A part that no other part names is empty.

    Attributes:
        access_policies: AgentgatewayPolicies for the rule that takes the request; None where they can't be read.
        clients: The Secret with clients' keys that one of them names.
        rate_limit_service: The backend by which one of them reaches a rate limit service.
        rate_limits: The ConfigMap with that service's configuration, as far as the stack makes it.
        unavailable: Why nothing was looked up; empty where something was.
        api: The gateway API of the route's backend; None where it isn't one that the component supports.
        providers: Those of the backend, in the order in which they are used.
        secrets: Those that the backend names, in the same order.
        policies: The BackendTLSPolicies that target the backend; None where they can't be read.
        authorities: The ConfigMap with the certificate authorities that the policy or the backend names.
        shared_route: At a URL of several providers, the HTTPRoute that answers what no provider takes; None at a
            provider's own. `route` is then the one of the provider that takes the request.
        gateway_policies: At such a URL, the AgentgatewayPolicies in the Gateway's namespace; None where they can't be
            read.
        responding_route: The HTTPRoute whose rule takes the request, if AgentgatewayPolicies may be for it.
        responding_rule: That rule's name; None where it has none.
        agentgateway_policies: Those in the namespaces of that route and of its Gateway, as far as they can be read.
    """

    context: str = ""
    route: Lookup = Lookup()
    gateway: Lookup = Lookup()
    api: BackendReader | None = None
    backend: Lookup = Lookup()
    providers: tuple[DeployedProvider, ...] = ()
    secrets: tuple[SecretLookup, ...] = ()
    policies: tuple[Object, ...] | None = ()
    authorities: Lookup = Lookup()
    shared_route: Lookup | None = None
    gateway_policies: tuple[Object, ...] | None = ()
    access_policies: tuple[Object, ...] | None = ()
    clients: ClientsLookup = ClientsLookup()
    rate_limit_service: Lookup = Lookup()
    rate_limits: Lookup = Lookup()
    responding_route: Lookup = Lookup()
    responding_rule: str | None = None
    agentgateway_policies: tuple[Object, ...] = ()
    unavailable: str = ""

    @property
    def first_route(self) -> Lookup:
        """Returns the HTTPRoute that takes any request to the URL."""
        return self.shared_route or self.route

    @property
    def listeners(self) -> list[Object]:
        return list(self.gateway.found.get("spec", {}).get("listeners") or [])

    @property
    def unreadable(self) -> list[str]:
        """Returns what can't be read, with the reason."""
        lookups = [
            self.shared_route or Lookup(),
            self.route,
            self.gateway,
            self.backend,
            *self.secrets,
            self.authorities,
            self.clients,
            self.rate_limit_service,
            self.rate_limits,
        ]
        unread = ["BackendTLSPolicies"] if self.policies is None else []
        unread += ["AgentgatewayPolicies"] if None in (self.gateway_policies, self.access_policies) else []
        return [f"{lookup.name}, {lookup.error}" for lookup in lookups if lookup.error] + unread

    @property
    def sends_gateway_host(self) -> bool:
        """Tells whether the provider gets the gateway's Host header: neither the route nor the proxy replaces it."""
        is_replaced = self.api is None or self.api.rewrites_host
        return not is_replaced and not any(
            each.get("urlRewrite", {}).get("hostname")
            for rule in route_rules(self.route.found)
            for each in rule.get("filters") or []
        )


def parent_ref(route: Object) -> Object:
    """Returns the reference to the Gateway that the route attaches to, with its namespace."""
    parent = next(iter(route["spec"].get("parentRefs") or [{}]))
    return {"namespace": route["metadata"]["namespace"], **parent}


def gateway_of(route: Object) -> str:
    """Returns the namespace and name of the Gateway that the route attaches to."""
    parent = parent_ref(route)
    return f"{parent['namespace']}/{parent.get('name')}"


def route_rules(route: Object) -> list[Object]:
    return list(route.get("spec", {}).get("rules") or [])


def backend_ref(rules: Iterable[Object]) -> Object:
    """Returns the reference to the backend of these rules, which is in the route's namespace; empty without one."""
    references = [reference for rule in rules for reference in rule.get("backendRefs") or []]
    return next(iter(references), {})


def matches_of(route: Object) -> Iterator[tuple[Object, Object]]:
    """Yields each match of the route after its rule."""
    for rule in route_rules(route):
        yield from ((rule, match) for match in rule.get("matches") or [{}])


def model_header(match: Object) -> Object | None:
    """Returns what the match asks of the request's model; None where it takes any."""
    return next((each for each in match.get("headers") or [] if each["name"].lower() == MODEL_HEADER), None)


def path_of(match: Object) -> str:
    return str(match.get("path", {}).get("value", "/"))


def path_prefixes(route: Object) -> list[str]:
    """Returns the paths for which the route takes a request of any model."""
    return [path_of(match) for _, match in matches_of(route) if not model_header(match)]


def is_below(path: str, prefix: str) -> bool:
    """Tells whether requests below the path have the prefix."""
    return f"{path.rstrip('/')}/".startswith(f"{prefix.rstrip('/')}/")


def matches_path(route: Object, path: str) -> bool:
    """Tells whether the route takes requests below this path, of any model."""
    return any(is_below(path, prefix) for prefix in path_prefixes(route))


def targets_backend(policy: Object, backend: Object) -> bool:
    """Tells whether the policy targets the backend that the route refers to."""
    return any(
        all(target.get(field) == backend.get(field) for field in ("group", "kind", "name"))
        for target in policy["spec"].get("targetRefs") or []
    )


def unmet_conditions(conditions: list[Object], *types: str) -> Iterator[str]:
    """Yields the controller's explanation of each condition of these types that isn't met."""
    for each in conditions:
        if each.get("type") in types and each.get("status") != "True":
            yield ": ".join(
                filter(None, [f"{each['type']} is {each.get('status')}", each.get("reason"), each.get("message")])
            )


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
