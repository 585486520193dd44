"""Checks arguments that have their types: each value by itself, and what the arguments mean together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .. import readiness
from ..args import BackendApi, Endpoints
from ..backends import BACKENDS, DEFAULT_API
from ..presets import HTTPS_PORT, PRESETS
from ..settings import CHAT_COMPLETIONS, ObjectNames
from . import urls, validators
from .arguments import EACH, Arguments
from .errors import Issue, Path, Reason, suggestion

HOST_SOURCES = ("preset", "base_url", "host")
KEY_SOURCES = ("api_key", "api_key_secret", "passthrough")


def _preset(name: str) -> Reason | None:
    if name in PRESETS:
        return None
    guess = suggestion(name, PRESETS, "presets")
    return lambda case: (
        f'"{name}" is not a preset (for any other provider give `{case("host")}` or `{case("base_url")}`); {guess}'
    )


VALIDATORS: Mapping[Path, Callable[[Any], Reason | None]] = {
    ("preset",): _preset,
    ("base_url",): urls.base_url,
    ("host",): validators.host,
    ("port",): validators.port,
    ("path",): validators.chat_path,
    ("model",): validators.model,
    ("api_key",): validators.api_key,
    ("api_key_secret", "name"): validators.object_name,
    ("auth_header", "header_name"): validators.header_name,
    ("auth_header", "prefix"): validators.header_prefix,
    ("namespace",): validators.namespace,
    ("gateway", "name"): validators.object_name,
    ("gateway", "namespace"): validators.namespace,
    ("gateway", "section_name"): validators.object_name,
    ("gateway", "url"): urls.gateway_url,
    ("route_path",): validators.route_path,
    ("hostnames",): validators.route_hostnames,
    ("hostnames", EACH): validators.route_hostname,
    ("tls", "hostname"): validators.certificate_hostname,
    ("tls", "ca_certificate_configmap"): validators.object_name,
    ("ready_timeout_seconds",): validators.seconds,
    ("labels", EACH): validators.label_value,
}
"""What each value must be; `EACH` stands for every item of a list or map."""


def rule_errors(name: str, arguments: Arguments) -> Iterator[Issue]:
    """Yields an issue for each rule that the name or the resolved arguments break."""
    yield from _invalid_name(name)
    for pattern, validator in VALIDATORS.items():
        for path, value in arguments.matching(pattern):
            if reason := validator(value):
                yield Issue(path, reason)
    for rule in (
        _host_source,
        _key_source,
        _auth_header,
        _duplicates,
        _endpoints,
        _tls,
        _waiting,
        _metadata,
        _unsupported,
    ):
        yield from rule(arguments)


def _invalid_name(name: str) -> Iterator[Issue]:
    """The names of the objects of every API must be valid, so that a component can move to another."""
    names = [ObjectNames(name, backend.tls_policy_suffix) for backend in BACKENDS.values()]
    longest_suffix = max(len(each) - len(name) for of in names for each in (of.secret, of.tls_policy))
    if reason := validators.object_name(name, validators.OBJECT_NAME_LENGTH - longest_suffix):
        yield Issue(("name",), reason)


def _host_source(arguments: Arguments) -> Iterator[Issue]:
    if not any(map(arguments.given, HOST_SOURCES)):
        presets = ", ".join(sorted(PRESETS))
        yield Issue(
            ("host",),
            lambda case: f"required, unless you give `{case('base_url')}` or a `{case('preset')}`: {presets}",
        )
    for other in ("preset", "host", "port", "path"):
        if arguments.given("base_url") and arguments.given(other):
            yield Issue(
                (other,), lambda case: f"`{case('base_url')}` already gives host, port and path; remove one of them"
            )


def _key_source(arguments: Arguments) -> Iterator[Issue]:
    sources = list(filter(arguments.given, KEY_SOURCES))
    if not sources:
        yield Issue(
            ("api_key",),
            lambda case: f"required, unless you give `{case('api_key_secret')}` or `{case('passthrough')}`",
        )
    for other in sources[1:]:
        yield Issue(
            (other,), lambda case: f"`{case(sources[0])}` already says where the key comes from; remove one of them"
        )


def _auth_header(arguments: Arguments) -> Iterator[Issue]:
    if arguments.resolved("auth_header") == {}:
        yield Issue(
            ("auth_header",),
            lambda case: f"empty; give `{case('auth_header.header_name')}`, `{case('auth_header.prefix')}`, or both",
        )
    if arguments.given("auth_header") and arguments.given("passthrough"):
        yield Issue(
            ("auth_header",),
            lambda case: (
                f"has no effect with `{case('passthrough')}`, which forwards the caller's own header; remove one"
            ),
        )


def _duplicates(arguments: Arguments) -> Iterator[Issue]:
    seen = set()
    for path, name in arguments.matching(("hostnames", EACH)):
        if name in seen:
            yield Issue(path, f'"{name}" is listed twice')
        seen.add(name)


def _endpoints(arguments: Arguments) -> Iterator[Issue]:
    path = arguments.resolved("path")
    if arguments.resolved("endpoints") == Endpoints.ALL and path is not None and not path.endswith(CHAT_COMPLETIONS):
        yield Issue(
            ("path",),
            lambda case: (
                f"\"{path}\" doesn't end in {CHAT_COMPLETIONS}, so the other endpoints' paths are unknown; "
                f"give one that does, or `{case('endpoints')}: chat`"
            ),
        )


def _tls(arguments: Arguments) -> Iterator[Issue]:
    url = _valid_base_url(arguments)
    disabled = arguments.given("tls", "disabled")
    plain_http = disabled or (url is not None and not url.tls)
    if plain_http:
        switch = "tls.disabled" if disabled else "base_url"
        for field in ("hostname", "ca_certificate_configmap"):
            if arguments.given("tls", field):
                yield Issue(
                    ("tls", field),
                    lambda case: f"has no effect without TLS, which `{case(switch)}` turns off; remove one of them",
                )
    host = url.host if url else arguments.resolved("host")
    if host is not None and validators.is_address(host) and not arguments.given("tls", "hostname") and not plain_http:
        yield Issue(
            ("tls", "hostname"), f'required, because the host "{host}" is an address; give the name on its certificate'
        )
    if not disabled:
        return
    if url is not None and url.tls:
        yield Issue(
            ("tls", "disabled"), lambda case: f"contradicts the https of `{case('base_url')}`; give the URL with http"
        )
    elif arguments.resolved("port") == HTTPS_PORT or not (arguments.given("port") or arguments.given("base_url")):
        yield Issue(("tls", "disabled"), lambda case: f"port 443 is for TLS; give the `{case('port')}` for plain HTTP")


def _valid_base_url(arguments: Arguments) -> urls.BaseUrl | None:
    url = arguments.resolved("base_url")
    return urls.parse_base_url(url) if url is not None and not urls.base_url(url) else None


def _waiting(arguments: Arguments) -> Iterator[Issue]:
    if arguments.given("ready_timeout_seconds") and not arguments.given("wait_for_ready"):
        yield Issue(("ready_timeout_seconds",), lambda case: f"has no effect without `{case('wait_for_ready')}`")


def _metadata(arguments: Arguments) -> Iterator[Issue]:
    for field in ("labels", "annotations"):
        for path, _ in arguments.matching((field, EACH)):
            if reason := validators.metadata_key(str(path[-1])):
                yield Issue(path, reason)
    if arguments.given("annotations", readiness.ANNOTATION):
        yield Issue(
            ("annotations", readiness.ANNOTATION),
            lambda case: f"set by the component; give `{case('wait_for_ready')}` instead",
        )


def _unsupported(arguments: Arguments) -> Iterator[Issue]:
    """What the gateways of this API can't do."""
    api = arguments.resolved("api")
    if api is None and arguments.given("api"):
        return
    for limitation in BACKENDS[BackendApi(api or DEFAULT_API)].limitations:
        for path, value in arguments.matching(limitation.argument):
            if limitation.applies_to(value):
                yield Issue(path, limitation.reason)


RULES: Sequence[Callable[[Arguments], Iterator[Issue]]] = (
    _host_source,
    _key_source,
    _auth_header,
    _duplicates,
    _endpoints,
    _tls,
    _waiting,
    _metadata,
    _unsupported,
)
"""What the arguments must be together."""
