"""Builds programs from pinned Go modules."""

import hashlib
import json
import logging
import math
import os
import platform
import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from local.errors import LocalError
from local.folders import cache_folder
from local.lock import exclusive
from local.processes import last_lines
from local.toolchain.go import TOOLCHAIN, Go, download_module, ensure_go
from local.toolchain.jobs import Job, clock, run

logger = logging.getLogger(__name__)

# Minutes of one processor, measured with empty caches.
PROCESSOR_MINUTES = {"kubernetes": 12, "pulumi": 4, "yaml": 1}
# One compiler of the Kubernetes provider takes 4 GB then, beside those of the other modules.
BYTES_TO_BUILD_WITHOUT_COLLECTION = 12 * 2**30


@dataclass(frozen=True)
class Target:
    """A program to build from one of the Go modules in this folder.

    Attributes:
        name: Name of the program.
        toolchain: Folder of the Go module.
        package: Go package of the program.
        version_module: Required module whose version is the program's.
        version_variables: Go variables to set to that version.
        embedded: Files of the required module that the program embeds from its own folder.
    """

    name: str
    toolchain: str
    package: str
    version_module: str
    version_variables: tuple[str, ...] = ()
    embedded: tuple[str, ...] = ()

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
        """The program's place in the cache, which differs for other pins, sources and platforms."""
        pins = [file.read_text() for file in sorted(self.module_folder.rglob("*.*"))]
        key = hashlib.sha256("\0".join([*pins, platform.system(), platform.machine()]).encode()).hexdigest()[:16]
        return cache_folder() / f"{self.toolchain}-{key}" / self.name


def build(targets: Sequence[Target]) -> None:
    """Build the programs that are not built yet, one Go module after the other.

    Each build keeps all processors busy, and uses what the builds before it have compiled of the same packages. The
    sources for the later ones are downloaded meanwhile.

    Raises:
        LocalError: A build failed, or another process has been building for too long.
    """
    with exclusive(cache_folder() / "build.lock"):
        missing = [target for target in targets if not target.built.exists()]
        if not missing:
            return
        go = ensure_go()
        modules = dict.fromkeys(target.toolchain for target in missing)
        jobs = [_job([each for each in missing if each.toolchain == module], go) for module in modules]
        title = ", ".join(f"{target.name} {target.version}" for target in missing)
        started = time.monotonic()
        with (
            _downloads(jobs[1:]),
            closing(run(jobs, f"Building {title}; this takes {_likely(modules)}", 1)) as ended,
        ):
            for job, failure in ended:
                if failure:
                    raise LocalError(f"Building {job.names} failed. {last_lines(job.log)}")
        logger.info(f"Built {title} in {clock(time.monotonic() - started)}")


def _job(targets: Sequence[Target], go: Go) -> Job:
    """Return one `go build` of programs of one Go module.

    The programs run on this machine for short times, so the compiler is spared what takes it long: inlining, data for
    debuggers, threads beside those of the other compilers and, where there is memory for it, the collection of its own
    garbage.
    """
    first, embedding = targets[0], next((target for target in targets if target.embedded), None)
    folder = first.built.parent / "partial"
    in_memory = {"GOGC": "off"} if psutil.virtual_memory().total >= BYTES_TO_BUILD_WITHOUT_COLLECTION else {}
    ldflags = " ".join(dict.fromkeys(["-s -w", *(flag for target in targets for flag in target.version_flags)]))
    return Job(
        folder=folder,
        programs={target.executable: target.built for target in targets},
        command=[
            *(str(go.program), "build", "-v", "-trimpath", "-gcflags=all=-l -dwarf=false -c=1", f"-ldflags={ldflags}"),
            *(_overlay(embedding) if embedding else ()),
            *("-o", f"{folder}/", *(target.package for target in targets)),
        ],
        working_folder=first.module_folder,
        environment=go.environment | in_memory,
        log=cache_folder() / "logs" / f"build-{first.toolchain}.log",
    )


@contextmanager
def _downloads(jobs: Sequence[Job]) -> Iterator[None]:
    """Download what the jobs will compile. If that fails, they try again, and tell why."""
    started = [
        subprocess.Popen(
            [job.command[0], "list", "-e", "-deps", *job.command[job.command.index("-o") + 2 :]],
            cwd=job.working_folder,
            env=job.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for job in jobs
    ]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def _overlay(target: Target) -> list[str]:
    """Return the option that shows Go, in the folder of the program, the files to embed that are not there."""
    module = download_module(target.version_module, target.toolchain)
    embedded = [module / name for name in target.embedded]
    overlay = target.built.with_suffix(".overlay.json")
    overlay.parent.mkdir(parents=True, exist_ok=True)
    overlay.write_text(
        json.dumps(
            {"Replace": {str(target.module_folder / target.executable / each.name): str(each) for each in embedded}}
        )
    )
    return [f"-overlay={overlay}"]


def _likely(modules: Iterable[str]) -> str:
    processors = os.cpu_count() or 1
    minutes = math.ceil(sum(PROCESSOR_MINUTES[module] for module in modules) / processors)
    return f"about {minutes} minutes with {processors} processors"
