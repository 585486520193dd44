"""Writes the benchmark's page in docs/."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from statistics import median

import psutil

from bench.figures import NOISE, PROCESSOR, TARGET_SIZE, Figures, spread, targets
from bench.operation import IMPORTS, KUBECTL
from bench.plot import draw
from bench.waiting import COMMANDS
from local.toolchain.binaries import Binaries

CHECKPOINTS = "component with checkpoints"
RATIOS = [("component", "baseline"), ("component", "flat"), ("baseline", "flat"), (NOISE, "flat")]
TARGETS = ["target", "found", "at most", ""]
PROFILE = """
What is left, by a profile of the program alone on 2026-11-25: 100 components take 0.13 s of processor time more than
100 empty ones. Registering their outputs takes 0.05 s, and checking their arguments 0.02 s. In 0.05 s, Pulumi's SDK
finds out the types of a component's outputs, anew for each component."""
ARGUMENTS = {"fallback": "a fallback with a key", "clients": "a client's key, and the route's policy"}


def write(figures: Figures, imports: Figures, waited: Figures, binaries: Binaries, folder: Path) -> None:
    """Writes the page and its plot, and prints the page."""
    text = "\n".join(_page(figures, imports, waited, binaries)) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmark.md").write_text(text)
    draw(figures, CHECKPOINTS, folder / "benchmark.svg")
    print(text)  # noqa: T201


def _page(figures: Figures, imports: Figures, waited: Figures, binaries: Binaries) -> Iterator[str]:
    memory = psutil.virtual_memory().total / 2**30
    yield f"""\
# What the component costs

Measured on {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} processors with {memory:.0f} GiB of memory:
{", ".join(_versions(binaries))}.
The Kubernetes provider is the official one. The API server runs on the same machine.

All programs make the same four objects for each provider:

- `component` uses this project's component.
- `flat` makes the objects by hand.
- `baseline` is `flat` with an empty component for each provider. No component can cost less.
- `{NOISE}` is `flat`, measured a second time. Its ratio to `flat` is the noise of this machine.
- `kubectl` is `kubectl apply --server-side` of the objects' YAML. It doesn't wait for a deletion.

The programs take turns in rounds. A figure is the median (least to most);
a ratio is taken round by round. The engine writes no checkpoints, except for `{CHECKPOINTS}`.
Seconds include the commands by which the Automation API asks the engine for outputs and history. They take every
program about as long. Processor time is the program's, the engine's and the Kubernetes provider's together.
`make bench` measures the first four programs with {TARGET_SIZE} providers, `make bench-all` everything.

![Seconds of the first `up` by the number of providers](benchmark.svg)"""
    yield from _table(f"Targets: component ÷ baseline, {TARGET_SIZE} providers", TARGETS, targets(figures))
    yield "\nThe limit of a time is the noise: the most by which the flat program differed from itself in a round."
    yield PROFILE
    yield from _seconds(figures)
    yield from _ratios(figures, "time", "seconds")
    yield from _ratios(figures, "processor time", *PROCESSOR)
    yield from _ratios(figures, "the program's own processor time", PROCESSOR[0])
    yield from _memory(figures)
    yield from _arguments(figures)
    yield from _checkpoints(figures)
    yield from _imports(imports)
    yield from _waiting(waited)


def _seconds(figures: Figures) -> Iterator[str]:
    programs = [name for name in ("component", "flat", "baseline", KUBECTL) if figures.sizes_of(name)]
    rows = (
        [size, figures.rounds_of("component", size, operation), operation]
        + [spread(figures.of(name, size, operation, "seconds")) for name in programs]
        for size in figures.sizes
        for operation in figures.operations_at(size)
    )
    return _table("Seconds", ["providers", "rounds", "operation", *programs], rows)


def _ratios(figures: Figures, title: str, *measures: str) -> Iterator[str]:
    rows = (
        [size, each, *(spread(figures.ratio((over, size), (under, size), each, *measures)) for over, under in RATIOS)]
        for size in figures.sizes
        for each in figures.operations_at(size)
    )
    header = ["providers", "operation", *(f"{over} ÷ {under}" for over, under in RATIOS)]
    return _table(f"Ratios of {title}", header, rows)


def _memory(figures: Figures) -> Iterator[str]:
    units = {"program memory": 2**20, "engine memory": 2**20, "state": 2**10}
    rows = (
        [size, name, *(f"{median(figures.of(name, size, 'up', each)) / unit:.0f}" for each, unit in units.items())]
        for size, name in product(figures.sizes, ("component", "flat", "baseline"))
    )
    header = ["providers", "program", "its memory, MiB", "the engine's and provider's, MiB", "state, KiB"]
    return _table("Memory and state after `up`", header, rows)


def _arguments(figures: Figures) -> Iterator[str]:
    def added(name: str, size: int, operation: str) -> Iterator[str]:
        for measures in (("seconds",), PROCESSOR):
            yield spread(figures.ratio((name, size), ("agentgateway", size), operation, *measures))

    rows = [
        [size, figures.rounds_of(name, size, operation), what, operation, *added(name, size, operation)]
        for name, what in ARGUMENTS.items()
        for size in figures.sizes_of(name)
        for operation in ("preview", "up")
    ]
    header = ["providers", "rounds", "with", "operation", "time ÷ without", "processor time ÷ without"]
    yield from _table("What arguments add, with `api: agentgateway`", header, rows) if rows else ()


def _checkpoints(figures: Figures) -> Iterator[str]:
    if not figures.sizes_of(CHECKPOINTS):
        return
    rows = (
        [size, *(spread(figures.of(name, size, "up", "seconds")) for name in (CHECKPOINTS, "component"))]
        for size in figures.sizes_of(CHECKPOINTS)
    )
    yield from _table("Checkpoints", ["providers", "`up` with checkpoints, s", "without, s"], rows)
    yield "\nThe file backend writes the whole state after each step: twice as many providers write four times as much."


def _imports(imports: Figures) -> Iterator[str]:
    rows = []
    for name, statement in IMPORTS.items():
        seconds, modules = (imports.of(name, 0, "import", each) for each in ("seconds", "modules"))
        rows.append([f"`{statement}`", spread(seconds), f"{median(modules):.0f}"])
    return _table("Import", ["in a Python of its own", "seconds", "modules"], rows)


def _waiting(waited: Figures) -> Iterator[str]:
    rows = ([what, spread(waited.of("component", 1, what, "seconds"))] for what in COMMANDS)
    yield from _table("What a user waits for", ["with caches warm", "seconds"], rows)


def _table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"\n## {title}\n"
    for cells in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(map(str, cells))} |"


def _versions(binaries: Binaries) -> Iterator[str]:
    yield f"Python {platform.python_version()}"
    yield from (f"{name} {importlib.metadata.version(name)}" for name in ("pulumi", "pulumi-kubernetes"))
    for name, program, argument in (
        ("Pulumi CLI ", binaries.pulumi, "version"),
        ("", binaries.kube_apiserver, "--version"),
    ):
        done = subprocess.run([program, argument], capture_output=True, text=True, check=True)
        yield name + done.stdout.splitlines()[0]
