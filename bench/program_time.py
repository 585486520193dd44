"""Measures what a program itself takes, without the engine.

The programs take turns, each with a few providers only, so that whatever else the machine does affects both alike.
"""

import asyncio
import contextvars
import gc
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pulumi.runtime import settings
from pulumi.runtime.config import set_all_config
from pulumi.runtime.stack import run_in_stack

from bench import programs
from bench.figures import Sample
from bench.process import in_new_process
from bench.stand_in_engine import stand_in_engine

logger = logging.getLogger("local.bench")

PROVIDERS = 5
TURNS = 20
OPERATIONS = ("preview", "up")


def program_samples(rounds: int) -> Iterator[Sample]:
    """Yields what each pair of programs takes: processor time in many turns, and requests once."""
    for api, pair in programs.PAIRS.items():
        logger.info("Comparing programs without the engine, %s", api)
        for program in pair:
            yield Sample(0, program, PROVIDERS, "requests", {"requests": requests(program, PROVIDERS).total()})
        for number in range(rounds):
            yield from paired_samples(pair, range(number * TURNS, (number + 1) * TURNS))


def requests(program: str, providers: int) -> Counter[str]:
    """Returns how often an `up` sends each request to the engine."""
    with stand_in_engine() as (address, count):
        in_new_process(_processor_seconds, address, program, providers, "up")
    return count


def paired_samples(pair: Sequence[str], turns: Sequence[int]) -> list[Sample]:
    """Returns what two programs take in these turns, all of them in one new process."""
    with stand_in_engine() as (address, _):
        return in_new_process(_take_turns, address, pair, turns)


def _take_turns(address: str, pair: Sequence[str], turns: Sequence[int]) -> list[Sample]:
    # The first run of a program takes longer, and counts for nothing.
    for program in pair:
        _processor_seconds(address, program, PROVIDERS, "up")
    return [
        Sample(turn, program, PROVIDERS, operation, _processor_seconds(address, program, PROVIDERS, operation))
        for turn in turns
        for operation in OPERATIONS
        for program in (pair if turn % 2 else reversed(pair))
    ]


def _processor_seconds(address: str, name: str, providers: int, operation: str) -> dict[str, float]:
    program = programs.PROGRAMS[name]("bench", programs.keys(providers, rotated=False))

    async def run() -> None:
        engine: Any = address
        preview = operation == "preview"
        settings.configure(settings.Settings("bench", "bench", monitor=engine, engine=engine, dry_run=preview))
        set_all_config({"kubernetes:enableSecretMutable": "true"})
        await run_in_stack(program)

    gc.collect()
    started = time.process_time()
    contextvars.copy_context().run(asyncio.run, run())
    return {"program processor seconds": time.process_time() - started}
