"""Builds programs from pinned Go modules."""

import json
import logging
import math
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack

import psutil

from local.errors import LocalError
from local.folders import cache_folder
from local.lock import exclusive
from local.processes import last_lines
from local.toolchain.go import TOOLCHAIN, Go, download_module, ensure_go
from local.toolchain.jobs import Job, clock, run, started
from local.toolchain.tools import Tool

logger = logging.getLogger(__name__)

# Minutes of one processor, measured with empty caches.
PROCESSOR_MINUTES = {"kubernetes": 12, "pulumi": 4, "yaml": 1}
# One compiler of the Kubernetes provider takes 4 GB then, beside those of the other modules.
BYTES_TO_BUILD_WITHOUT_COLLECTION = 12 * 2**30


def build(tools: Sequence[Tool]) -> None:
    """Build the programs that are not built yet, one Go module after the other.

    Each build keeps all processors busy, and uses what the builds before it have compiled of the same packages. The
    sources for the later ones are downloaded meanwhile. If that fails, the builds try again, and tell why.

    Raises:
        LocalError: A build failed, or another process has been building for too long.
    """
    with exclusive(cache_folder() / "build.lock"):
        modules: dict[str, list[Tool]] = {}
        for tool in tools:
            if not tool.built.exists():
                modules.setdefault(tool.toolchain, []).append(tool)
        if not modules:
            return
        go = ensure_go()
        jobs = [_job(each, go) for each in modules.values()]
        title = ", ".join(f"{tool.name} {tool.version}" for each in modules.values() for tool in each)
        begun = time.monotonic()
        with ExitStack() as stack:
            for module, later in list(modules.items())[1:]:
                command = [str(go.program), "list", "-e", "-deps", *(tool.package for tool in later)]
                stack.enter_context(started(command, TOOLCHAIN / module, go.environment))
            failures = run(jobs, f"Building {title}; this takes {_likely(modules)}", at_once=1)
        for job, _ in failures:
            raise LocalError(f"Building {job.names} failed. {last_lines(job.log)}")
        logger.info(f"Built {title} in {clock(time.monotonic() - begun)}")


def _job(tools: Sequence[Tool], go: Go) -> Job:
    """Return one `go build` of programs of one Go module.

    The programs run on this machine for short times, so the compiler is spared what takes it long: inlining, data for
    debuggers, threads beside those of the other compilers and, where there is memory for it, the collection of its own
    garbage.
    """
    first = tools[0]
    folder = first.built.parent / "partial"
    in_memory = {"GOGC": "off"} if psutil.virtual_memory().total >= BYTES_TO_BUILD_WITHOUT_COLLECTION else {}
    versions = [f"-X {variable}={tool.version}" for tool in tools for variable in tool.version_variables]
    return Job(
        folder=folder,
        programs={tool.executable: tool.built for tool in tools},
        command=[
            *(str(go.program), "build", "-v", "-trimpath", "-gcflags=all=-l -dwarf=false -c=1"),
            f"-ldflags={' '.join(dict.fromkeys(['-s -w', *versions]))}",
            *(_overlay(tool) for tool in tools if tool.embedded),
            *("-o", f"{folder}/", *(tool.package for tool in tools)),
        ],
        working_folder=first.module_folder,
        environment=go.environment | in_memory,
        log=cache_folder() / "logs" / f"build-{first.toolchain}.log",
    )


def _overlay(tool: Tool) -> str:
    """Return the option that shows Go, in the folder of the program, the files to embed that are not there."""
    module = download_module(tool.version_module, tool.toolchain)
    folder = tool.module_folder / tool.executable
    files = {str(folder / (module / name).name): str(module / name) for name in tool.embedded}
    overlay = tool.built.with_suffix(".overlay.json")
    overlay.parent.mkdir(parents=True, exist_ok=True)
    overlay.write_text(json.dumps({"Replace": files}))
    return f"-overlay={overlay}"


def _likely(modules: Iterable[str]) -> str:
    processors = os.cpu_count() or 1
    minutes = math.ceil(sum(PROCESSOR_MINUTES[module] for module in modules) / processors)
    return f"about {minutes} minutes with {processors} processors"
