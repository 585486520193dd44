"""Builds programs from pinned Go modules."""

import hashlib
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from local.errors import LocalError
from local.folders import cache_folder
from local.lock import exclusive
from local.processes import last_lines
from local.toolchain.go import TOOLCHAIN, ensure_go

SECONDS_BETWEEN_LINES = 60.0


@dataclass(frozen=True)
class Target:
    """A program to build from one of the Go modules in this folder.

    Attributes:
        name: Name of the program.
        toolchain: Folder of the Go module.
        package: Go package of the program.
        version_module: Required module whose version is the program's.
        version_variables: Go variables to set to that version.
    """

    name: str
    toolchain: str
    package: str
    version_module: str
    version_variables: tuple[str, ...] = ()

    @property
    def module_folder(self) -> Path:
        return TOOLCHAIN / self.toolchain

    @property
    def version(self) -> str:
        pattern = rf"^(?:require)?\s*{re.escape(self.version_module)} (v\S+)"
        match = re.search(pattern, (self.module_folder / "go.mod").read_text(), re.M)
        if not match:
            raise LocalError(f"{self.module_folder / 'go.mod'} requires no version of {self.version_module}.")
        return match[1]

    @property
    def ldflags(self) -> str:
        return " ".join(["-s -w", *(f"-X {variable}={self.version}" for variable in self.version_variables)])

    @property
    def built(self) -> Path:
        """The program's place in the cache, which differs for other pins and platforms."""
        pins = [(self.module_folder / name).read_text() for name in ("go.mod", "go.sum")]
        key = hashlib.sha256("\0".join([*pins, platform.system(), platform.machine()]).encode()).hexdigest()[:16]
        return cache_folder() / f"{self.toolchain}-{key}" / self.name


def build(targets: Sequence[Target], say: Callable[[str], None]) -> None:
    """Build the programs that are not built yet.

    Raises:
        LocalError: A build failed, or another process has been building for too long.
    """
    with exclusive(cache_folder() / "build.lock", say):
        missing = [target for target in targets if not target.built.exists()]
        for number, target in enumerate(missing, start=1):
            _build_one(target, f"{target.name} {target.version} ({number} of {len(missing)})", say)


def _build_one(target: Target, title: str, say: Callable[[str], None]) -> None:
    go = ensure_go(say)
    log = cache_folder() / "logs" / f"build-{target.name}.log"
    partial = target.built.with_name(f"{target.name}.partial")
    for file in (log, partial):
        file.parent.mkdir(parents=True, exist_ok=True)
    # Go refuses to overwrite a file that is not a program, such as an incomplete one.
    partial.unlink(missing_ok=True)
    command = [str(go.program), "build", "-v", "-trimpath", f"-ldflags={target.ldflags}"]
    command += ["-o", str(partial), target.package]
    started = time.monotonic()
    with _progress(f"Building {title}", say) as tick:
        status = _run(command, target.module_folder, go.environment, log, tick)
    if status:
        raise LocalError(f"Building {target.name} failed: go ended with status {status}. {last_lines(log)}")
    partial.rename(target.built)
    say(f"Built {title} in {_clock(time.monotonic() - started)}")


def _run(command: Sequence[str], folder: Path, environment: dict[str, str], log: Path, tick: Callable[[], None]) -> int:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while True:
                try:
                    return process.wait(timeout=0.5)
                except subprocess.TimeoutExpired:
                    tick()
        except BaseException:
            # On the signal that Ctrl-C sends, Go ends its compilers and removes its temporary folder.
            process.send_signal(signal.SIGINT)
            process.wait()
            raise


@contextmanager
def _progress(title: str, say: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    if sys.stdout.isatty():
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(), transient=True) as progress:
            progress.add_task(title)
            yield lambda: None
        return
    say(f"{title} ...")
    started = announced = time.monotonic()

    def tick() -> None:
        nonlocal announced
        if time.monotonic() - announced >= SECONDS_BETWEEN_LINES:
            announced = time.monotonic()
            say(f"{title} ... {_clock(announced - started)}")

    yield tick


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
