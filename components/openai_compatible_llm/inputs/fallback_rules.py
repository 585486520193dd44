"""Checks the fallbacks: each as a provider, and how they go together with the component's own provider."""

from collections import Counter
from collections.abc import Iterator

from ..args import Endpoints
from ..presets import PRESETS
from ..settings import CHAT_COMPLETIONS, ObjectNames
from . import validators
from .arguments import Arguments
from .errors import Issue, Reason
from .provider_rules import KEY_SOURCES, provider_errors, valid_base_url

MOST_FALLBACKS = 7
FALLBACK_KEY_SOURCES = tuple(source for source in KEY_SOURCES if source != "passthrough")


def fallback_errors(name: str, arguments: Arguments) -> Iterator[Issue]:
    """Yields an issue for each rule that the fallbacks break."""
    fallbacks = arguments.groups("fallbacks")
    if len(fallbacks) > MOST_FALLBACKS:
        yield arguments.issue("fallbacks", reason=f"{len(fallbacks)} entries; give at most {MOST_FALLBACKS}")
    if fallbacks and arguments.given("passthrough"):
        yield arguments.issue(
            "fallbacks",
            reason=lambda case: (
                f"can't be used with `{case('passthrough')}`, because the caller has a token for one provider only; "
                f"give each its key as `{case('api_key')}`"
            ),
        )
    yield from _names(name, fallbacks)
    for fallback in fallbacks:
        yield from provider_errors(fallback, FALLBACK_KEY_SOURCES)
        yield from _model(arguments, fallback)


def endpoint_errors(arguments: Arguments) -> Iterator[Issue]:
    """Yields an issue for each provider that can't have the endpoints that were asked for."""
    if arguments.resolved("endpoints") != Endpoints.ALL:
        return
    for provider in (arguments, *arguments.groups("fallbacks")):
        path = provider.resolved("path")
        if path is not None and not path.endswith(CHAT_COMPLETIONS):
            yield provider.issue("path", reason=_no_prefix(path, "the component's " if provider.place else ""))


def _no_prefix(path: str, owner: str) -> Reason:
    return lambda case: (
        f"\"{path}\" doesn't end in {CHAT_COMPLETIONS}, so the other endpoints' paths are unknown; "
        f"give one that does, or {owner}`{case('endpoints')}: chat`"
    )


def _names(component: str, fallbacks: list[Arguments]) -> Iterator[Issue]:
    names = Counter(fallback.resolved("name") for fallback in fallbacks)
    for fallback in fallbacks:
        name = fallback.resolved("name")
        if name is None:
            continue
        longest = validators.OBJECT_NAME_LENGTH - len(ObjectNames(component).fallback_secret(""))
        if reason := validators.object_name(name, longest):
            yield fallback.issue("name", reason=reason)
        elif name == component:
            yield fallback.issue("name", reason=f'"{name}" is the component\'s own name; give another')
        elif names[name] > 1:
            yield fallback.issue("name", reason=f'"{name}" is the name of {names[name]} fallbacks; give each its own')


def _model(component: Arguments, fallback: Arguments) -> Iterator[Issue]:
    """Without a model of its own, the fallback would be asked for one that only the component's host has."""
    source = next(filter(component.given, ("model", "model_aliases")), None)
    hosts = (_host(component), _host(fallback))
    if source is None or fallback.given("model") or None in hosts or hosts[0] == hosts[1]:
        return
    yield fallback.issue(
        "model", reason=lambda case: f"required, because the component's `{case(source)}` is for {hosts[0]}"
    )


def _host(provider: Arguments) -> str | None:
    if provider.given("base_url"):
        url = valid_base_url(provider)
        return url.host if url else None
    if provider.given("host"):
        host: str | None = provider.resolved("host")
        return host
    preset = PRESETS.get(provider.resolved("preset") or "")
    return preset.host if preset else None
