"""The benchmark's page in docs/, as text and as a picture."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.figures import PROCESSOR, Figures, Spread
from bench.imports import ImportCost
from bench.operation import OPERATIONS
from bench.picture import draw
from bench.rounds import KUBECTL, LEAST, SIZE_OF_LEAST, Sample
from bench.targets import AT, RESOURCES_PER_PROVIDER, targets
from local.binaries import Binaries
from local.folders import REPOSITORY

PAGE = REPOSITORY / "docs" / "benchmark.md"
PICTURE = REPOSITORY / "docs" / "benchmark.svg"


def write(
    samples: Sequence[Sample],
    with_checkpoints: Sequence[Sample],
    imports: Sequence[ImportCost],
    binaries: Binaries,
    page: Path = PAGE,
    picture: Path = PICTURE,
) -> None:
    """Writes both files, and prints the page."""
    figures, checkpoints = Figures(samples), Figures(with_checkpoints)
    lines = [
        "# What the component costs",
        "",
        *_setting(figures, binaries),
        "",
        "![Seconds of the first `up` by the number of providers](benchmark.svg)",
        "",
        "## Against the targets",
        "",
        *_targets(figures),
        *_least(figures),
        "",
        "## Every operation",
        "",
        *_operations(figures),
        "",
        "## Memory and state",
        "",
        *_sizes(figures),
        "",
        "## Checkpoints",
        "",
        *_checkpoints(figures, checkpoints),
        "",
        "## Import",
        "",
        *_imports(imports),
    ]
    text = "\n".join(lines) + "\n"
    page.write_text(text)
    draw(figures, checkpoints, picture)
    print(text)  # noqa: T201


def _setting(figures: Figures, binaries: Binaries) -> Iterator[str]:
    memory = psutil.virtual_memory().total / 2**30
    versions = [
        f"Python {platform.python_version()}",
        *(f"{name} {importlib.metadata.version(name)}" for name in ("pulumi", "pulumi-kubernetes")),
        f"Pulumi CLI {_output(str(binaries.pulumi), 'version')}",
        _output(str(binaries.kube_apiserver), "--version"),
    ]
    yield f"""\
Measured on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} processors, {memory:.0f} GiB of memory;
{", ".join(versions)}. The API server runs on the same machine, and objects are written by this
project's stand-in for the Kubernetes provider, which is in Python and slower than the official one; both programs pay
for it. {len(figures.rounds)} rounds, the programs in turn. A figure is the median (least to most); a ratio is taken
round by round. `flat` is a program that makes the same objects by hand, `kubectl` is `kubectl apply --server-side` of
their YAML, which doesn't wait for a deletion. The engine's checkpoints are off but where it says otherwise.
Seconds are those of the Automation API's whole call, with the
commands by which it asks the CLI for outputs and history afterwards: about as long for either program.
`make bench` measures anew."""


def _targets(figures: Figures) -> Iterator[str]:
    yield "| target | found | at most | |"
    yield "|---|---|---|---|"
    for each in targets(figures):
        yield f"| {each.promise} | {_spread(each.found)} times | {each.most:.2f} times | {_verdict(kept=each.kept)} |"
    more = RESOURCES_PER_PROVIDER["component"] - RESOURCES_PER_PROVIDER["flat"]
    yield f"| resources in the state over the flat program's, a provider | {more} | 1 | {_verdict(kept=more <= 1)} |"


def _least(figures: Figures) -> Iterator[str]:
    if not figures.has(LEAST, SIZE_OF_LEAST):
        return
    yield ""
    yield f"A component is one resource more for the engine and the program to register. What that alone costs, of {AT}"
    yield "providers, shows the flat program with an empty component for each, over the flat program:"
    yield ""
    yield "| operation | time | processor time | program's own processor time |"
    yield "|---|---|---|---|"
    for operation in OPERATIONS:
        ratios = [
            _spread(figures.ratio((LEAST, SIZE_OF_LEAST), ("flat", SIZE_OF_LEAST), operation, *measures))
            for measures in (("seconds",), PROCESSOR, PROCESSOR[:1])
        ]
        yield f"| {operation} | {' | '.join(ratios)} |"
    yield ""
    yield "What the component costs beyond that is, by a profile of its program, mostly its outputs, of which each is"
    yield "an Output of Pulumi's, and for a small part the checks of its arguments."


def _verdict(*, kept: bool) -> str:
    return "kept" if kept else "**missed**"


def _operations(figures: Figures) -> Iterator[str]:
    seconds = [f"{program}, s" for program in figures.programs]
    ratios = ["component ÷ flat", "of processor time", "of the program's own"]
    yield f"| providers | operation | {' | '.join([*seconds, *ratios])} |"
    yield f"|---|---|{'---|' * len([*seconds, *ratios])}"
    for size in figures.sizes:
        for operation in OPERATIONS:
            seconds = [_spread(figures.of(program, size, operation, "seconds")) for program in figures.programs]
            ratio = figures.ratio(("component", size), ("flat", size), operation, "seconds")
            processor = figures.ratio(("component", size), ("flat", size), operation, *PROCESSOR)
            own = figures.ratio(("component", size), ("flat", size), operation, PROCESSOR[0])
            found = [*seconds, _spread(ratio), _spread(processor), _spread(own)]
            yield f"| {size} | {operation} | {' | '.join(found)} |"


def _sizes(figures: Figures) -> Iterator[str]:
    yield "| providers | program | its memory, MiB | engine's and provider's, MiB | state, bytes a provider |"
    yield "|---|---|---|---|---|"
    for size in figures.sizes:
        for program in figures.programs:
            if program == KUBECTL:
                other = _mebibytes(figures.of(program, size, "up", "engine memory"))
                yield f"| {size} | {program} | | {other} | |"
                continue
            memory, other = (
                _mebibytes(figures.of(program, size, "up", measure)) for measure in ("program memory", "engine memory")
            )
            state = figures.of(program, size, "up", "state").median / size
            yield f"| {size} | {program} | {memory} | {other} | {state:.0f} |"


def _checkpoints(without: Figures, with_them: Figures) -> Iterator[str]:
    yield "The file backend writes the whole state after each step, so an `up` of twice as many providers writes four"
    yield "times as much. Here is what that is of the time of an `up`, of the component's program:"
    yield ""
    yield "| providers | with checkpoints, s | without, s | state, KiB |"
    yield "|---|---|---|---|"
    for size in with_them.sizes:
        slow = with_them.of("component", size, "up", "seconds")
        fast = _spread(without.of("component", size, "up", "seconds")) if size in without.sizes else ""
        state = with_them.of("component", size, "up", "state").median / 1024
        yield f"| {size} | {_spread(slow)} | {fast} | {state:.0f} |"


def _imports(imports: Sequence[ImportCost]) -> Iterator[str]:
    yield "`import openai_compatible_llm`, beside `flat`: importing what any program with these objects imports."
    yield ""
    yield "| | seconds of the whole process | modules |"
    yield "|---|---|---|"
    for program in dict.fromkeys(each.program for each in imports):
        own = [each for each in imports if each.program == program]
        yield f"| {program} | {_spread(Spread.of([each.seconds for each in own]))} | {own[0].modules} |"


def _spread(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.least:.2f} to {spread.most:.2f})"


def _mebibytes(spread: Spread) -> str:
    return f"{spread.median / 2**20:.0f}"


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[0]
