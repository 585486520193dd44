"""Writes what was measured as a page, which opens with its conclusion."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from statistics import median

import psutil

from bench.engine_time import CHECKPOINTS, COMPARED, TARGET_SIZE
from bench.figures import Figures, spread, target
from bench.operation import KUBECTL, OPERATIONS, PROCESSOR
from bench.program_time import OPERATIONS as PROGRAM_OPERATIONS
from bench.program_time import PROVIDERS, SECONDS
from bench.waiting import COMMANDS, IMPORTS
from local.toolchain.binaries import Binaries

PAIRS = {"kgateway": ("component", "baseline"), "agentgateway": ("agentgateway", "agentgateway baseline")}
RATIOS = [("component", "baseline"), ("component", "flat"), ("baseline", "flat")]
ARGUMENTS = {"fallback": "a fallback with a key", "clients": "a client's key"}
TARGETS = ["target", "found", "at most", ""]

PROGRAMS = f"""
## How it is measured

All programs create the same four objects for each provider:

- `component` uses this project's component.
- `flat` creates the objects by hand.
- `baseline` is `flat` with an empty component for each provider. No component can cost less.
- `kubectl` is `kubectl apply --server-side` of the objects' YAML. It doesn't wait for a deletion.

The program's own processor time and its requests are measured without the engine: the program talks to a stand-in that
answers at once. Component and baseline take turns in one process, with {PROVIDERS} providers each time; each turn gives
one ratio. Imports don't count. `up again` and `rotate` send the same requests as `up`.

Everything else is measured with the real engine, Kubernetes provider and API server, all on one machine. The engine
writes no checkpoints, except for `{CHECKPOINTS}`. Seconds include the commands by which the Automation API asks the
engine for outputs and history.

A figure is the median, in brackets the interval in which it lies with a probability of 95 % (of few rounds, the least
to the most). `make bench` measures the targets that need no engine, `make bench-all` everything."""


def summary(own: Figures, engine: Figures) -> Iterator[str]:
    """Yields what a component costs, and whether it is as little as promised."""
    for api, pair in PAIRS.items():
        ratios = own.ratios(*pair, PROVIDERS, "up", SECONDS)
        baseline = median(own.values(pair[1], PROVIDERS, "up", SECONDS)) / PROVIDERS * 1000
        yield (
            f"With `api: {api}`, a program with the component takes {spread(ratios)} times the processor time of one\n"
            "that creates the same objects by hand, with an empty component for each provider. That is "
            f"{(median(ratios) - 1) * baseline:.1f} ms\nmore for each provider, of {baseline:.1f} ms.\n"
        )
    yield from _table(TARGETS, targets(own, engine))


def targets(own: Figures, engine: Figures) -> Iterator[tuple[str, str, str, str]]:
    """Yields each target that was measured: its promise, the result, the limit and the verdict."""
    for api, pair in PAIRS.items():
        for operation in PROGRAM_OPERATIONS:
            ratios = own.ratios(*pair, PROVIDERS, operation, SECONDS)
            yield target(f"the program's processor time of `{operation}`, {api}", ratios, 1.05)
        requests = own.ratios(*pair, TARGET_SIZE, "requests", "requests")
        yield target(f"the program's requests to the engine, {api}", requests, 1.0)
    promises: list[tuple[str, str, tuple[str, ...]]]
    promises = [(f"processor time of `{each}`", each, PROCESSOR) for each in OPERATIONS]
    promises += [(f"{each} of `up`", "up", (each,)) for each in ("program memory", "engine memory")]
    for promise, operation, measures in promises:
        if ratios := engine.ratios("component", "baseline", TARGET_SIZE, operation, *measures):
            yield target(f"{promise}, with the engine, kgateway", ratios, 1.05)


def page(own: Figures, engine: Figures, waited: Figures, binaries: Binaries) -> str:
    """Returns docs/benchmark.md."""
    return "\n".join(_page(own, engine, waited, binaries)) + "\n"


def _page(own: Figures, engine: Figures, waited: Figures, binaries: Binaries) -> Iterator[str]:
    yield "# What the component costs\n"
    yield from summary(own, engine)
    yield f"""
Component ÷ baseline; with the engine, {TARGET_SIZE} providers. `up again` changes nothing, and `rotate` one key.
"""
    yield PROGRAMS
    memory = psutil.virtual_memory().total / 2**30
    yield f"""
Measured on {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} processors with {memory:.0f} GiB of memory:
{", ".join(_versions(binaries))}."""

    measured = [
        (size, each) for size, each in engine.measured("component") if engine.values("flat", size, each, "seconds")
    ]
    names = (*COMPARED, KUBECTL)
    yield from _section(
        "Seconds",
        ["providers", "rounds", "operation", *names],
        (
            [size, len(engine.values("component", size, each, "seconds")), each]
            + [spread(engine.values(name, size, each, "seconds")) for name in names]
            for size, each in measured
        ),
    )
    for title, measures in (("time", ("seconds",)), ("processor time", PROCESSOR)):
        yield from _section(
            f"Ratios of {title}",
            ["providers", "operation", *(f"{over} ÷ {under}" for over, under in RATIOS)],
            (
                [size, each, *(spread(engine.ratios(*pair, size, each, *measures)) for pair in RATIOS)]
                for size, each in measured
            ),
        )
    units = {"program memory": 2**20, "engine memory": 2**20, "state": 2**10}
    yield from _section(
        "Memory and state after `up`",
        ["providers", "program", "its memory, MiB", "the engine's and provider's, MiB", "state, KiB"],
        (
            [
                size,
                name,
                *(f"{median(engine.values(name, size, 'up', each)) / unit:.0f}" for each, unit in units.items()),
            ]
            for name in COMPARED
            for size, operation in engine.measured(name)
            if operation == "up"
        ),
    )
    yield from _section(
        "What arguments add, with `api: agentgateway`",
        ["providers", "with", "operation", "time ÷ without", "processor time ÷ without"],
        (
            [TARGET_SIZE, what, each]
            + [spread(engine.ratios(name, "agentgateway", TARGET_SIZE, each, *of)) for of in (("seconds",), PROCESSOR)]
            for name, what in ARGUMENTS.items()
            for each in ("preview", "up")
        ),
    )
    yield from _section(
        "Checkpoints",
        ["providers", "`up` with checkpoints, s", "without, s"],
        (
            [size, *(spread(engine.values(name, size, "up", "seconds")) for name in (CHECKPOINTS, "component"))]
            for size, _ in engine.measured(CHECKPOINTS)
        ),
    )
    yield "\nThe file backend writes the whole state after each step: twice as many providers write four times as much."
    seconds, modules = (
        {name: waited.values(name, 0, "import", measure) for name in IMPORTS} for measure in ("seconds", "modules")
    )
    yield from _section(
        "Import",
        ["in a Python of its own", "seconds", "modules"],
        ([f"`{each}`", spread(seconds[name]), int(modules[name][0])] for name, each in IMPORTS.items()),
    )
    yield from _section(
        "What a user waits for",
        ["with caches warm", "seconds"],
        ([what, spread(waited.values("component", 1, what, "seconds"))] for what in COMMANDS),
    )


def _section(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"\n## {title}\n"
    yield from _table(header, rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
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
