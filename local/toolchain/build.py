"""Builds programs from pinned Go modules."""

import json
import logging
import math
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO

import psutil
from rich.console import Console
from rich.text import Text

from local.errors import LocalError
from local.folders import cache_folder
from local.processes import last_lines
from local.toolchain.go import Go, download_module, ensure_go
from local.toolchain.tools import Tool

logger = logging.getLogger(__name__)

# Minutes of one processor, measured with empty caches; one for all others.
PROCESSOR_MINUTES = {"kubernetes": 12, "pulumi": 4}
# One compiler of the Kubernetes provider takes 4 GB then, beside those of the other modules.
BYTES_TO_BUILD_WITHOUT_COLLECTION = 12 * 2**30
QUICK = ("-trimpath", "-gcflags=all=-l -dwarf=false -c=1")
"""The programs run on this machine for short times, so the compiler is spared what takes it long: inlining, data for
debuggers, threads beside those of the other compilers and, where there is memory for it, the collection of its own
garbage."""
SECONDS_BETWEEN_LINES = 60.0
SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_END = 5.0


def build(tools: Sequence[Tool]) -> None:
    """Builds programs, one Go module after the other.

    Each build keeps all processors busy, and uses what the builds before it have compiled of the same packages. The
    sources for the later ones are downloaded meanwhile. If that fails, the builds try again, and tell why.

    Raises:
        LocalError: A build failed.
    """
    modules: dict[str, list[Tool]] = {}
    for tool in tools:
        modules.setdefault(tool.toolchain, []).append(tool)
    go = ensure_go()
    programs = ", ".join(f"{tool.name} {tool.version}" for module in modules.values() for tool in module)
    begun = time.monotonic()
    with ExitStack() as stack, _progress(f"Building {programs}; this takes {_likely(modules)}") as show:
        for later in list(modules.values())[1:]:
            command = [str(go.program), "list", "-e", "-deps", *(tool.package for tool in later)]
            stack.enter_context(_started(command, later[0].module_folder, go.environment))
        for module in modules.values():
            _build(module, go, show)
    logger.info(f"Built {programs} in {_clock(time.monotonic() - begun)}")


def _build(tools: Sequence[Tool], go: Go, show: Callable[[str], None]) -> None:
    """Builds programs of one Go module, and moves them to their places. Shows what Go prints."""
    first = tools[0]
    folder = first.built.parent / "partial"
    log = cache_folder() / "logs" / f"build-{first.toolchain}.log"
    # Go refuses to overwrite a file that is not a program, such as an incomplete one.
    shutil.rmtree(folder, ignore_errors=True)
    for each in (folder, log.parent):
        each.mkdir(parents=True, exist_ok=True)
    in_memory = {"GOGC": "off"} if psutil.virtual_memory().total >= BYTES_TO_BUILD_WITHOUT_COLLECTION else {}
    try:
        command = _command(tools, go, folder)
        with (
            log.open("wb") as output,
            _started(command, first.module_folder, go.environment | in_memory, output) as build,
        ):
            while build.poll() is None:
                show(log.read_text(errors="replace").rstrip().rpartition("\n")[2].strip())
                time.sleep(SECONDS_BETWEEN_LOOKS)
        if build.returncode:
            raise LocalError(f"Building {', '.join(tool.name for tool in tools)} failed. {last_lines(log)}")
        for tool in tools:
            (folder / tool.executable).rename(tool.built)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _command(tools: Sequence[Tool], go: Go, folder: Path) -> list[str]:
    """Returns the command line of one `go build`, which leaves the programs in the folder."""
    versions = [f"-X {variable}={tool.version}" for tool in tools for variable in tool.version_variables]
    return [
        *(str(go.program), "build", "-v", *QUICK),
        f"-ldflags={' '.join(dict.fromkeys(['-s -w', *versions]))}",
        *(_overlay(tool) for tool in tools if tool.embedded),
        *("-o", f"{folder}/", *(tool.package for tool in tools)),
    ]


def _overlay(tool: Tool) -> str:
    """Returns the option that shows Go, in the folder of the program, the files to embed that are not there."""
    module = download_module(tool.version_module, tool.toolchain)
    folder = tool.module_folder / tool.executable
    files = {str(folder / (module / name).name): str(module / name) for name in tool.embedded}
    overlay = tool.built.with_suffix(".overlay.json")
    overlay.parent.mkdir(parents=True, exist_ok=True)
    overlay.write_text(json.dumps({"Replace": files}))
    return f"-overlay={overlay}"


def _likely(modules: Iterable[str]) -> str:
    processors = os.cpu_count() or 1
    minutes = math.ceil(sum(PROCESSOR_MINUTES.get(module, 1) for module in modules) / processors)
    return f"about {minutes} minutes with {processors} processors"


@contextmanager
def _started(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], output: IO[bytes] | int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a Go command that ends with the context.

    On the signal that Ctrl-C sends, Go ends its compilers and removes its temporary folder.
    """
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        descendants = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_END)
        process.kill()
        process.wait()
        for each in descendants:
            with suppress(psutil.NoSuchProcess):
                each.kill()


@contextmanager
def _progress(title: str) -> Iterator[Callable[[str], None]]:
    """Yields a function that shows a line: at once on a terminal, otherwise every minute."""
    logger.info(f"{title} ...")
    begun = announced = time.monotonic()
    with Console().status("") as status:

        def show(line: str) -> None:
            nonlocal announced
            now = time.monotonic()
            news = Text(f"{_clock(now - begun)}: {line}")
            if now - announced >= SECONDS_BETWEEN_LINES and not status.console.is_terminal:
                announced = now
                logger.info(f"{title} ... {news}")
            news.truncate(status.console.width - 2, overflow="ellipsis")
            status.update(news)

        yield show


def _clock(seconds: float) -> str:
    """Returns `0:03:20` for 200 seconds."""
    return str(timedelta(seconds=round(seconds)))
