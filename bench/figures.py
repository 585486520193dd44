"""What the samples say: medians, and ratios that were taken round by round."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.rounds import Sample

PROCESSOR = ("program processor seconds", "engine processor seconds")


@dataclass(frozen=True)
class Spread:
    """A median, with the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


class Figures:
    """Of samples of which each round has every program, size and operation once.

    Attributes:
        sizes: Numbers of providers.
        programs: Those that were measured at every size.
        rounds: Their numbers.
    """

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._costs = {(each.program, each.providers, each.operation, each.round): each.cost for each in samples}
        self.sizes = sorted({size for _, size, _, _ in self._costs})
        self.programs = [
            program
            for program in dict.fromkeys(program for program, *_ in self._costs)
            if all(self.has(program, size) for size in self.sizes)
        ]
        self.rounds = sorted({number for *_, number in self._costs})

    def of(self, program: str, size: int, operation: str, *measures: str) -> Spread:
        """The sum of these measures."""
        return Spread.of([self._sum(program, size, operation, number, measures) for number in self.rounds])

    def ratio(self, over: tuple[str, int], under: tuple[str, int], operation: str, *measures: str) -> Spread:
        """Of one program at one size to another, each round by itself."""
        return Spread.of(
            [
                self._sum(*over, operation, number, measures) / self._sum(*under, operation, number, measures)
                for number in self.rounds
            ]
        )

    def has(self, program: str, size: int) -> bool:
        """Whether the program was measured at this size."""
        return any(key[:2] == (program, size) for key in self._costs)

    def _sum(self, program: str, size: int, operation: str, number: int, measures: Sequence[str]) -> float:
        cost = self._costs[program, size, operation, number]
        return sum(cost.get(measure, 0) for measure in measures)
