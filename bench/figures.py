"""Evaluates the samples round by round, and compares the component with its targets."""

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
    """The samples of complete rounds.

    Attributes:
        sizes: Numbers of providers.
        rounds: Numbers of the rounds.
    """

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._costs = {(each.program, each.providers, each.operation, each.round): each.cost for each in samples}
        self.sizes = sorted({size for _, size, _, _ in self._costs})
        self.rounds = sorted({number for *_, number in self._costs})

    def sizes_of(self, program: str) -> list[int]:
        """Returns the sizes at which the program was measured."""
        return sorted({size for name, size, _, _ in self._costs if name == program})

    def of(self, program: str, size: int, operation: str, *measures: str) -> list[float]:
        """Returns each round's sum of these measures."""
        costs = [self._costs[program, size, operation, number] for number in self.rounds]
        return [sum(cost[measure] for measure in measures) for cost in costs]

    def ratio(self, over: tuple[str, int], under: tuple[str, int], operation: str, *measures: str) -> list[float]:
        """Returns each round's ratio of one program at one size to another."""
        pairs = zip(self.of(*over, operation, *measures), self.of(*under, operation, *measures), strict=True)
        return [one / other for one, other in pairs]


def spread(values: Sequence[float]) -> str:
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
