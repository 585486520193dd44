"""Runs processes that put programs into the cache, and shows what they do."""

import logging
import math
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO

import psutil
from rich.console import Console
from rich.text import Text

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 60.0
SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_END = 5.0


@dataclass(frozen=True)
class Job:
    """A process that leaves programs in a folder of its own, from where they are moved to their places.

    Attributes:
        folder: Where it leaves them.
        programs: Each program's place, by its path in that folder, which may be a pattern.
        command: The command line.
        working_folder: Where it runs.
        environment: Its environment variables.
        log: The file for what it prints.
        seconds: How long it may take.
    """

    folder: Path
    programs: Mapping[str, Path]
    command: Sequence[str]
    working_folder: Path
    environment: Mapping[str, str]
    log: Path
    seconds: float = math.inf

    @property
    def names(self) -> str:
        """The names of its programs."""
        return ", ".join(place.name for place in self.programs.values())

    def last_line(self) -> str:
        """Return the last line that it printed."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def run(jobs: Sequence[Job], title: str, at_once: int) -> list[tuple[Job, str]]:
    """Run jobs, at most `at_once` side by side, and return those that failed, with the reason.

    After a failure, no other job is started. What each printed last is shown, on a terminal at once, otherwise every
    minute.
    """
    logger.info(f"{title} ...")
    waiting, failures = list(jobs), list[tuple[Job, str]]()
    running: list[tuple[Job, subprocess.Popen[bytes], float]] = []
    begun = announced = time.monotonic()
    with ExitStack() as stack, Console().status("") as status:
        while waiting or running:
            now = time.monotonic()
            while waiting and len(running) < at_once:
                job = waiting.pop(0)
                running.append((job, _start(job, stack), now + job.seconds))
            for each in running[:]:
                job, process, deadline = each
                if process.poll() is not None or now > deadline:
                    running.remove(each)
                    if failure := _finish(job, process):
                        failures.append((job, failure))
                        waiting.clear()
            news = f"{clock(now - begun)}: {' | '.join(job.last_line() for job, *_ in running)}"
            line = Text(news)
            line.truncate(status.console.width - 2, overflow="ellipsis")
            status.update(line)
            if now - announced >= SECONDS_BETWEEN_LINES and not status.console.is_terminal:
                announced = now
                logger.info(f"{title} ... {news}")
            time.sleep(SECONDS_BETWEEN_LOOKS if running else 0)
    return failures


@contextmanager
def started(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], output: IO[bytes] | int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that ends with the context, as do the processes that it has started."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        _end(process)


def clock(seconds: float) -> str:
    """Return `0:03:20` for 200 seconds."""
    return str(timedelta(seconds=round(seconds)))


def _start(job: Job, stack: ExitStack) -> subprocess.Popen[bytes]:
    # Go refuses to overwrite a file that is not a program, such as an incomplete one.
    shutil.rmtree(job.folder, ignore_errors=True)
    for folder in (job.log.parent, job.folder):
        folder.mkdir(parents=True, exist_ok=True)
    stack.callback(shutil.rmtree, job.folder, ignore_errors=True)
    with job.log.open("wb") as output:
        return stack.enter_context(started(job.command, job.working_folder, job.environment, output))


def _finish(job: Job, process: subprocess.Popen[bytes]) -> str | None:
    """Move the programs of a process that has ended to their places, or tell what went wrong."""
    if process.poll() is None:
        _end(process)
        return f"it took longer than {job.seconds:.0f} seconds"
    if process.returncode:
        return job.last_line() or f"it ended with status {process.returncode}"
    for pattern, place in job.programs.items():
        for program in job.folder.glob(pattern):
            program.rename(place)
    missing = ", ".join(place.name for place in job.programs.values() if not place.exists())
    return f"it made no {missing}" if missing else None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process. On the signal that Ctrl-C sends, Go ends its compilers and removes its temporary folder."""
    if process.poll() is not None:
        return
    descendants = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_END)
    process.kill()
    process.wait()
    for each in descendants:
        with suppress(psutil.NoSuchProcess):
            each.kill()
