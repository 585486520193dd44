"""Turns valid arguments into settings: fills in defaults, takes presets and URLs apart."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..args import BackendApi, Endpoints, RateLimitPeriod
from ..backends import BACKENDS, DEFAULT_API, BackendDefinition
from ..presets import CHAT_COMPLETIONS_PATH, HTTPS_PORT, PRESETS
from ..settings import TLS, AuthHeader, Gateway, ObjectNames, Plan, Provider, RateLimit, Retries, Settings
from . import urls
from .errors import Path
from .types import is_output

DEFAULT_NAMESPACE = "gloo-system"
DEFAULT_GATEWAY = "agentgateway"
DEFAULT_READY_TIMEOUT_SECONDS = 120
DEFAULT_STATUS_CODES = (429, 500, 502, 503, 504)
DEFAULT_BACKOFF_MILLISECONDS = 50
CLIENT_ARGUMENTS = frozenset({"client_api_keys", "client_api_keys_secret"})


def resolve_plan(arguments: Mapping[str, Any]) -> Plan:
    """Returns what is decided before any Output is resolved. The arguments must be valid, as far as they are known."""
    url = arguments.get("base_url")
    tls_disabled = arguments.get("tls", {}).get("disabled", False)
    timeout = arguments.get("ready_timeout_seconds", DEFAULT_READY_TIMEOUT_SECONDS)
    uses_tls = urls.parse_base_url(url).tls if isinstance(url, str) else not tls_disabled
    api = BackendApi(arguments.get("api", DEFAULT_API))
    return Plan(
        api=api,
        has_tls_policy=uses_tls and BACKENDS[api].has_tls_policy,
        has_policy=_has_policy(BACKENDS[api], arguments),
        has_clients=not CLIENT_ARGUMENTS.isdisjoint(arguments),
        has_labels=bool(arguments.get("labels")),
        has_annotations=bool(arguments.get("annotations")),
        ready_timeout_seconds=int(timeout) if arguments.get("wait_for_ready") else None,
    )


def resolve_settings(name: str, arguments: Mapping[str, Any]) -> Settings:
    """Returns the settings of a component whose arguments are valid and resolved."""
    backend = BACKENDS[BackendApi(arguments.get("api", DEFAULT_API))]
    names = ObjectNames(name)
    namespace = arguments.get("namespace", DEFAULT_NAMESPACE)
    gateway = arguments.get("gateway", {})
    provider = _provider(name, names.secret, arguments)
    timeout = arguments.get("request_timeout_seconds")
    return Settings(
        names=names,
        namespace=namespace,
        provider=provider,
        fallbacks=tuple(_fallback(names, provider, each) for each in arguments.get("fallbacks", ())),
        endpoints=_endpoints(arguments, backend.default_endpoints),
        request_timeout_seconds=None if timeout is None else int(timeout),
        retries=_retries(arguments),
        clients_secret_name=_clients_secret_name(names, arguments),
        rate_limits=tuple(map(_rate_limit, arguments.get("rate_limits", ()))),
        request_defaults=arguments.get("request_defaults", {}),
        request_overrides=arguments.get("request_overrides", {}),
        model_aliases=arguments.get("model_aliases", {}),
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


def secret_names(name: str, arguments: Mapping[str, Any]) -> dict[Path, str]:
    """Returns the name of the Secret for each API key among the arguments, by the key's path."""
    names = ObjectNames(name)
    places: list[tuple[Path, str, Mapping[str, Any]]] = [((), names.secret, arguments)]
    for index, each in enumerate(arguments.get("fallbacks", ())):
        places.append((("fallbacks", index), names.fallback_secret(each["name"]), each))
    return {(*path, "api_key"): secret for path, secret, given in places if "api_key" in given}


def _has_policy(backend: BackendDefinition, arguments: Mapping[str, Any]) -> bool:
    """An empty group of `retries` asks for its defaults; an empty list or map of anything else asks for nothing."""
    asked = {**arguments, "endpoints": _may_be_all(arguments, backend.default_endpoints)}
    return any(each in backend.policy_arguments and (value or each == "retries") for each, value in asked.items())


def _may_be_all(arguments: Mapping[str, Any], default: Endpoints) -> bool:
    """Tells whether clients reach all endpoints, or may do so once all Outputs are resolved."""
    resolved = {name: value for name, value in arguments.items() if not is_output(value)}
    return is_output(arguments.get("endpoints")) or _endpoints(resolved, default) == Endpoints.ALL


def _endpoints(arguments: Mapping[str, Any], default: Endpoints) -> Endpoints:
    """Embeddings of another model are of no use, so that with fallbacks there are none unless asked for."""
    if "path" in arguments or arguments.get("fallbacks"):
        default = Endpoints.CHAT
    return Endpoints(arguments.get("endpoints", default))


def _fallback(names: ObjectNames, first: Provider, arguments: Mapping[str, Any]) -> Provider:
    name = arguments["name"]
    fallback = _provider(name, names.fallback_secret(name), arguments)
    is_same_model = fallback.model is None and fallback.host == first.host
    return replace(fallback, model=first.model) if is_same_model else fallback


def _retries(arguments: Mapping[str, Any]) -> Retries | None:
    given = arguments.get("retries", {})
    fallbacks = len(arguments.get("fallbacks", ()))
    if "retries" not in arguments and not fallbacks:
        return None
    return Retries(
        attempts=int(given.get("attempts", max(fallbacks, 1))),
        status_codes=tuple(map(int, given.get("status_codes", DEFAULT_STATUS_CODES))),
        backoff_milliseconds=int(given.get("backoff_milliseconds", DEFAULT_BACKOFF_MILLISECONDS)),
    )


def _rate_limit(arguments: Mapping[str, Any]) -> RateLimit:
    requests, tokens = arguments.get("requests"), arguments.get("tokens")
    return RateLimit(
        requests=None if requests is None else int(requests),
        tokens=None if tokens is None else int(tokens),
        per=RateLimitPeriod(arguments["per"]),
        burst=int(arguments.get("burst", 0)),
    )


def _clients_secret_name(names: ObjectNames, arguments: Mapping[str, Any]) -> str | None:
    if "client_api_keys_secret" in arguments:
        return str(arguments["client_api_keys_secret"]["name"])
    return names.clients_secret if "client_api_keys" in arguments else None


def _provider(name: str, secret_name: str, arguments: Mapping[str, Any]) -> Provider:
    host, port, path, uses_tls = _endpoint(arguments)
    tls = arguments.get("tls", {})
    header = arguments.get("auth_header")
    return Provider(
        name=name,
        host=host,
        port=port,
        path=path,
        model=arguments.get("model"),
        secret_name=_secret_name(secret_name, arguments),
        keyless=arguments.get("keyless", False),
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
    if arguments.get("passthrough") or arguments.get("keyless"):
        return None
    if "api_key_secret" in arguments:
        return str(arguments["api_key_secret"]["name"])
    return own
