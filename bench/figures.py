"""Evaluates the samples round by round, and compares the component with its targets."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

NOISE = "flat again"
TARGET_SIZE = 100
PROCESSOR = ("program processor seconds", "engine processor seconds")


@dataclass(frozen=True)
class Sample:
    """The cost of one operation, by measure."""

    round: int
    program: str
    providers: int
    operation: str
    cost: dict[str, float]


class Figures:
    """The samples of complete rounds. Some programs and sizes are measured in more rounds than others.

    Attributes:
        sizes: Numbers of providers.
    """

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._costs: dict[tuple[str, int, str], dict[int, dict[str, float]]] = defaultdict(dict)
        for each in samples:
            self._costs[each.program, each.providers, each.operation][each.round] = each.cost
        self.sizes = sorted({size for _, size, _ in self._costs})

    def sizes_of(self, program: str) -> list[int]:
        """Returns the sizes at which the program was measured."""
        return sorted({size for name, size, _ in self._costs if name == program})

    def operations_at(self, size: int) -> list[str]:
        """Returns the operations that were measured at this size, in their order."""
        return list(dict.fromkeys(operation for _, of, operation in self._costs if of == size))

    def rounds_of(self, program: str, size: int, operation: str) -> int:
        """Returns in how many rounds this was measured."""
        return len(self._costs[program, size, operation])

    def of(self, program: str, size: int, operation: str, *measures: str) -> list[float]:
        """Returns each round's sum of these measures."""
        return [_sum(cost, measures) for cost in self._costs[program, size, operation].values()]

    def ratio(self, over: tuple[str, int], under: tuple[str, int], operation: str, *measures: str) -> list[float]:
        """Returns the ratio of one program at one size to another, in each round that has both."""
        one, other = self._costs[*over, operation], self._costs[*under, operation]
        return [_sum(one[number], measures) / _sum(other[number], measures) for number in one if number in other]


def _sum(cost: dict[str, float], measures: Iterable[str]) -> float:
    return sum(cost[measure] for measure in measures)


def spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def targets(figures: Figures) -> Iterator[tuple[str, str, str, str]]:
    """Yields each target: its promise, the result, the limit and the verdict. All are of 100 providers."""
    if TARGET_SIZE not in figures.sizes:
        return
    component, baseline, noise, flat = ((name, TARGET_SIZE) for name in ("component", "baseline", NOISE, "flat"))
    for operation in ("preview", "up", "up again"):
        ratios = figures.ratio(component, baseline, operation, *PROCESSOR)
        yield _target(f"processor time of `{operation}`", ratios, 1.05)
    for measure in ("program memory", "engine memory"):
        yield _target(f"{measure} of `up`", figures.ratio(component, baseline, "up", measure), 1.05)
    for operation in ("preview", "up", "up again"):
        again = figures.ratio(noise, flat, operation, "seconds")
        limit = max(*again, *(1 / ratio for ratio in again))
        yield _target(f"time of `{operation}`", figures.ratio(component, baseline, operation, "seconds"), limit)


def _target(promise: str, ratios: Sequence[float], at_most: float) -> tuple[str, str, str, str]:
    met = round(median(ratios), 2) <= round(at_most, 2)
    return promise, spread(ratios), f"{at_most:.2f}", "met" if met else "**missed**"
