"""Reads what AgentgatewayPolicies ask of the clients of a route, or of one rule of it."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..backends.base import Object
from ..backends.clients import LIMITS_FILE
from .clients import ClientKey
from .model_routing import targets_of
from .request_path import Lookup

_FIXED_MODEL = re.compile(r'("(?:[^"\\]|\\.)*")(?: : json\(|\.matches\("\^\(" \+ apiKey\.models)')
_OF_CLIENT = re.compile(r'apiKey\.client == ("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True)
class Setting:
    """What a policy says of one thing; `policy` is its kind, namespace and name."""

    policy: str
    value: Any
    found: Object


@dataclass(frozen=True)
class RateLimitService:
    """The rate limit service that a policy asks; `name` is what leads to it, by kind, namespace and name."""

    policy: str
    kind: str
    namespace: str
    backend: str
    port: int | None

    @property
    def name(self) -> str:
        return f"{self.kind} {self.namespace}/{self.backend}"

    def endpoint(self, backend: Lookup) -> str:
        """Returns where it is, as far as that can be read."""
        static = backend.found.get("spec", {}).get("static")
        if static:
            return f"{static.get('host')}:{static.get('port')} ({self.name})"
        return self.name if self.port is None else f"{self.name}, port {self.port}"


class Access:
    """Says what policies ask of clients. Of several that say something of one thing, the first one counts."""

    def __init__(self, policies: Iterable[Object]) -> None:
        self._policies = tuple(policies)

    @property
    def authentication(self) -> Setting | None:
        return self._find("apiKeyAuthentication")

    @property
    def secret_name(self) -> str | None:
        """Returns the name of the Secret with the clients' keys; None where there is none, or several."""
        setting = self.authentication
        reference = (setting.value.get("secretRef") or {}) if setting else {}
        return reference.get("name") if reference.get("kind", "Secret") == "Secret" else None

    @property
    def model_rule(self) -> Setting | None:
        """Returns the expression that asks which models the client may use."""
        for each in self._policies:
            rules = ((each["spec"].get("traffic") or {}).get("authorization") or {}).get("policy") or {}
            for expression in rules.get("matchExpressions") or []:
                if "apiKey.models" in expression:
                    return Setting(_name(each), expression, each)
        return None

    @property
    def fixed_model(self) -> str | None:
        """Returns the model that counts for chat completions whatever they ask for; None where theirs does."""
        rule = self.model_rule
        fixed = _FIXED_MODEL.search(rule.value) if rule else None
        return str(json.loads(fixed[1])) if fixed else None

    @property
    def client_limits(self) -> Setting | None:
        """Returns the limits of clients by their names, such as `4 tokens per minute`."""
        setting = self._find("rateLimit")
        limits = {}
        for each in (setting.value.get("conditional") or []) if setting else ():
            client = _OF_CLIENT.fullmatch(each.get("condition", ""))
            local = (each.get("policy") or {}).get("local")
            if client and local:
                limits[json.loads(client[1])] = _format_local(local[0])
        return Setting(setting.policy, limits, setting.found) if setting and limits else None

    @property
    def service(self) -> RateLimitService | None:
        setting = self._find("rateLimit")
        reference = ((setting.value.get("global") or {}).get("backendRef") or {}) if setting else {}
        if not setting or not reference:
            return None
        namespace = reference.get("namespace") or setting.found["metadata"]["namespace"]
        kind, port = reference.get("kind") or "Service", reference.get("port")
        return RateLimitService(setting.policy, kind, namespace, reference["name"], port)

    def place(self, key: str, header: str | None = None) -> ClientKey:
        """Returns where a request must have the key: in the header of this name or, without one, where policies say."""
        setting = self.authentication
        location = ((setting.value.get("location") or {}).get("header") or {}) if setting else {}
        if location and (header is None or header.lower() == location["name"].lower()):
            return ClientKey(key, location["name"], location.get("prefix", ""))
        default = ClientKey(key)
        if header is None or header.lower() == default.header.lower():
            return default
        return ClientKey(key, header, "")

    def _find(self, field: str) -> Setting | None:
        for each in self._policies:
            if value := (each["spec"].get("traffic") or {}).get(field):
                return Setting(_name(each), value, each)
        return None


def policies_for(policies: Iterable[Object], route: Object, rule: str | None) -> tuple[Object, ...]:
    """Returns those of the policies that are for all of the route, or for the rule of this name."""
    return tuple(
        policy
        for policy in policies
        for target in targets_of(policy["spec"], route)
        if target.get("kind") == "HTTPRoute" and target.get("sectionName") in (None, rule)
    )


def limits_in_configuration(config_map: Object, client: str) -> Sequence[str]:
    """Returns a client's limits in the rate limit service's configuration, such as `200000 tokens per day`."""
    try:
        descriptors = json.loads((config_map.get("data") or {}).get(LIMITS_FILE, ""))["descriptors"]
        own = [each for each in descriptors if (each["key"], each["value"]) == ("client", client)]
        return [_format_descriptor(limit) for each in own for limit in each["descriptors"]]
    except (ValueError, TypeError, KeyError):
        return []


def _format_descriptor(limit: Object) -> str:
    amount = limit["rate_limit"]
    return f"{amount['requests_per_unit']} {limit['value'].partition('-')[0]} per {amount['unit']}"


def _format_local(limit: Mapping[str, Any]) -> str:
    kind = "tokens" if "tokens" in limit else "requests"
    burst = f", and a burst of {limit['burst']}" if limit.get("burst") else ""
    return f"{limit.get(kind)} {kind} per {str(limit.get('unit')).lower().removesuffix('s')}{burst}"


def _name(policy: Object) -> str:
    return f"{policy['kind']} {policy['metadata']['namespace']}/{policy['metadata']['name']}"
