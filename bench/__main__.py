"""Measures what the component's program costs; with `--page`, also what it costs with the real engine."""

import argparse
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench.engine_time import TARGET_SIZE, engine_samples
from bench.figures import Figures, Sample
from bench.program_time import paired_samples, requests
from bench.report import PAIRS, page, summary
from bench.waiting import waiting
from local.messages import show_messages
from local.toolchain.binaries import find_or_build

logger = logging.getLogger("local.bench")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="processes in which the programs are compared")
    parser.add_argument("--engine-rounds", type=int, default=3, help="of the real engine, with --page")
    parser.add_argument("--page", type=Path, help="a file in which to write all figures, those of the real engine too")
    options = parser.parse_args(arguments)
    show_messages(Console(stderr=True))
    own, engine = Figures(_program_samples(options.rounds)), Figures([])
    if options.page:
        binaries = find_or_build()
        engine = Figures(engine_samples(binaries, options.engine_rounds))
        options.page.write_text(page(own, engine, Figures(waiting(options.engine_rounds)), binaries))
    print("\n".join(summary(own, engine)))  # noqa: T201


def _program_samples(rounds: int) -> Iterator[Sample]:
    for api, pair in PAIRS.items():
        logger.info("Comparing programs without the engine, %s", api)
        for program in pair:
            yield Sample(0, program, TARGET_SIZE, "requests", {"requests": requests(program, TARGET_SIZE).total()})
        yield from paired_samples(pair, rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
