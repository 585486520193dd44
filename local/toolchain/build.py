"""Builds programs from pinned Go modules."""

import hashlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from local.errors import LocalError
from local.folders import cache_folder
from local.lock import exclusive
from local.processes import last_lines
from local.toolchain.go import TOOLCHAIN, Go, ensure_go

SECONDS_BETWEEN_LINES = 60.0
SECONDS_BETWEEN_LOOKS = 0.2


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
    def version_flags(self) -> list[str]:
        return [f"-X {variable}={self.version}" for variable in self.version_variables]

    @property
    def executable(self) -> str:
        """The name that Go gives the program: the last part of its package, without the major version."""
        return [part for part in self.package.split("/") if not re.fullmatch(r"v\d+", part)][-1]

    @property
    def built(self) -> Path:
        """The program's place in the cache, which differs for other pins and platforms."""
        pins = [(self.module_folder / name).read_text() for name in ("go.mod", "go.sum")]
        key = hashlib.sha256("\0".join([*pins, platform.system(), platform.machine()]).encode()).hexdigest()[:16]
        return cache_folder() / f"{self.toolchain}-{key}" / self.name


def build(targets: Sequence[Target], say: Callable[[str], None]) -> None:
    """Build the programs that are not built yet, those of different Go modules side by side.

    Raises:
        LocalError: A build failed, or another process has been building for too long.
    """
    with exclusive(cache_folder() / "build.lock", say):
        missing = [target for target in targets if not target.built.exists()]
        if not missing:
            return
        go = ensure_go(say)
        title = ", ".join(f"{target.name} {target.version}" for target in missing)
        started = time.monotonic()
        with _progress(f"Building {title}; this takes minutes", say) as tick, ExitStack() as running:
            builds = [
                running.enter_context(_Build(toolchain, [each for each in missing if each.toolchain == toolchain], go))
                for toolchain in dict.fromkeys(target.toolchain for target in missing)
            ]
            while [each for each in builds if not each.ended()]:
                time.sleep(SECONDS_BETWEEN_LOOKS)
                tick()
        say(f"Built {title} in {_clock(time.monotonic() - started)}")


class _Build:
    """One `go build` of the programs of one Go module, which ends with the context."""

    def __init__(self, toolchain: str, targets: Sequence[Target], go: Go) -> None:
        self._targets = targets
        self._log = cache_folder() / "logs" / f"build-{toolchain}.log"
        self._partial = targets[0].built.parent / "partial"
        # Go refuses to overwrite a file that is not a program, such as an incomplete one.
        shutil.rmtree(self._partial, ignore_errors=True)
        for folder in (self._log.parent, self._partial):
            folder.mkdir(parents=True, exist_ok=True)
        ldflags = " ".join(dict.fromkeys(["-s -w", *(flag for target in targets for flag in target.version_flags)]))
        command = [str(go.program), "build", "-v", "-trimpath", f"-ldflags={ldflags}", "-o", f"{self._partial}/"]
        command += [target.package for target in targets]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=targets[0].module_folder,
                env=go.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """On the signal that Ctrl-C sends, Go ends its compilers and removes its temporary folder."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()

    def ended(self) -> bool:
        """Tells whether the build has ended. If it has, its programs are in their places."""
        status = self._process.poll()
        if status:
            names = ", ".join(target.name for target in self._targets)
            raise LocalError(f"Building {names} failed: go ended with status {status}. {last_lines(self._log)}")
        if status == 0 and self._partial.exists():
            for target in self._targets:
                (self._partial / target.executable).rename(target.built)
            self._partial.rmdir()
        return status == 0


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
