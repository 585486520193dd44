"""Knows the Backend of gateway.kgateway.dev/v1alpha1, which kgateway 2.1 serves."""

from collections.abc import Mapping
from typing import ClassVar

from .. import gateway_api, readiness
from ..args import Endpoints
from ..settings import Settings
from .base import BackendDefinition, Limitation, Object, Spec
from .gateway_errors import SHARED_ERRORS, GatewayError

_CHAT_ONLY = "these gateways take every request for a chat completion; give `api: agentgateway`"
_FIXED_HEADER = "these gateways always send `Authorization: Bearer <key>`; give `api: agentgateway`"


class Kgateway(BackendDefinition):
    """The gateways are agentgateway proxies 0.10, which kgateway 2.1 configures."""

    group = "gateway.kgateway.dev"
    version = "v1alpha1"
    kind = "Backend"
    tls_policy_suffix = "-tls"
    tls_policy_ready = readiness.any_ancestor_accepted()
    limitations = (
        Limitation(("auth_header", "header_name"), _FIXED_HEADER, lambda name: name.lower() != "authorization"),
        Limitation(("auth_header", "prefix"), _FIXED_HEADER, lambda prefix: prefix != "Bearer"),
        Limitation(
            ("endpoints",),
            _CHAT_ONLY,
            lambda endpoints: endpoints == Endpoints.ALL,
        ),
    )
    tls_policy_ancestor = kind
    rewrites_host = False
    without_key = "so the gateway sends requests to the provider without an API key"
    default_endpoints = Endpoints.CHAT
    other_endpoints = _CHAT_ONLY
    large_requests = "the limit is fixed in these gateways; `api: agentgateway` has gateways with a setting for it"
    errors: ClassVar[Mapping[str, GatewayError]] = {"backends does not exist": GatewayError.NO_BACKEND, **SHARED_ERRORS}

    def spec(self, settings: Settings) -> Spec:
        """Builds the spec: type AI, the `openai` provider with its host, port and path overridden."""
        provider = settings.provider
        openai: Spec = {"authToken": _auth_token(provider.secret_name)}
        if provider.model is not None:
            openai["model"] = provider.model
        llm = {"openai": openai, "host": provider.host, "port": provider.port, "path": {"full": provider.path}}
        return {"type": "AI", "ai": {"llm": llm}}

    def route_rules(self, settings: Settings) -> list[Spec]:
        """Builds the one rule, with a filter for the Host header, in which the proxy would leave the gateway's name."""
        filters = [gateway_api.host_rewrite(settings.provider.host)] if settings.rewrite_host else []
        return [gateway_api.rule([gateway_api.path_prefix(settings.route_path)], filters)]

    def read_endpoint(self, backend: Object) -> str:
        llm = _read_llm(backend)
        return f"{llm.get('host', '?')}:{llm.get('port', '?')}"

    def read_secret_name(self, backend: Object) -> str | None:
        name: str | None = _read_auth_token(backend).get("secretRef", {}).get("name")
        return name

    def reads_passthrough(self, backend: Object) -> bool:
        return bool(_read_auth_token(backend).get("kind") == "Passthrough")


def _read_llm(backend: Object) -> Object:
    llm: Object = backend.get("spec", {}).get("ai", {}).get("llm", {})
    return llm


def _read_auth_token(backend: Object) -> Object:
    token: Object = _read_llm(backend).get("openai", {}).get("authToken", {})
    return token


def _auth_token(secret_name: str | None) -> Spec:
    if secret_name is None:
        return {"kind": "Passthrough"}
    return {"kind": "SecretRef", "secretRef": {"name": secret_name}}


DEFINITION = Kgateway()
