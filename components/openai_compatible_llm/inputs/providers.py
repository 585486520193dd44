"""Parses the arguments of one provider, the component's own and a fallback's alike."""

from collections.abc import Sequence

from ..arguments import Arguments
from ..arguments.suggestions import suggestion
from ..arguments.validators import header_name, header_prefix, is_address, object_name, port
from ..presets import CHAT_COMPLETIONS_PATH, HTTPS_PORT, PRESETS, Preset
from ..settings import AUTHORIZATION, TLS, AuthHeader, Provider
from . import urls, validators

HOST_SOURCES = ("preset", "base_url", "host")
KEY_SOURCES = ("api_key", "api_key_secret", "passthrough", "keyless")


def provider_groups(arguments: Arguments) -> list[Arguments]:
    """Returns the arguments of each provider in the order of use: the component's own, and each fallback's."""
    return [arguments, *arguments.groups("fallbacks")]


def parse_provider(
    arguments: Arguments, name: str, own_secret: str, key_sources: Sequence[str] = KEY_SOURCES
) -> Provider:
    """Parses where the component's provider or a fallback is, and what it gets. A host that isn't resolved is empty.

    If the arguments have a key, the component creates its `own_secret`. One of `key_sources` must be given.
    """
    url, preset = _parse_host_source(arguments)
    host = arguments.read("host", check=validators.host, default=preset.host if preset else "")
    number = arguments.read("port", check=port, default=preset.port if preset else HTTPS_PORT)
    default_path = preset.path if preset else CHAT_COMPLETIONS_PATH
    path = arguments.read("path", check=validators.chat_path, default=default_path)
    if url:
        host, number, path = url.host, url.port, url.path
    return Provider(
        name=name,
        host=host,
        port=number,
        path=path,
        model=arguments.read("model", check=validators.model),
        secret_name=_parse_key_source(arguments, own_secret, key_sources),
        keyless=arguments.given("keyless"),
        auth_header=_parse_providers_header(arguments),
        tls=_parse_tls(arguments, host, url),
    )


def _parse_host_source(arguments: Arguments) -> tuple[urls.BaseUrl | None, Preset | None]:
    if not any(map(arguments.given, HOST_SOURCES)):
        presets = ", ".join(sorted(PRESETS))
        arguments.report(f"required, unless you give `base_url` or a `preset`: {presets}", "host")
    if arguments.given("base_url"):
        for other in filter(arguments.given, ("preset", "host", "port", "path")):
            arguments.report("`base_url` already gives host, port and path; remove one of them", other)
    url = arguments.read("base_url", check=urls.base_url)
    preset = arguments.read("preset", check=_preset)
    return urls.parse_base_url(url) if url else None, PRESETS[preset] if preset else None


def _preset(name: str) -> str | None:
    if name in PRESETS:
        return None
    from .advice import preset_advice, sentence  # Takes a while to import, and is needed for an error only.

    advice = preset_advice(name)
    if advice and advice in PRESETS:
        advice = f"for {PRESETS[advice].title} give `preset: {advice}`"
    if advice:
        return f'"{name}" is not a preset; {sentence(advice)}'
    guess = suggestion(name, PRESETS, "presets")
    return f'"{name}" is not a preset (for any other provider give `host` or `base_url`); {guess}'


def _parse_key_source(arguments: Arguments, own_secret: str, key_sources: Sequence[str]) -> str | None:
    arguments.read("api_key", check=validators.api_key)
    existing: str | None = arguments.read("api_key_secret", "name", check=object_name)
    sources = list(filter(arguments.given, key_sources))
    if not sources:
        *others, last = (f"`{each}`" for each in key_sources[1:])
        arguments.report(f"required, unless you give {', '.join(others)} or {last}", "api_key")
    for other in sources[1:]:
        arguments.report(f"`{sources[0]}` already says where the key comes from; remove one of them", other)
    return own_secret if arguments.given("api_key") else existing


def parse_auth_header(arguments: Arguments, argument: str) -> AuthHeader | None:
    """Parses the header with a key; None if the argument isn't given."""
    if arguments.read(argument) == {}:
        arguments.report(f"empty; give `{argument}.header_name`, `{argument}.prefix`, or both", argument)
    name = arguments.read(argument, "header_name", check=header_name, default=AUTHORIZATION)
    prefix = arguments.read(argument, "prefix", check=header_prefix)
    if not arguments.given(argument):
        return None
    header = AuthHeader(name, prefix)
    return AuthHeader(name, "Bearer") if header.is_authorization and prefix is None else header


def _parse_providers_header(arguments: Arguments) -> AuthHeader | None:
    for source, effect in (("passthrough", "forwards the client's own header"), ("keyless", "sends no key")):
        if arguments.given("auth_header") and arguments.given(source):
            arguments.report(f"has no effect with `{source}`, which {effect}; remove one", "auth_header")
    return parse_auth_header(arguments, "auth_header")


def _parse_tls(arguments: Arguments, host: str, url: urls.BaseUrl | None) -> TLS | None:
    tls = arguments.within("tls")
    hostname = tls.read("hostname", check=validators.certificate_hostname)
    configmap = tls.read("ca_certificate_configmap", check=object_name)
    disabled = tls.given("disabled")
    if disabled and url and url.tls:
        tls.report("contradicts the https of `base_url`; give the URL with http", "disabled")
    elif disabled and (arguments.read("port") == HTTPS_PORT or not any(map(arguments.given, ("port", "base_url")))):
        tls.report("port 443 is for TLS; give the `port` for plain HTTP", "disabled")
    if disabled or (url and not url.tls):
        for field in filter(tls.given, ("hostname", "ca_certificate_configmap")):
            switch = "tls.disabled" if disabled else "base_url"
            tls.report(f"has no effect without TLS, which `{switch}` turns off; remove one of them", field)
    elif is_address(host) and not tls.given("hostname"):
        tls.report(f'required, because the host "{host}" is an address; give the name on its certificate', "hostname")
    return TLS(hostname or host, configmap) if (url.tls if url else not disabled) else None
