"""Knows the one URL of several providers by a stack's outputs: which models it has, and whose they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..model_patterns import is_pattern, matches


@dataclass(frozen=True)
class SharedUrl:
    """A URL at which a request's model decides which provider answers.

    Attributes:
        models: By each owner's name, its models' names and patterns.
        namespace: Namespace of the HTTPRoute that answers what no provider takes; None where it isn't known.
        route_name: That HTTPRoute's name; None where it isn't known.
    """

    models: Mapping[str, Sequence[str]]
    namespace: str | None
    route_name: str | None

    @property
    def names(self) -> list[str]:
        """Returns the models' exact names and patterns, sorted."""
        return sorted({each for models in self.models.values() for each in models})

    @property
    def exact_names(self) -> list[str]:
        return [each for each in self.names if not is_pattern(each)]

    @property
    def patterns(self) -> list[str]:
        return [each for each in self.names if is_pattern(each)]

    def owner(self, model: str | None) -> str | None:
        """Returns who has the model, or the pattern itself; None where it is nobody's. Exact names go first."""
        if model is None:
            return None
        exact = (name for name, models in self.models.items() if model in models)
        by_pattern = (name for name, models in self.models.items() if any(matches(each, model) for each in models))
        return next(exact, None) or next(by_pattern, None)
