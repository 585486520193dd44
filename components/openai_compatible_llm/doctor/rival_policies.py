"""Finds policies beside the component's that set what the component's objects set too: only one of the two counts.

Source: `store/binds.rs` of agentgateway's proxy, 1.4.1. Of policies for one target it takes any, as they come out of a
hash set. A rule goes before its route, that before a listener, and that before the Gateway, unless
`strategy.inheritance` is `Override`. A backend's own policies go before all. Authorization adds up instead.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum, unique

from ..backends import AGENTGATEWAY
from ..backends.base import Object
from ..backends.model_routing import MODELS_RULE, UNKNOWN_RULE
from .model_routing import request_listeners, targets_of
from .policy_fields import AI, AUTHORIZATION, Fields, backend_fields, gateway_fields, in_conflict, route_fields
from .request_path import RequestPath, route_rules
from .targets import Target

ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "traffic.apiKeyAuthentication": ("clients",),
    "traffic.rateLimit.local": ("rateLimits",),
    "traffic.rateLimit.global": ("rateLimitService",),
    "traffic.retry": ("retries", "fallbacks"),
    "traffic.timeouts": ("requestTimeoutSeconds",),
    "frontend.http": ("maxRequestBytes",),
    "frontend.metrics": ("clientLabel",),
    "frontend.accessLog": ("clientLabel",),
    "backend.ai.defaults": ("requestDefaults",),
    "backend.ai.overrides": ("requestOverrides",),
    "backend.ai.modelAliases": ("modelAliases",),
}
"""Arguments without which the component's objects don't set a field."""

_SINGLE_PROVIDER = "backend"
"""Section name of a backend's provider that isn't in a group. Source: `SingularLLMProviderSubBackendName`."""


@unique
class Winner(Enum):
    """Says which of two settings counts."""

    ANY = "only one of the two counts, and the gateway doesn't define which"
    OWN = "for this request, {own} counts alone"
    RIVAL = "for this request, {rival} counts alone"


@dataclass(frozen=True)
class Rival:
    """A policy that sets the same as one of the component's objects.

    Attributes:
        name: Its kind, namespace and name.
        own: The component's object, by the same.
        fields: What both set, as paths in a policy's spec.
    """

    name: str
    own: str
    fields: tuple[str, ...]
    winner: Winner

    def __str__(self) -> str:
        """Describes it, and says what to do."""
        fields = " and ".join(f"`{field}`" for field in self.fields)
        it = "it" if len(self.fields) == 1 else "them"
        arguments = dict.fromkeys(argument for field in self.fields for argument in ARGUMENTS.get(field, ()))
        left_out = " and ".join(f"`{argument}`" for argument in arguments)
        remedy = f"remove {it} from {self.name}{f', or leave out {left_out}' if left_out else ''}"
        effect = self.winner.value.format(own=self.own, rival=self.name)
        return f"{self.name} sets {fields}, as {self.own} does: {effect}. To set {it} once, {remedy}."


class _Rank(IntEnum):
    """Orders the targets of a policy; without `Override`, the higher one counts."""

    GATEWAY = 1
    LISTENER = 2
    ROUTE = 3
    RULE = 4
    IN_ROUTE = 5


@dataclass(frozen=True)
class _Own:
    """What one of the component's objects sets, and where it is attached."""

    name: str
    rank: _Rank
    fields: Fields


@dataclass(frozen=True)
class _Clash:
    own: str
    field: str
    winner: Winner


def find_rivals(path: RequestPath, target: Target) -> Iterator[Rival]:
    """Yields each policy that sets what one of the component's objects on the path sets too, in another way."""
    if not path.responding_route.found:
        return
    found = _Rivalry(path, target)
    for policy in path.agentgateway_policies:
        clashes = list(found.clashes(policy))
        for own, winner in dict.fromkeys((each.own, each.winner) for each in clashes):
            fields = dict.fromkeys(each.field for each in clashes if (each.own, each.winner) == (own, winner))
            yield Rival(_name(policy), own, tuple(fields), winner)


