"""Parses the path that providers share, and the models by which requests there are a provider's."""

from collections.abc import Mapping

from ..args import Endpoints
from ..arguments import Arguments, Key
from ..backends.model_routing import LONGEST_HEADER_MATCH
from ..model_patterns import regular_expression
from ..settings import SharedRoute
from . import validators
from .placement import parse_path_prefix

WITHOUT_SHARED_PATH = "has no effect without `shared_route_path`; give that too"


def parse_shared_route(arguments: Arguments, model_aliases: Mapping[str, str], route_path: str) -> SharedRoute | None:
    """Parses the shared path and its models. What isn't resolved yet has no models."""
    path = parse_path_prefix(arguments, "shared_route_path", "/llm")
    arguments.read("models", check=validators.models)
    models = [name for _, name in arguments.read_each("models", check=validators.model_pattern)]
    if not arguments.given("shared_route_path"):
        if arguments.given("models"):
            arguments.report(WITHOUT_SHARED_PATH, "models")
        return None
    has_aliases = arguments.given("model_aliases") and arguments.read("model_aliases") != {}
    if not (arguments.given("models") or has_aliases):
        arguments.report("needs the models of this provider; give `models` or `model_aliases`", "shared_route_path")
    if path == route_path:
        arguments.report(f'"{path}" is the `route_path` too; give another', "shared_route_path")
    if arguments.given("model"):
        arguments.report("with `shared_route_path`, a request's own model decides; remove one of them", "model")
    if arguments.read("endpoints") == Endpoints.CHAT:
        reason = "with `shared_route_path`, clients reach all endpoints; remove this argument"
        arguments.report(reason, "endpoints")
    for alias in model_aliases:
        if not validators.model(alias) and (problem := validators.model_pattern(alias)):
            arguments.report(problem, "model_aliases", Key(alias))
    names = tuple(sorted({*models, *model_aliases}))
    length = len(regular_expression(names))
    if length > LONGEST_HEADER_MATCH:
        reason = (
            f"the route's expression for them has {length} characters, and it can have {LONGEST_HEADER_MATCH} at most; "
            "give patterns such as mistral-*"
        )
        arguments.report(reason, "models" if models else "model_aliases")
    return SharedRoute(path, names)
