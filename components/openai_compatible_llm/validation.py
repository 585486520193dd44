"""What is refused: each argument by itself, and what the arguments mean together."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from . import base_url, client_url, formats, readiness
from .args import BackendApi, OpenAICompatibleLLMArgs
from .generations import DEFAULT_API, backend_kind
from .problems import InvalidArguments, Problem, camel_case, nearest, snake_case
from .providers import HTTPS_PORT, PRESETS
from .settings import ObjectNames
from .shape import in_snake_case, is_known_later, shape_problems, without_nones

MOST_HOSTNAMES = 16

_HOST_SOURCES = ("preset", "base_url", "host")
_KEY_SOURCES = ("api_key", "api_key_secret", "passthrough")


class Given:
    """The arguments: what of them was given, and what is known and of its type."""

    def __init__(self, args: Mapping[str, Any], misshapen: set[tuple[str, ...]]) -> None:
        self._args = args
        self._misshapen = misshapen

    def has(self, *argument: str) -> bool:
        """Whether it was given, be it known later. `passthrough: false` and the like count as not given."""
        value = self._at(argument)
        return value is not None and value is not False

    def known(self, *argument: str) -> Any:
        """Its value; None where it wasn't given, is known later, or is not of its type."""
        if any(bad[: len(argument)] == argument or argument[: len(bad)] == bad for bad in self._misshapen):
            return None
        value = self._at(argument)
        return None if is_known_later(value) else value

    def entries(self, argument: str) -> list[tuple[tuple[str, ...], Any]]:
        """What is known of the parts of a list or map, and where each stands."""
        value = self.known(argument) or {}
        parts = value.items() if isinstance(value, Mapping) else enumerate(value)
        return [((argument, str(key)), each) for key, each in parts if not is_known_later(each)]

    def _at(self, argument: tuple[str, ...]) -> Any:
        value: Any = self._args
        for name in argument:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value


def refuse_problems(name: str, args: Mapping[str, Any]) -> None:
    """Checks what is known of the arguments; what is known only later passes.

    Raises:
        InvalidArguments: With every problem found.
    """
    problems = find_problems(name, args)
    if problems:
        raise InvalidArguments(name, problems)


def find_problems(name: str, args: Mapping[str, Any], *, in_camel_case: bool = False) -> list[Problem]:
    """Everything that is wrong with what is known of the arguments, in the order of their declaration.

    Args:
        name: The component's name.
        args: As in `OpenAICompatibleLLMArgs`.
        in_camel_case: Whether names are written so, as in stack files; in the problems they are then as well.
    """
    declared = cast("type", OpenAICompatibleLLMArgs)
    spelled = camel_case if in_camel_case else str
    given = without_nones(args)
    misshapen = list(shape_problems(declared, given, spelled))
    places = {tuple(map(snake_case, problem.argument)) for problem in misshapen}
    known = Given(in_snake_case(declared, given) if in_camel_case else given, places)
    meaning = [each.in_camel_case() if in_camel_case else each for each in meaning_problems(name, known)]
    order = {spelled(argument): place for place, argument in enumerate(("name", *declared.__annotations__))}
    return sorted([*misshapen, *meaning], key=lambda problem: order.get(problem.argument[0], -1))


def meaning_problems(name: str, given: Given) -> Iterator[Problem]:
    """What is wrong although it is of its type."""
    yield from _name_problems(name)
    yield from _provider_problems(given)
    yield from _key_problems(given)
    yield from _object_problems(given)
    yield from _route_problems(given)
    yield from _tls_problems(given)
    yield from _ready_problems(given)
    yield from _metadata_problems(given)


def checked_api_key(name: str, key: object) -> str:
    """The key, for one that becomes known only later.

    Raises:
        InvalidArguments: Where it is no key. The message doesn't hold it.
    """
    said = formats.api_key(key) if isinstance(key, str) else "what was given is not a string"
    if said:
        raise InvalidArguments(name, [Problem(("api_key",), said)])
    return cast("str", key)


def _said(reason: str | None, *argument: str) -> Iterator[Problem]:
    if reason:
        yield Problem(argument, reason)