class _Rivalry:
    """Compares policies with the component's objects on the path of one request."""

    def __init__(self, path: RequestPath, target: Target) -> None:
        self._path = path
        self._own_names = set(_names_of_own_policies(path))
        self._route, self._rule = path.responding_route.found, path.responding_rule
        self._gateway = path.gateway.found
        self._listeners = request_listeners(path, target)
        self._ports = {each.get("port") for each in path.listeners if each["name"] in self._listeners}
        own = [policy for policy in path.agentgateway_policies if _name(policy) in self._own_names]
        self._of_route = [*_attached(own, self._rank_at_route, route_fields), *self._in_route()]
        self._of_gateway = list(_attached(own, self._rank_at_gateway, gateway_fields))

    def clashes(self, policy: Object) -> Iterator[_Clash]:
        """Yields each field that the policy and the component set; none of a policy of the component."""
        if _name(policy) in self._own_names:
            return
        at_gateway, at_route = self._rank_at_gateway(policy), self._rank_at_route(policy)
        if rank := at_route or at_gateway:
            yield from self._clashes_on_route(policy, rank)
        if at_gateway:
            yield from self._clashes_at_gateway(policy, at_gateway)
        yield from self._clashes_with_backend(policy, is_on_route=rank is not None)

    def _clashes_on_route(self, policy: Object, rank: _Rank) -> Iterator[_Clash]:
        overrides = (policy["spec"].get("strategy") or {}).get("inheritance") == "Override"
        for own in self._of_route:
            for field in in_conflict(route_fields(policy["spec"]), own.fields):
                if winner := _winner_on_route(field, own.rank, rank, overrides=overrides):
                    yield _Clash(own.name, field, winner)

    def _clashes_at_gateway(self, policy: Object, rank: _Rank) -> Iterator[_Clash]:
        for own in self._of_gateway:
            for field in in_conflict(gateway_fields(policy["spec"]), own.fields):
                yield _Clash(own.name, field, _more_specific(own.rank, rank))

    def _clashes_with_backend(self, policy: Object, *, is_on_route: bool) -> Iterator[_Clash]:
        backend = self._path.backend
        if not backend.found or not policy["spec"].get("backend"):
            return
        fields = backend_fields(policy["spec"]["backend"])
        of_backend = backend_fields(backend.found["spec"].get("policies") or {})
        of_providers = {
            each["name"]: backend_fields(each.get("policies") or {}) for each in _grouped_providers(backend.found)
        }
        sections = [each.get("sectionName") for each in self._targets(policy, backend.found, AGENTGATEWAY.kind)]
        names = [section for section in sections if section in (of_providers or {_SINGLE_PROVIDER: {}})]
        is_for_all = is_on_route or None in sections
        for own in (of_backend, *of_providers.values()) if is_for_all else map(of_providers.get, names):
            yield from (_Clash(backend.name, field, Winner.OWN) for field in in_conflict(fields, own or {}))
        if names and any(each.startswith(AI) for each in fields) and any(each.startswith(AI) for each in of_backend):
            yield _Clash(backend.name, AI, Winner.RIVAL)
        if names and not of_providers:
            common = (field for field in in_conflict(fields, of_backend) if not field.startswith(AI))
            yield from (_Clash(backend.name, field, Winner.RIVAL) for field in common)

    def _in_route(self) -> Iterator[_Own]:
        """Yields what the HTTPRoute itself says, which counts as the most specific policy."""
        rules = route_rules(self._route)
        filters = [each for rule in rules for each in rule.get("filters") or []]
        headers = [each["requestHeaderModifier"] for each in filters if each.get("requestHeaderModifier")]
        timeouts = [rule["timeouts"] for rule in rules if rule.get("timeouts")]
        both = (("traffic.headerModifiers.request", headers), ("traffic.timeouts", timeouts))
        fields = {name: values[0] for name, values in both if values}
        yield _Own(self._path.responding_route.name, _Rank.IN_ROUTE, fields)

    def _rank_at_route(self, policy: Object) -> _Rank | None:
        sections = {each.get("sectionName") for each in self._targets(policy, self._route, "HTTPRoute")}
        if self._rule and self._rule in sections:
            return _Rank.RULE
        return _Rank.ROUTE if None in sections else None

    def _rank_at_gateway(self, policy: Object) -> _Rank | None:
        ranks = []
        for each in self._targets(policy, self._gateway, "Gateway"):
            if each.get("sectionName") in self._listeners or (each.get("port") and each["port"] in self._ports):
                ranks.append(_Rank.LISTENER)
            elif not each.get("sectionName") and not each.get("port"):
                ranks.append(_Rank.GATEWAY)
        return max(ranks, default=None)

    @staticmethod
    def _targets(policy: Object, found: Object, kind: str) -> list[Object]:
        """Returns the references and selectors by which the policy targets the object, which is in its namespace."""
        if not found or found["metadata"]["namespace"] != policy["metadata"]["namespace"]:
            return []
        return [each for each in targets_of(policy["spec"], found) if each.get("kind") == kind]


def _attached(
    policies: Iterable[Object], rank_of: Callable[[Object], _Rank | None], read: Callable[[Object], Fields]
) -> Iterator[_Own]:
    for policy in policies:
        if rank := rank_of(policy):
            yield _Own(_name(policy), rank, read(policy["spec"]))


def _winner_on_route(field: str, own: _Rank, rival: _Rank, *, overrides: bool) -> Winner | None:
    """Returns which of two policies counts; None where both do."""
    if field == AUTHORIZATION:
        if not overrides or rival > own:
            return None
        return Winner.ANY if rival == own else Winner.RIVAL
    return Winner.RIVAL if overrides else _more_specific(own, rival)


def _more_specific(own: _Rank, rival: _Rank) -> Winner:
    if own == rival:
        return Winner.ANY
    return Winner.OWN if own > rival else Winner.RIVAL


def _names_of_own_policies(path: RequestPath) -> Iterator[str]:
    """Yields how the policies are named that the components make for these routes."""
    for route in filter(None, (path.responding_route.found, path.first_route.found)):
        metadata = route["metadata"]
        is_shared = any(rule.get("name") == UNKNOWN_RULE for rule in route_rules(route))
        for ending in ("", "-gateway", f"-{MODELS_RULE}", f"-{UNKNOWN_RULE}") if is_shared else ("",):
            yield f"{AGENTGATEWAY.policy_kind} {metadata['namespace']}/{metadata['name']}{ending}"


def _grouped_providers(backend: Object) -> list[Object]:
    """Returns the backend's providers that are in groups, where each has a name and policies."""
    groups = (backend["spec"].get("ai") or {}).get("groups") or []
    return [provider for group in groups for provider in group.get("providers") or []]


def _name(policy: Object) -> str:
    return f"{policy['kind']} {policy['metadata']['namespace']}/{policy['metadata']['name']}"
