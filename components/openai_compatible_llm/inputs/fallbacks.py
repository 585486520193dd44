"""Parses the fallbacks: each as a provider, and how they go together with the component's own provider."""

from collections import Counter
from dataclasses import replace

from ..arguments import Arguments
from ..arguments.validators import OBJECT_NAME_LENGTH, object_name
from ..settings import ObjectNames, Provider
from .providers import KEY_SOURCES, parse_provider

MOST_FALLBACKS = 7
FALLBACK_KEY_SOURCES = tuple(source for source in KEY_SOURCES if source != "passthrough")


def parse_fallbacks(arguments: Arguments, names: ObjectNames, first: Provider) -> tuple[Provider, ...]:
    """Parses the fallbacks of a component, whose own provider is the first."""
    fallbacks = arguments.groups("fallbacks")
    if len(fallbacks) > MOST_FALLBACKS:
        arguments.report(f"{len(fallbacks)} entries; give at most {MOST_FALLBACKS}", "fallbacks")
    if fallbacks and arguments.given("passthrough"):
        reason = (
            "can't be used with `passthrough`, because the client has a token for one provider only; "
            "give each its key as `api_key`"
        )
        arguments.report(reason, "fallbacks")
    counts = Counter(each.read("name") for each in fallbacks)
    return tuple(_parse_fallback(arguments, each, names, first, counts) for each in fallbacks)


def _parse_fallback(
    component: Arguments, fallback: Arguments, names: ObjectNames, first: Provider, counts: Counter[str | None]
) -> Provider:
    def check_name(name: str) -> str | None:
        if reason := object_name(name, OBJECT_NAME_LENGTH - len(names.fallback_secret(""))):
            return reason
        if name == names.component:
            return f'"{name}" is the component\'s own name; give another'
        return f'"{name}" is the name of {counts[name]} fallbacks; give each its own' if counts[name] > 1 else None

    name = fallback.read("name", check=check_name, default="")
    provider = parse_provider(fallback, name, names.fallback_secret(name), FALLBACK_KEY_SOURCES)
    if fallback.given("model") or not (first.host and provider.host):
        return provider
    if provider.host == first.host:
        return replace(provider, model=first.model)
    # Without a model of its own, the fallback would be asked for one that only the component's host has.
    if source := next(filter(component.given, ("model", "model_aliases")), None):
        fallback.report(f"required, because the component's `{source}` is for {first.host}", "model")
    return provider
