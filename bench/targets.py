"""What the component promises, and whether the figures keep it."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.figures import PROCESSOR, Figures, Spread

AT = 100
MOST_OVER_FLAT = 1.05
MOST_OF_250_OVER_100 = 2.7
RESOURCES_PER_PROVIDER = {"component": 5, "flat": 4}


@dataclass(frozen=True)
class Target:
    """
    Attributes:
        promise: What is promised.
        found: The ratio that was found.
        most: What it may be.
    """

    promise: str
    found: Spread
    most: float

    @property
    def kept(self) -> bool:
        """Whether the median keeps it."""
        return round(self.found.median, 2) <= self.most


def targets(figures: Figures) -> Iterator[Target]:
    """Those for which sizes were measured."""
    if AT in figures.sizes:
        component, flat = ("component", AT), ("flat", AT)
        for operation in ("preview", "up", "up again", "rotate", "destroy"):
            found = figures.ratio(component, flat, operation, "seconds")
            yield Target(f"`{operation}` of {AT} providers takes the flat program's time", found, MOST_OVER_FLAT)
        found = figures.ratio(component, flat, "up", *PROCESSOR)
        yield Target(f"`up` of {AT} providers takes the flat program's processor time", found, MOST_OVER_FLAT)
        for measure in ("program memory", "engine memory"):
            found = figures.ratio(component, flat, "up", measure)
            yield Target(f"`up` of {AT} providers takes the flat program's {measure}", found, MOST_OVER_FLAT)
    if {100, 250} <= set(figures.sizes):
        for program in ("component", "flat"):
            found = figures.ratio((program, 250), (program, 100), "up", "seconds")
            yield Target(f"`up` of 250 providers, of 100, {program}", found, MOST_OF_250_OVER_100)
