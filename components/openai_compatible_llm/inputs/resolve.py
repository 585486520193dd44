"""Turns valid arguments into settings: fills in defaults, takes presets and URLs apart."""

from collections.abc import Mapping
from typing import Any

from ..args import BackendApi, Endpoints
from ..backends import BACKENDS, DEFAULT_API
from ..presets import CHAT_COMPLETIONS_PATH, HTTPS_PORT, PRESETS
from ..settings import TLS, AuthHeader, Gateway, ObjectNames, Plan, Provider, Settings
from . import urls

DEFAULT_NAMESPACE = "gloo-system"
DEFAULT_GATEWAY = "agentgateway"
DEFAULT_READY_TIMEOUT_SECONDS = 120


def resolve_plan(arguments: Mapping[str, Any]) -> Plan:
    """Returns what is decided before any Output is resolved. The arguments must be valid, as far as they are known."""
    url = arguments.get("base_url")
    tls_disabled = arguments.get("tls", {}).get("disabled", False)
    timeout = arguments.get("ready_timeout_seconds", DEFAULT_READY_TIMEOUT_SECONDS)
    return Plan(
        api=BackendApi(arguments.get("api", DEFAULT_API)),
        creates_secret="api_key" in arguments,
        uses_tls=urls.parse_base_url(url).tls if isinstance(url, str) else not tls_disabled,
        has_labels=bool(arguments.get("labels")),
        has_annotations=bool(arguments.get("annotations")),
        ready_timeout_seconds=int(timeout) if arguments.get("wait_for_ready") else None,
    )


def resolve_settings(name: str, arguments: Mapping[str, Any]) -> Settings:
    """Returns the settings of a component whose arguments are valid and resolved."""
    backend = BACKENDS[BackendApi(arguments.get("api", DEFAULT_API))]
    names = ObjectNames(name, backend.tls_policy_suffix)
    namespace = arguments.get("namespace", DEFAULT_NAMESPACE)
    gateway = arguments.get("gateway", {})
    endpoints = Endpoints.CHAT if "path" in arguments else backend.default_endpoints
    return Settings(
        names=names,
        namespace=namespace,
        provider=_provider(names.secret, arguments),
        endpoints=Endpoints(arguments.get("endpoints", endpoints)),
        gateway=Gateway(
            gateway.get("name", DEFAULT_GATEWAY),
            gateway.get("namespace", namespace),
            gateway.get("section_name"),
            gateway.get("url"),
        ),
        route_path=arguments.get("route_path", f"/{name}"),
        hostnames=tuple(arguments.get("hostnames", ())),
        rewrite_host=arguments.get("rewrite_host", True),
        labels=arguments.get("labels", {}),
        annotations=arguments.get("annotations", {}),
    )


def _provider(secret_name: str, arguments: Mapping[str, Any]) -> Provider:
    host, port, path, uses_tls = _endpoint(arguments)
    tls = arguments.get("tls", {})
    header = arguments.get("auth_header")
    return Provider(
        host=host,
        port=port,
        path=path,
        model=arguments.get("model"),
        secret_name=_secret_name(secret_name, arguments),
        auth_header=AuthHeader(header.get("header_name"), header.get("prefix")) if header else None,
        tls=TLS(tls.get("hostname", host), tls.get("ca_certificate_configmap")) if uses_tls else None,
    )


def _endpoint(arguments: Mapping[str, Any]) -> tuple[str, int, str, bool]:
    if "base_url" in arguments:
        url = urls.parse_base_url(arguments["base_url"])
        return url.host, url.port, url.path, url.tls
    preset = PRESETS.get(arguments.get("preset", ""))
    host = arguments.get("host", preset.host if preset else "")
    port = arguments.get("port", preset.port if preset else HTTPS_PORT)
    path = arguments.get("path", preset.path if preset else CHAT_COMPLETIONS_PATH)
    return host, int(port), path, not arguments.get("tls", {}).get("disabled", False)


def _secret_name(own: str, arguments: Mapping[str, Any]) -> str | None:
    if arguments.get("passthrough"):
        return None
    if "api_key_secret" in arguments:
        return str(arguments["api_key_secret"]["name"])
    return own