def _name_problems(name: str) -> Iterator[Problem]:
    """The names of the objects of all generations must be possible, so that a component can move to another."""
    names = [ObjectNames(name, backend_kind(api).tls_policy_suffix) for api in BackendApi]
    longest_addition = max(len(each) - len(name) for of in names for each in (of.secret, of.tls_policy))
    yield from _said(formats.object_name(name, formats.OBJECT_NAME_LENGTH - longest_addition), "name")


def _provider_problems(given: Given) -> Iterator[Problem]:
    if not any(given.has(source) for source in _HOST_SOURCES):
        yield Problem(
            ("host",), f"give the provider's host, its `base_url`, or a `preset`: {', '.join(sorted(PRESETS))}"
        )
    yield from _preset_problems(given)
    if (url := given.known("base_url")) is not None:
        yield from _said(base_url.problem(url), "base_url")
    for other in ("preset", "host", "port", "path"):
        if given.has("base_url") and given.has(other):
            yield Problem(("base_url",), f"it says host, port and path, and `{other}` says so too; give one of the two")
    if (host := given.known("host")) is not None:
        yield from _said(formats.host(host), "host")
    port = given.known("port")
    if port is not None and not 1 <= port <= 65535:
        yield Problem(("port",), f"{port:.0f} is not a port; give 1 to 65535")
    if (path := given.known("path")) is not None:
        yield from _path_problems(path)
    if (model := given.known("model")) is not None:
        yield from _said(formats.model(model), "model")


def _preset_problems(given: Given) -> Iterator[Problem]:
    preset = given.known("preset")
    if preset is not None and preset not in PRESETS:
        reason = f'"{preset}" is not in the catalogue; {nearest(preset, PRESETS)}'
        yield Problem(("preset",), f"{reason} For a provider that isn't there give `host` or `base_url`")
        return
    header = PRESETS[preset].auth_header if preset is not None else None
    if header is None or given.has("auth_header") or given.has("passthrough"):
        return
    api = given.known("api")
    if (api is not None or not given.has("api")) and not backend_kind(api).sends_auth_header:
        yield Problem(
            ("preset",),
            f'"{preset}" takes the key in the header {header.header_name}, and gateways of `api: {api or DEFAULT_API}` '
            "send `Authorization: Bearer` whatever is said; give `api: agentgateway`",
        )


def _path_problems(path: str) -> Iterator[Problem]:
    said = formats.url_path(path, "/v1/chat/completions")
    if not said and path.endswith(base_url.CHAT_COMPLETIONS * 2):
        said = (
            f'"{path}" ends in {base_url.CHAT_COMPLETIONS} twice; give {path.removesuffix(base_url.CHAT_COMPLETIONS)}'
        )
    yield from _said(said, "path")


def _key_problems(given: Given) -> Iterator[Problem]:
    sources = [source for source in _KEY_SOURCES if given.has(source)]
    if not sources:
        yield Problem(
            ("api_key",),
            "give the provider's key, the `api_key_secret` that holds it, or `passthrough` for the callers' own",
        )
    for other in sources[1:]:
        yield Problem((other,), f"`{sources[0]}` is given as well; one of them says where the key comes from")
    if (key := given.known("api_key")) is not None:
        yield from _said(formats.api_key(key), "api_key")
    if (name := given.known("api_key_secret", "name")) is not None:
        yield from _said(formats.object_name(name), "api_key_secret", "name")
    if not given.has("auth_header"):
        return
    if given.known("auth_header") == {}:
        yield Problem(("auth_header",), "it is empty; give `auth_header.header_name`, `auth_header.prefix`, or both")
    if given.has("passthrough"):
        yield Problem(("auth_header",), "with `passthrough` the caller's own header goes on; give one of the two")
    if (header := given.known("auth_header", "header_name")) is not None:
        yield from _said(formats.header_name(header), "auth_header", "header_name")
    if (prefix := given.known("auth_header", "prefix")) is not None:
        yield from _said(formats.header_prefix(prefix), "auth_header", "prefix")


