"""Evaluates the samples, in pairs of the same round."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Sample:
    """The cost of one operation, by measure."""

    round: int
    program: str
    providers: int
    operation: str
    cost: dict[str, float]


class Figures:
    """The samples by what was measured. Some programs and sizes are measured in more rounds than others."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._costs: dict[tuple[str, int, str], dict[int, dict[str, float]]] = defaultdict(dict)
        for each in samples:
            self._costs[each.program, each.providers, each.operation][each.round] = each.cost

    def measured(self, program: str) -> list[tuple[int, str]]:
        """Returns the sizes and operations at which the program was measured."""
        found = [(size, operation) for name, size, operation in self._costs if name == program]
        return sorted(found, key=lambda each: each[0])

    def values(self, program: str, size: int, operation: str, *measures: str) -> list[float]:
        """Returns each round's sum of these measures."""
        return [_sum(cost, measures) for cost in self._costs.get((program, size, operation), {}).values()]

    def ratios(self, over: str, under: str, size: int, operation: str, *measures: str) -> list[float]:
        """Returns the ratio of one program to another, in each round that has both."""
        one, other = (self._costs.get((name, size, operation), {}) for name in (over, under))
        return [_sum(one[number], measures) / _sum(other[number], measures) for number in one if number in other]


def _sum(cost: dict[str, float], measures: Iterable[str]) -> float:
    return sum(cost[measure] for measure in measures)


def spread(values: Sequence[float]) -> str:
    """Formats the median, and the interval that has the median of many more values with a probability of 95 %.

    Of few values, that is the least to the most.
    """
    if len(values) < 2:
        return f"{values[0]:.2f}" if values else "-"
    ordered, reach, middle = sorted(values), math.sqrt(len(values)), (len(values) - 1) / 2
    low, high = ordered[max(0, math.floor(middle - reach))], ordered[min(len(values) - 1, math.ceil(middle + reach))]
    return f"{median(values):.2f} ({low:.2f} to {high:.2f})"


def target(promise: str, ratios: Sequence[float], at_most: float) -> tuple[str, str, str, str]:
    """Returns the promise, the result, the limit and the verdict."""
    met = round(median(ratios), 2) <= at_most
    return promise, spread(ratios), f"{at_most:.2f}", "met" if met else "**missed**"
