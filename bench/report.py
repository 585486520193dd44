"""Writes what was measured as a page, which opens with its conclusion."""

import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench.commands import COMMAND, COMMANDS
from bench.engine_time import ARGUMENTS, CLIENTS, COMPARED, SIZES, TARGET_SIZE
from bench.figures import Figures, spread
from bench.operation import ADD_CLIENT, KUBECTL, OPERATIONS
from bench.program_time import OPERATIONS as PROGRAM_OPERATIONS
from bench.program_time import PROVIDERS
from bench.programs import CHECKPOINTS, PAIRS

Row = dict[str, Any]
Columns = Mapping[str, Callable[..., list[float]]]
Table = tuple[str, list[Row], Columns]

PAGE = Path(__file__).with_name("page.txt")
OWN = "program processor seconds"
PROCESSOR = "processor seconds"
MEMORY = ("program MiB", "engine and provider MiB")
STATE = "state KiB"
TIMES = {"time": "seconds", "processor time": PROCESSOR}
RATIOS = (("component", "baseline"), ("component", "flat"), ("baseline", "flat"))


def page(figures: Figures) -> str:
    """Returns docs/benchmark.md."""
    packages = [f"{name} {importlib.metadata.version(name)}" for name in ("pulumi", "pulumi-kubernetes")]
    return PAGE.read_text().format(
        conclusion=conclusion(figures),
        targets="\n".join(summary(figures)),
        providers=PROVIDERS,
        target_size=TARGET_SIZE,
        add_client=ADD_CLIENT,
        date=datetime.now(UTC).date(),
        processors=os.cpu_count(),
        memory=round(psutil.virtual_memory().total / 2**30),
        versions=", ".join([f"Python {platform.python_version()}", *packages]),
        tables="\n".join(line for each in tables(figures) for line in table_lines(*each)),
    )


def conclusion(figures: Figures) -> str:
    """Returns what a user pays for the component, compared with objects created by hand."""

    def both(measure: str, operation: str, providers: int = TARGET_SIZE) -> list[float]:
        return [median(figures.values(measure, program, providers, operation)) for program in ("component", "flat")]

    ratio = spread(figures.ratios("seconds", "component", "flat", TARGET_SIZE, "up"))
    (up, up_by_hand), (one, one_by_hand) = both("seconds", "up"), both("seconds", "up", 1)
    (preview, preview_by_hand), (memory, memory_by_hand) = both("seconds", "preview"), both(MEMORY[0], "up")
    state, state_by_hand = both(STATE, "up")
    return (
        f"With {TARGET_SIZE} providers in a stack, `pulumi up` takes {up:.2f} s with the component, and "
        f"{up_by_hand:.2f} s with a program\nthat creates the same objects by hand: {ratio} times as long. "
        f"`pulumi preview` takes {preview:.2f} s instead\nof {preview_by_hand:.2f} s. "
        f"With one provider, `up` takes {one:.2f} s instead of {one_by_hand:.2f} s.\n\n"
        f"The program needs {memory:.0f} MiB of memory instead of {memory_by_hand:.0f} MiB, and the state has "
        f"{state:.0f} KiB instead of {state_by_hand:.0f} KiB. Requests\ncost nothing more: they go through the "
        "gateway, which the component only configures."
    )


def summary(figures: Figures) -> Iterator[str]:
    """Yields what a component costs compared with an empty one, and whether it is as little as promised."""
    for api, pair in PAIRS.items():
        ratios = figures.ratios(OWN, *pair, PROVIDERS, "up")
        baseline = median(figures.values(OWN, pair[1], PROVIDERS, "up")) / PROVIDERS * 1000
        yield (
            f"With `api: {api}`, a program with the component takes {spread(ratios)} times the processor time of one\n"
            "that creates the same objects by hand, with an empty component for each provider. That is "
            f"{(median(ratios) - 1) * baseline:.1f} ms\nmore for each provider, of {baseline:.1f} ms.\n"
        )
    yield from _lines(("target", "found", "at most", ""), targets(figures))


def targets(figures: Figures) -> Iterator[tuple[str, str, str, str]]:
    """Yields each target that was measured: its promise, the result, the limit and the verdict."""
    for promise, limit, ratios in _promises(figures):
        if ratios:
            met = round(median(ratios), 2) <= limit
            yield promise, spread(ratios), f"{limit:.2f}", "met" if met else "**missed**"


def _promises(figures: Figures) -> Iterator[tuple[str, float, list[float]]]:
    for api, pair in PAIRS.items():
        for operation in PROGRAM_OPERATIONS:
            ratios = figures.ratios(OWN, *pair, PROVIDERS, operation)
            yield f"the program's processor time of `{operation}`, {api}", 1.05, ratios
        yield f"the program's requests, {api}", 1.0, figures.ratios("requests", *pair, PROVIDERS, "requests")
    for measure, operation in [*product([PROCESSOR], OPERATIONS), *product(MEMORY, ["up"])]:
        ratios = figures.ratios(measure, *PAIRS["kgateway"], TARGET_SIZE, operation)
        yield f"{measure} of `{operation}`, with the engine", 1.05, ratios


def tables(figures: Figures) -> Iterator[Table]:
    """Yields each table: its title, its rows, and the function that returns a row's values for each column."""
    operations = _rows(providers=SIZES, operation=OPERATIONS)
    seconds = {name: partial(figures.values, "seconds", name) for name in (*COMPARED, KUBECTL, CHECKPOINTS)}
    yield "Seconds", operations, seconds
    for title, measure in TIMES.items():
        ratios = {f"{over} ÷ {under}": partial(figures.ratios, measure, over, under) for over, under in RATIOS}
        yield f"Ratios of {title}", operations, ratios
    memory = {measure: partial(figures.values, measure, operation="up") for measure in (*MEMORY, STATE)}
    yield "Memory and state after `up`", _rows(providers=SIZES, program=COMPARED), memory
    arguments = {
        f"{title}, {program} ÷ agentgateway": partial(figures.ratios, measure, program, "agentgateway")
        for program, (title, measure) in product(ARGUMENTS, TIMES.items())
    }
    yield "What arguments add", operations, arguments
    yield clients_table(figures)
    waited = partial(figures.values, "seconds", COMMAND, 1)
    yield "What a user waits for, with caches warm", _rows(operation=COMMANDS), {"seconds": waited}


def clients_table(figures: Figures) -> Table:
    """Returns what clients add: its title, its rows, and the function that returns a row's values for each column."""
    rows = _rows(providers=SIZES, operation=("preview", "up", ADD_CLIENT))
    columns: Columns = {
        f"{title}, {program}": partial(figures.values, measure, program)
        for program, (title, measure) in product(
            ("agentgateway", *CLIENTS), {"seconds": "seconds", PROCESSOR: PROCESSOR}.items()
        )
    }
    return "What clients add", rows, columns


def _rows(**parts: Iterable[object]) -> list[Row]:
    return [dict(zip(parts, row, strict=True)) for row in product(*parts.values())]


def table_lines(title: str, rows: list[Row], columns: Columns) -> Iterator[str]:
    """Yields the lines of a table, without the rows of which nothing was measured."""
    found = ((row.values(), [spread(values(**row)) for values in columns.values()]) for row in rows)
    yield f"\n## {title}\n"
    yield from _lines([*rows[0], *columns], ([*row, *cells] for row, cells in found if {*cells} != {"-"}))


def _lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for cells in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(map(str, cells))} |"
