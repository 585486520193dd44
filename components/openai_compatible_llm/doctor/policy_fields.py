"""Reads what an AgentgatewayPolicy sets, by paths of the fields that the proxy merges each by itself.

Source: `store/binds.rs` of agentgateway's proxy, 1.4.1.
"""

from collections.abc import Mapping
from typing import Any

from ..backends.base import Object

Fields = Mapping[str, Any]

AUTHORIZATION = "traffic.authorization"
AI = "backend.ai"


def in_conflict(fields: Fields, own: Fields) -> list[str]:
    """Returns the fields that both set to different values."""
    return [field for field, value in fields.items() if field in own and own[field] != value]


def route_fields(spec: Object) -> Fields:
    """Returns what a policy asks of requests that are routed, by paths of fields that count each by itself."""
    traffic = spec.get("traffic") or {}
    if traffic.get("phase") == "PreRouting":
        return {}
    fields: dict[str, Any] = {}
    for name, value in traffic.items():
        if name == "rateLimit":
            fields |= {f"traffic.rateLimit.{part}": limits for part, limits in _rate_limits(value or {}).items()}
        elif name == "headerModifiers":
            fields |= {f"traffic.headerModifiers.{part}": modifier for part, modifier in (value or {}).items()}
        elif name != "phase" and value is not None:
            fields[f"traffic.{name}"] = value
    return fields


def _rate_limits(value: Object) -> Fields:
    """Returns the limits of each proxy and of a service, which count beside each other, also under conditions."""
    limits: dict[str, Any] = {part: value[part] for part in ("local", "global") if value.get(part)}
    for entry in value.get("conditional") or []:
        for part, limit in (entry.get("policy") or {}).items():
            limits.setdefault(part, []).append((entry.get("condition"), limit))
    return limits


def gateway_fields(spec: Object) -> Fields:
    """Returns what a policy asks of a Gateway before it routes a request."""
    traffic = spec.get("traffic") or {}
    before = traffic if traffic.get("phase") == "PreRouting" else {}
    fields = {f"traffic.{name}": value for name, value in before.items() if name not in ("phase", "authorization")}
    return fields | {f"frontend.{name}": value for name, value in (spec.get("frontend") or {}).items()}


def backend_fields(policies: Object) -> Fields:
    """Returns what a policy or a backend asks of requests to the provider; each part of `ai` counts by itself."""
    fields = {f"backend.{name}": value for name, value in policies.items() if name != "ai"}
    return fields | {f"backend.ai.{name}": value for name, value in (policies.get("ai") or {}).items()}