def _object_problems(given: Given) -> Iterator[Problem]:
    if (namespace := given.known("namespace")) is not None:
        yield from _said(formats.namespace(namespace), "namespace")
    if (namespace := given.known("gateway", "namespace")) is not None:
        yield from _said(formats.namespace(namespace), "gateway", "namespace")
    for field in ("name", "section_name"):
        if (name := given.known("gateway", field)) is not None:
            yield from _said(formats.object_name(name), "gateway", field)
    if (url := given.known("gateway", "url")) is not None:
        yield from _said(client_url.problem(url), "gateway", "url")


def _route_problems(given: Given) -> Iterator[Problem]:
    if (path := given.known("route_path")) is not None:
        yield from _said(formats.url_path(path, "/mistral"), "route_path")
    names = [name for _, name in given.entries("hostnames")]
    if len(names) > MOST_HOSTNAMES:
        yield Problem(("hostnames",), f"there are {len(names)}; a route takes {MOST_HOSTNAMES} at most")
    for position, (argument, name) in enumerate(given.entries("hostnames")):
        if isinstance(name, str):
            again = f'"{name}" is there twice' if name in names[:position] else None
            yield from _said(formats.route_hostname(name) or again, *argument)


def _tls_problems(given: Given) -> Iterator[Problem]:
    url = given.known("base_url")
    url_says = base_url.parse(url) if url is not None and not base_url.problem(url) else None
    for field, check in (("hostname", formats.host), ("ca_certificate_configmap", formats.object_name)):
        if (value := given.known("tls", field)) is not None:
            yield from _said(check(value), "tls", field)
        if given.has("tls", field) and given.has("tls", "disabled"):
            yield Problem(("tls", field), "`tls.disabled` is given as well, and without TLS there is nothing to check")
    name = given.known("tls", "hostname")
    if name is not None and formats.is_address(name):
        yield Problem(("tls", "hostname"), f'"{name}" is an address; give the name that the certificate is for')
    host = url_says.host if url_says else given.known("host")
    without_tls = given.has("tls", "disabled") or (url_says is not None and not url_says.tls)
    if host is not None and formats.is_address(host) and not given.has("tls", "hostname") and not without_tls:
        yield Problem(
            ("tls", "hostname"), f'the host "{host}" is an address; give the name that its certificate is for'
        )
    if given.has("tls", "disabled"):
        port = url_says.port if url_says else given.known("port")
        if port == HTTPS_PORT or (port is None and not given.has("port") and not given.has("base_url")):
            yield Problem(("tls", "disabled"), "port 443 takes TLS alone; give the `port` that takes plain HTTP")
        elif url_says and url_says.tls:
            yield Problem(("tls", "disabled"), "`base_url` says https; give it with http")
    elif url_says and not url_says.tls:
        if url_says.port == HTTPS_PORT:
            yield Problem(("base_url",), "port 443 takes TLS alone; give the URL with https, or another port")
        for field in ("hostname", "ca_certificate_configmap"):
            if given.has("tls", field):
                yield Problem(("tls", field), "`base_url` says http, and without TLS there is nothing to check")


def _ready_problems(given: Given) -> Iterator[Problem]:
    seconds = given.known("ready_timeout_seconds")
    if seconds is not None and seconds < 1:
        yield Problem(("ready_timeout_seconds",), f"{seconds:.0f} seconds are too few; give 1 or more")
    if given.has("ready_timeout_seconds") and not given.has("wait_for_ready"):
        yield Problem(("ready_timeout_seconds",), "nothing waits for it; give `wait_for_ready` as well")


def _metadata_problems(given: Given) -> Iterator[Problem]:
    for field in ("labels", "annotations"):
        for argument, value in given.entries(field):
            yield from _said(formats.metadata_key(argument[1]), *argument)
            if field == "labels" and isinstance(value, str):
                yield from _said(formats.label_value(value), *argument)
            if field == "annotations" and argument[1] == readiness.ANNOTATION:
                yield Problem(argument, "the component sets it; give `wait_for_ready`")
