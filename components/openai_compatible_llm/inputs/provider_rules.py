"""Checks what the arguments of one provider mean, the component's own and a fallback's alike."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..presets import HTTPS_PORT, PRESETS
from . import urls, validators
from .arguments import Arguments
from .errors import Issue, Path, Reason, suggestion

HOST_SOURCES = ("preset", "base_url", "host")
KEY_SOURCES = ("api_key", "api_key_secret", "passthrough", "keyless")


def _preset(name: str) -> Reason | None:
    if name in PRESETS:
        return None
    from .advice import advice_text, preset_advice  # Takes a while to import, and is needed for an error only.

    advice = preset_advice(name)
    if advice and advice in PRESETS:
        advice = f"for {PRESETS[advice].title} give `preset: {advice}`"
    guess = suggestion(name, PRESETS, "presets")
    return lambda case: (
        f'"{name}" is not a preset; {advice_text(advice, case)}'
        if advice
        else f'"{name}" is not a preset (for any other provider give `{case("host")}` or `{case("base_url")}`); {guess}'
    )


PROVIDER_VALIDATORS: Mapping[Path, Callable[[Any], Reason | None]] = {
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
    ("tls", "hostname"): validators.certificate_hostname,
    ("tls", "ca_certificate_configmap"): validators.object_name,
}
"""What each value must be."""


def provider_errors(provider: Arguments, key_sources: tuple[str, ...]) -> Iterator[Issue]:
    """Yields an issue for each rule that the arguments of one provider break.

    Args:
        provider: The component's arguments, or a fallback's.
        key_sources: Arguments that say where the API key comes from.
    """
    yield from _host_source(provider)
    yield from _key_source(provider, key_sources)
    yield from _auth_header(provider)
    yield from _tls(provider)


def valid_base_url(provider: Arguments) -> urls.BaseUrl | None:
    """Returns the parts of the base URL; None where it isn't resolved or not valid."""
    url = provider.resolved("base_url")
    return urls.parse_base_url(url) if url is not None and not urls.base_url(url) else None


def is_plain_http(provider: Arguments) -> bool:
    """Tells whether requests go to the provider without TLS, as far as that is resolved."""
    url = valid_base_url(provider)
    return provider.given("tls", "disabled") or (url is not None and not url.tls)


def _host_source(provider: Arguments) -> Iterator[Issue]:
    if not any(map(provider.given, HOST_SOURCES)):
        presets = ", ".join(sorted(PRESETS))
        yield provider.issue(
            "host",
            reason=lambda case: f"required, unless you give `{case('base_url')}` or a `{case('preset')}`: {presets}",
        )
    for other in ("preset", "host", "port", "path"):
        if provider.given("base_url") and provider.given(other):
            yield provider.issue(
                other, reason=lambda case: f"`{case('base_url')}` already gives host, port and path; remove one of them"
            )


def _key_source(provider: Arguments, key_sources: tuple[str, ...]) -> Iterator[Issue]:
    sources = list(filter(provider.given, key_sources))
    if not sources:
        yield provider.issue(
            "api_key",
            reason=lambda case: f"required, unless you give {_any_of([f'`{case(each)}`' for each in key_sources[1:]])}",
        )
    for other in sources[1:]:
        yield provider.issue(
            other, reason=lambda case: f"`{case(sources[0])}` already says where the key comes from; remove one of them"
        )


def _any_of(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _auth_header(provider: Arguments) -> Iterator[Issue]:
    if provider.resolved("auth_header") == {}:
        yield provider.issue(
            "auth_header",
            reason=lambda case: (
                f"empty; give `{case('auth_header.header_name')}`, `{case('auth_header.prefix')}`, or both"
            ),
        )
    for source, effect in (("passthrough", "forwards the caller's own header"), ("keyless", "sends no key")):
        if provider.given("auth_header") and provider.given(source):
            yield provider.issue("auth_header", reason=f"has no effect with `{source}`, which {effect}; remove one")


def _tls(provider: Arguments) -> Iterator[Issue]:
    url = valid_base_url(provider)
    disabled = provider.given("tls", "disabled")
    plain_http = is_plain_http(provider)
    if plain_http:
        switch = "tls.disabled" if disabled else "base_url"
        for field in ("hostname", "ca_certificate_configmap"):
            if provider.given("tls", field):
                yield provider.issue(
                    "tls",
                    field,
                    reason=lambda case: (
                        f"has no effect without TLS, which `{case(switch)}` turns off; remove one of them"
                    ),
                )
    host = url.host if url else provider.resolved("host")
    if host is not None and validators.is_address(host) and not provider.given("tls", "hostname") and not plain_http:
        yield provider.issue(
            "tls",
            "hostname",
            reason=f'required, because the host "{host}" is an address; give the name on its certificate',
        )
    if not disabled:
        return
    if url is not None and url.tls:
        yield provider.issue(
            "tls",
            "disabled",
            reason=lambda case: f"contradicts the https of `{case('base_url')}`; give the URL with http",
        )
    elif provider.resolved("port") == HTTPS_PORT or not (provider.given("port") or provider.given("base_url")):
        yield provider.issue(
            "tls", "disabled", reason=lambda case: f"port 443 is for TLS; give the `{case('port')}` for plain HTTP"
        )
