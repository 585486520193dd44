"""Plots the seconds of the first `up` over the number of providers, without and with checkpoints."""

from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.engine_time import CHECKPOINTS, COMPARED
from bench.figures import Figures
from bench.operation import KUBECTL

PLOTS = {
    "first up, without checkpoints": (*COMPARED, KUBECTL),
    "what the file backend's checkpoints cost": ("component", CHECKPOINTS),
}


def draw(figures: Figures, file: Path) -> None:
    # Text stays text, and there are no dates or random names, so that the same figures give the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "openai-compatible-llm", "font.size": 10})
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for (title, programs), axes in zip(PLOTS.items(), figure.subplots(1, 2), strict=True):
        for program in programs:
            sizes = [size for size, operation in figures.measured(program) if operation == "up"]
            seconds = [median(figures.values(program, size, "up", "seconds")) for size in sizes]
            axes.plot(sizes, seconds, label=program, marker="o", markersize=3)
        axes.set(title=title, xlabel="providers (4 objects each)", ylabel="seconds", ylim=(0, None))
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, format="svg", metadata={"Date": None})
