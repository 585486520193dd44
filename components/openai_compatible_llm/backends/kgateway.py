"""Knows the Backend of gateway.kgateway.dev/v1alpha1, which kgateway 2.1 serves."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from ..args import Endpoints, RateLimitPeriod
from ..objects import gateway_api
from ..settings import Settings
from .base import ROUTE_ARGUMENTS, BackendDefinition, BackendReader, DeployedProvider, Limitation, Object, Spec

FILL_INTERVALS = {RateLimitPeriod.SECOND: "1s", RateLimitPeriod.MINUTE: "60s", RateLimitPeriod.HOUR: "3600s"}

_NO_CLIENT_KEYS = "these gateways can't check the keys of clients; give `api: agentgateway`"
_CHAT_ONLY = "these gateways take every request for a chat completion; give `api: agentgateway`"
_NO_MODEL_ROUTING = "these gateways can't route a request by its model; give `api: agentgateway`"
_FIXED_HEADER = "these gateways always send `Authorization: Bearer <key>`; give `api: agentgateway`"


class Kgateway(BackendDefinition):
    """The gateways are agentgateway proxies 0.10, which kgateway 2.1 configures."""

    group = "gateway.kgateway.dev"
    version = "v1alpha1"
    kind = "Backend"
    has_tls_policy = True
    policy_kind = "TrafficPolicy"
    policy_arguments = (
        frozenset({"request_defaults", "request_overrides"})
        | {"model_aliases"}
        | {"rate_limits.requests", "rate_limits.per", "rate_limits.burst"}
    )
    supported = (
        ROUTE_ARGUMENTS
        | policy_arguments
        | {"preset", "base_url", "host", "port", "path", "model", "endpoints", "rewrite_host"}
        | {"api_key", "api_key_secret.name", "passthrough", "auth_header.header_name", "auth_header.prefix"}
        | {"tls.hostname", "tls.ca_certificate_configmap", "tls.disabled"}
    )
    unsupported: ClassVar[Mapping[str, str]] = {
        "fallbacks": "these gateways stay with a provider that answers 5xx, and give the next one no Host; "
        "give `api: agentgateway`",
        "retries": "these gateways send no request again; give `api: agentgateway`",
        "keyless": "these gateways always send a key or the client's own token; give `api: agentgateway`, or "
        "`passthrough`",
        "clients": _NO_CLIENT_KEYS,
        "clients_secret": _NO_CLIENT_KEYS,
        "client_auth_header": _NO_CLIENT_KEYS,
        "rate_limit_service": _NO_CLIENT_KEYS,
        "shared_route_path": _NO_MODEL_ROUTING,
        "models": _NO_MODEL_ROUTING,
        "rate_limits.tokens": "these gateways limit requests only; give `api: agentgateway`",
    }
    limitations = (
        Limitation("auth_header.header_name", _FIXED_HEADER, lambda name: name.lower() != "authorization"),
        Limitation("auth_header.prefix", _FIXED_HEADER, lambda prefix: prefix != "Bearer"),
        Limitation("endpoints", _CHAT_ONLY, lambda endpoints: endpoints == Endpoints.ALL),
    )
    default_endpoints = Endpoints.CHAT

    def spec(self, settings: Settings) -> Spec:
        """Builds the spec: type AI, the `openai` provider with its host, port and path overridden."""
        provider = settings.provider
        openai: Spec = {"authToken": {"kind": "Passthrough"}}
        if provider.secret_name is not None:
            openai["authToken"] = {"kind": "SecretRef", "secretRef": {"name": provider.secret_name}}
        if provider.model is not None:
            openai["model"] = provider.model
        llm = {"openai": openai, "host": provider.host, "port": provider.port, "path": {"full": provider.path}}
        return {"type": "AI", "ai": {"llm": llm}}

    def policy(self, settings: Settings) -> Spec:
        """Builds what the gateway changes about requests, and the limit as a bucket to which the period's come in.

        Fields are sorted, because programs in other languages hand their maps over in any order.
        """
        fields = [
            {"field": field, "value": _json(value), **({"override": True} if override else {})}
            for override, values in ((False, settings.request_defaults), (True, settings.request_overrides))
            for field, value in sorted(values.items())
        ]
        ai: Spec = {"defaults": fields} if fields else {}
        if settings.model_aliases:
            ai["modelAliases"] = dict(settings.model_aliases)
        policy: Spec = {"ai": ai} if ai else {}
        for limit in settings.rate_limits:
            requests = limit.requests or 0
            bucket = {
                "maxTokens": requests + limit.burst,
                "tokensPerFill": requests,
                "fillInterval": FILL_INTERVALS[limit.per],
            }
            policy["rateLimit"] = {"local": {"tokenBucket": bucket}}
        return policy

    def route_rules(self, settings: Settings) -> list[Spec]:
        """Builds the one rule, with a filter for the Host header, in which the proxy would leave the gateway's name."""
        rewrite = gateway_api.url_rewrite({"hostname": settings.provider.host})
        return [gateway_api.rule("PathPrefix", settings.route_path, [rewrite] if settings.rewrite_host else [])]


def _json(value: Any) -> str:
    """Writes a value so that it arrives with its type: the gateway would take the text `5` for a number."""
    return json.dumps(_with_integers(value), ensure_ascii=False, sort_keys=True)


def _with_integers(value: Any) -> Any:
    """Writes 100.0 as 100: other languages have floats alone, and providers take no float for an integer."""
    if isinstance(value, Mapping):
        return {key: _with_integers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_integers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class KgatewayReader(BackendReader):
    """Reads a Backend, which has one provider. Its TLS settings are in a BackendTLSPolicy."""

    definition = Kgateway()
    resources: ClassVar[Mapping[str, str]] = {"Backend": "backends", "TrafficPolicy": "trafficpolicies"}
    rewrites_host = False
    without_key = "so the gateway sends requests to the provider without an API key"
    other_endpoints = _CHAT_ONLY
    large_requests = "the limit is fixed in these gateways; `api: agentgateway` has gateways with a setting for it"

    def read_providers(self, backend: Object) -> list[DeployedProvider]:
        """Reads the one provider."""
        llm = backend.get("spec", {}).get("ai", {}).get("llm", {})
        token = llm.get("openai", {}).get("authToken", {})
        return [
            DeployedProvider(
                host=llm.get("host"),
                port=llm.get("port"),
                secret_name=token.get("secretRef", {}).get("name"),
                gets_callers_token=token.get("kind") == "Passthrough",
            )
        ]
