"""Runs processes that put programs into the cache, side by side, and shows what they do."""

import logging
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

import psutil
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

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
        seconds: How long it may take; None for as long as it likes.
    """

    folder: Path
    programs: Mapping[str, Path]
    command: Sequence[str]
    working_folder: Path
    environment: Mapping[str, str]
    log: Path
    seconds: float | None = None

    @property
    def names(self) -> str:
        """The names of its programs."""
        return ", ".join(place.name for place in self.programs.values())

    def last_line(self) -> str:
        """Return the last line that it printed."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def run(jobs: Sequence[Job], title: str, at_once: int | None = None) -> Generator[tuple[Job, str | None]]:
    """Yield each job when it has ended, with what went wrong, if anything did.

    At most `at_once` run side by side; None for all. Those that still run end when the iterator is closed.
    """
    waiting = list(jobs)
    running: list[_Process] = []
    with ExitStack() as stack, _progress(title) as show:
        while waiting or running:
            while waiting and len(running) < (at_once or len(jobs)):
                running.append(stack.enter_context(_Process(waiting.pop(0))))
            for process in [each for each in running if each.ended()]:
                running.remove(process)
                yield process.job, process.finish()
            show(running)
            time.sleep(SECONDS_BETWEEN_LOOKS if running else 0)


class _Process:
    """The process of a job, which ends with the context."""

    def __init__(self, job: Job) -> None:
        self.job = job
        # Go refuses to overwrite a file that is not a program, such as an incomplete one.
        shutil.rmtree(job.folder, ignore_errors=True)
        for folder in (job.log.parent, job.folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._deadline = None if job.seconds is None else time.monotonic() + job.seconds
        with job.log.open("wb") as output:
            self._process = subprocess.Popen(
                job.command,
                cwd=job.working_folder,
                env=job.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        shutil.rmtree(self.job.folder, ignore_errors=True)

    def ended(self) -> bool:
        return self._process.poll() is not None or self._is_late()

    def finish(self) -> str | None:
        """Move the programs of a process that has ended to their places, or tell what went wrong."""
        if self._is_late():
            self._end()
            return f"it took longer than {self.job.seconds:.0f} seconds"
        if self._process.returncode:
            return self.job.last_line() or f"it ended with status {self._process.returncode}"
        for pattern, place in self.job.programs.items():
            for program in self.job.folder.glob(pattern):
                program.rename(place)
        missing = ", ".join(place.name for place in self.job.programs.values() if not place.exists())
        return f"it made no {missing}" if missing else None

    def _is_late(self) -> bool:
        return self._process.poll() is None and self._deadline is not None and time.monotonic() > self._deadline

    def _end(self) -> None:
        """On the signal that Ctrl-C sends, Go ends its compilers and removes its temporary folder."""
        if self._process.poll() is not None:
            return
        descendants = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_END)
        self._process.kill()
        self._process.wait()
        for each in descendants:
            with suppress(psutil.NoSuchProcess):
                each.kill()


@contextmanager
def _progress(title: str) -> Iterator[Callable[[Sequence[_Process]], None]]:
    """Yield a function that shows what each job printed last: at once on a terminal, otherwise every minute."""
    logger.info(f"{title} ...")
    if sys.stdout.isatty():
        line = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
        with Progress(SpinnerColumn(), TimeElapsedColumn(), line, console=Console(), transient=True) as progress:
            task = progress.add_task("")
            yield lambda running: progress.update(task, description=_news(running))
        return
    started = announced = time.monotonic()

    def show(running: Sequence[_Process]) -> None:
        nonlocal announced
        if time.monotonic() - announced >= SECONDS_BETWEEN_LINES:
            announced = time.monotonic()
            logger.info(f"{title} ... {clock(announced - started)}: {_news(running)}")

    yield show


def clock(seconds: float) -> str:
    """Return `0:03:20` for 200 seconds."""
    return str(timedelta(seconds=round(seconds)))


def _news(running: Sequence[_Process]) -> str:
    return " | ".join(process.job.last_line() for process in running)
