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

    def values(self, measure: str, program: str, providers: int, operation: str) -> list[float]:
        """Returns what was measured, one value a round."""
        return [cost[measure] for cost in self._costs[program, providers, operation].values()]

    def ratios(self, measure: str, over: str, under: str, providers: int, operation: str) -> list[float]:
        """Returns the ratio of one program to another in each round that has both."""
        one, other = (self._costs[program, providers, operation] for program in (over, under))
        return [one[number][measure] / other[number][measure] for number in one if number in other]


def spread(values: Sequence[float]) -> str:
    """Formats the median, and the interval that has the median of many more values with a probability of 95 %.

    Of few values, that is the least to the most.
    """
    if len(values) < 2:
        return f"{values[0]:.2f}" if values else "-"
    ordered, reach, middle = sorted(values), math.sqrt(len(values)), (len(values) - 1) / 2
    low, high = ordered[max(0, math.floor(middle - reach))], ordered[min(len(values) - 1, math.ceil(middle + reach))]
    return f"{median(values):.2f} ({low:.2f} to {high:.2f})"
