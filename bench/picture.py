"""The benchmark as a picture."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.figures import Figures

COLORS = {"component": "#5b4bd5", "flat": "#d98324", "kubectl": "#5f6b76"}


def draw(figures: Figures, checkpoints: Figures, file: Path) -> None:
    """Seconds of the first `up` by the number of providers, with and without checkpoints."""
    # Text as text, and no date or random name in it: the same figures are the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "openai-compatible-llm", "font.size": 10})
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for program in figures.programs:
        _line(left, figures, program, label=program)
    left.set_title("first up, without checkpoints")
    _line(right, checkpoints, "component", label="component, with checkpoints")
    _line(right, figures, "component", label="component, without", style="--", sizes=checkpoints.sizes)
    right.set_title("what the file backend's checkpoints cost")
    for axes in (left, right):
        axes.set(xlabel="providers (4 objects each)", ylabel="seconds")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, format="svg", metadata={"Date": None})


def _line(
    axes: Axes, figures: Figures, program: str, *, label: str, style: str = "-", sizes: list[int] | None = None
) -> None:
    shown = [size for size in figures.sizes if sizes is None or size in sizes]
    spreads = [figures.of(program, size, "up", "seconds") for size in shown]
    low = [each.median - each.least for each in spreads]
    high = [each.most - each.median for each in spreads]
    axes.errorbar(
        shown,
        [each.median for each in spreads],
        yerr=[low, high],
        label=label,
        color=COLORS[program],
        linestyle=style,
        marker="o",
        markersize=3,
        capsize=2,
    )
