"""From arguments to settings: defaults filled in, presets and URLs taken apart."""

from collections.abc import Mapping
from typing import Any

from . import base_url, generations, validation
from .problems import InvalidArguments, Problem
from .providers import CHAT_COMPLETIONS_PATH, HTTPS_PORT, PRESETS
from .settings import TLS, AuthHeader, Gateway, ObjectNames, Settings
from .shape import without_nones

DEFAULT_NAMESPACE = "gloo-system"
DEFAULT_GATEWAY = "agentgateway"


def uses_tls(args: Mapping[str, Any]) -> bool:
    """Whether there is a BackendTLSPolicy, as far as can be told when the component is made."""
    url = args.get("base_url")
    if isinstance(url, str):
        return base_url.parse(url).tls
    return not (args.get("tls") or {}).get("disabled", False)


def settings_from(name: str, args: Mapping[str, Any], *, tls_expected: bool) -> Settings:
    """The settings that the arguments ask for, defaults filled in.

    Args:
        name: The component's name.
        args: As in `OpenAICompatibleLLMArgs`, with nothing in it that is known only later, except for `api_key`.
        tls_expected: What `uses_tls` said when the component was made.

    Raises:
        InvalidArguments: With every problem found.
    """
    validation.refuse_problems(name, args)
    given = without_nones(args)
    names = ObjectNames(name, generations.backend_kind(given.get("api")).tls_policy_suffix)
    host, port, path, tls = _endpoint(given)
    if tls != tls_expected:
        reason = "it says http, and became known only later; give `host`, `port`, `path` and `tls.disabled` instead"
        raise InvalidArguments(name, [Problem(("base_url",), reason)])
    namespace = given.get("namespace", DEFAULT_NAMESPACE)
    gateway = given.get("gateway", {})
    checks = given.get("tls", {})
    return Settings(
        names=names,
        namespace=namespace,
        host=host,
        port=port,
        path=path,
        model=given.get("model"),
        secret_name=_secret_name(names, given),
        auth_header=_auth_header(given),
        gateway=Gateway(
            gateway.get("name", DEFAULT_GATEWAY),
            gateway.get("namespace", namespace),
            gateway.get("section_name"),
            gateway.get("url"),
        ),
        route_path=given.get("route_path", f"/{name}"),
        hostnames=tuple(given.get("hostnames", ())),
        rewrite_host=given.get("rewrite_host", True),
        tls=TLS(checks.get("hostname", host), checks.get("ca_certificate_configmap")) if tls else None,
        labels=given.get("labels", {}),
        annotations=given.get("annotations", {}),
    )


def _endpoint(given: Mapping[str, Any]) -> tuple[str, int, str, bool]:
    if "base_url" in given:
        url = base_url.parse(given["base_url"])
        return url.host, url.port, url.path, url.tls
    preset = PRESETS.get(given.get("preset", ""))
    host = given.get("host", preset.host if preset else "")
    port = given.get("port", preset.port if preset else HTTPS_PORT)
    path = given.get("path", preset.path if preset else CHAT_COMPLETIONS_PATH)
    return host, int(port), path, uses_tls(given)


def _auth_header(given: Mapping[str, Any]) -> AuthHeader | None:
    if header := given.get("auth_header"):
        return AuthHeader(header.get("header_name"), header.get("prefix"))
    preset = PRESETS.get(given.get("preset", ""))
    return preset.auth_header if preset and not given.get("passthrough") else None


def _secret_name(names: ObjectNames, given: Mapping[str, Any]) -> str | None:
    if given.get("passthrough"):
        return None
    if "api_key_secret" in given:
        return str(given["api_key_secret"]["name"])
    return names.secret
