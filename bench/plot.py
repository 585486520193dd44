"""Plots the ratios of docs/benchmark.md beside it: `python -m bench.plot`."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from matplotlib import style
from matplotlib.figure import Figure

from bench.engine_time import TARGET_SIZE
from local.folders import REPOSITORY
from tools.svg_colours import with_modes

PAGE = REPOSITORY / "docs/benchmark.md"
TABLE = "Ratios of time"
COLUMNS = {"objects created by hand": "component ÷ flat", "an empty component": "component ÷ baseline"}
"""The columns of the table, by what the plot calls the program with which the component is compared."""

# By the names of the style sheet's variables.
LIGHT = {"page": "#ffffff", "ink": "#1f2328", "grid": "#d1d9e0", "one": "#0969da", "other": "#9a6700"}
DARK = {"page": "#0d1117", "ink": "#f0f6fc", "grid": "#3d444d", "one": "#79c0ff", "other": "#e3b341"}
# Points, of which the plot has as many as a narrow phone has pixels.
WIDTH, HEIGHT, TEXT = 360, 260, 11.5
SETTINGS = {
    # Text stays text, and there are no random names, so that the same figures give the same file.
    "svg.fonttype": "none",
    "svg.hashsalt": "openai-compatible-llm",
    "font.size": TEXT,
    "xtick.labelsize": TEXT,
    "ytick.labelsize": TEXT,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), LIGHT["ink"]),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor"), LIGHT["page"]),
}

Ratio = tuple[float, float, float]
"""The median, and where its interval begins and ends."""


def ratios(page: str) -> dict[str, dict[str, Ratio]]:
    """Returns the page's ratios for many providers, by operation and by what the component is compared with."""
    return {
        row["operation"]: {name: _ratio(row[column]) for name, column in COLUMNS.items()}
        for row in _rows(page)
        if row["providers"] == f"{TARGET_SIZE}"
    }


def _rows(page: str) -> Iterator[dict[str, str]]:
    (table,) = re.findall(rf"^## {TABLE}\n\n(.*?)\n\n", page, re.MULTILINE | re.DOTALL)
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
    yield from (dict(zip(head, row, strict=True)) for row in rows)


def _ratio(cell: str) -> Ratio:
    median, low, high = map(float, re.findall(r"[\d.]+", cell))
    return median, low, high


def draw(found: dict[str, dict[str, Ratio]]) -> str:
    """Returns a plot of the ratios, an SVG with colours for light and for dark."""
    with style.context(SETTINGS):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), layout="constrained")
        axes = figure.subplots()
        axes.axvline(1, color=LIGHT["ink"], linewidth=1)
        for name, colour, offset in zip(COLUMNS, ("one", "other"), (-0.14, 0.14), strict=True):
            for row, each in enumerate(found.values()):
                median, low, high = each[name]
                label = "_none" if row else f"compared with {name}"
                axes.plot([low, high], [row + offset] * 2, color=LIGHT[colour], linewidth=2)
                axes.plot([median], [row + offset], "o", color=LIGHT[colour], label=label)
        axes.set_yticks(range(len(found)), labels=list(found))
        axes.set(xlabel=f"times as long, with {TARGET_SIZE} providers", ylim=(len(found) - 0.5, -0.5))
        axes.grid(axis="x", color=LIGHT["grid"], linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        figure.legend(frameon=False, loc="outside upper left", handletextpad=0.2)
        drawn = StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    coloured, sheet = with_modes(drawn.getvalue(), LIGHT, DARK)
    return coloured.replace("<defs>", f"{sheet}\n <defs>", 1)


def write(page: Path) -> None:
    """Writes the plot of a page's ratios beside the page."""
    page.with_suffix(".svg").write_text(draw(ratios(page.read_text())))


if __name__ == "__main__":
    write(PAGE)
