"""Measures what a program itself takes, without the engine: `python -m bench.program_time` in a process of its own.

The programs take turns, each with a few providers only, so that whatever else the machine does affects both alike.
"""

import asyncio
import contextvars
import gc
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from pulumi.runtime import settings
from pulumi.runtime.config import set_all_config
from pulumi.runtime.stack import run_in_stack

from bench import programs
from bench.figures import Sample
from bench.stand_in_engine import stand_in_engine
from local.folders import REPOSITORY

PROVIDERS = 5
PAIRS = 20
OPERATIONS = ("preview", "up")
SECONDS = "program processor seconds"


def paired_samples(pair: tuple[str, str], rounds: int, pairs: int = PAIRS) -> Iterator[Sample]:
    """Yields what two programs take that run in turn. Each round is so many pairs in a new process."""
    for number in range(rounds):
        for turn, program, operation, seconds in json.loads(_run(pair, PROVIDERS, pairs)[0]):
            yield Sample(number * pairs + turn, program, PROVIDERS, operation, {SECONDS: seconds})


def requests(program: str, providers: int) -> Counter[str]:
    """Returns how often an `up` sends each request to the engine."""
    return _run([program], providers, pairs=0)[1]


def _run(names: Sequence[str], providers: int, pairs: int) -> tuple[str, Counter[str]]:
    with stand_in_engine() as (address, count):
        command = [sys.executable, "-m", "bench.program_time", address, str(providers), str(pairs), *names]
        done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout, count


def main(address: str, providers: str, pairs: str, *names: str) -> None:
    """Runs each program once, as the first run of a process takes longer, and then in pairs. Prints what each took."""
    count = int(providers)
    for name in names:
        _processor_seconds(address, name, count, "up")
    turns = product(range(int(pairs)), OPERATIONS)
    print(  # noqa: T201
        json.dumps(
            [
                (turn, name, operation, _processor_seconds(address, name, count, operation))
                for turn, operation in turns
                for name in (names if turn % 2 else reversed(names))
            ]
        )
    )


def _processor_seconds(address: str, name: str, providers: int, operation: str) -> float:
    program = programs.PROGRAMS[name]("bench", programs.keys(providers, rotated=False))

    def configured() -> None:
        set_all_config({"kubernetes:enableSecretMutable": "true"})
        program()

    async def run() -> None:
        engine: Any = address
        settings.configure(
            settings.Settings("bench", "bench", monitor=engine, engine=engine, dry_run=operation == "preview")
        )
        await run_in_stack(configured)

    gc.collect()
    started = time.process_time()
    contextvars.copy_context().run(asyncio.run, run())
    return time.process_time() - started


if __name__ == "__main__":
    main(*sys.argv[1:])
