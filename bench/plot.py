from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.figures import Figures


def draw(figures: Figures, checkpoints: str, file: Path) -> None:
    """Plots the seconds of the first `up` over the number of providers, without and with checkpoints."""
    # Text stays text, and there are no dates or random names, so that the same figures give the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "openai-compatible-llm", "font.size": 10})
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for program in ("component", "flat", "baseline", "kubectl"):
        _line(left, figures, program, figures.sizes_of(program))
    left.set_title("first up, without checkpoints")
    for program in (checkpoints, "component"):
        _line(right, figures, program, figures.sizes_of(checkpoints))
    right.set_title("what the file backend's checkpoints cost")
    for axes in (left, right):
        axes.set(xlabel="providers (4 objects each)", ylabel="seconds", ylim=(0, None))
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, format="svg", metadata={"Date": None})


def _line(axes: Axes, figures: Figures, program: str, sizes: list[int]) -> None:
    found = [figures.of(program, size, "up", "seconds") for size in sizes]
    errors = [[median(each) - min(each) for each in found], [max(each) - median(each) for each in found]]
    axes.errorbar(sizes, [*map(median, found)], yerr=errors, label=program, marker="o", markersize=3, capsize=2)
