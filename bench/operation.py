"""Measures one operation of one program in the real engine, in a process of its own: `python -m bench.operation`."""

import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import yaml
from pulumi import automation

from bench import programs

DESTROY = "destroy"
OPERATIONS = ("preview", "up", "up again", "rotate", DESTROY)
PROCESSOR = ("program processor seconds", "engine processor seconds")
KUBECTL = "kubectl"


def main(program: str, providers: str, operation: str, namespace: str, project: str) -> None:
    """Prints the cost as JSON: seconds, seconds of processor time, bytes of peak memory and of the state."""
    keys = programs.keys(int(providers), rotated=operation == "rotate")
    if program == KUBECTL:
        run = _kubectl(operation, programs.manifests(namespace, keys), Path(project))
    else:
        run = _pulumi(operation, programs.PROGRAMS[program](namespace, keys), Path(project))
    own, others = _processor_seconds(resource.RUSAGE_SELF), _processor_seconds(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    with _peak_memory_of_descendants() as peaks:
        run()
    cost = {
        "seconds": time.monotonic() - started,
        "program processor seconds": _processor_seconds(resource.RUSAGE_SELF) - own,
        "engine processor seconds": _processor_seconds(resource.RUSAGE_CHILDREN) - others,
        "program memory": _peak_memory(os.getpid()),
        "engine memory": sum(peaks.values()),
        "state": sum(file.stat().st_size for file in Path(project).glob("state/.pulumi/stacks/*/*.json")),
    }
    sys.stdout.write(json.dumps(cost))


def _pulumi(operation: str, program: programs.Program, project: Path) -> Callable[[], object]:
    stack = automation.create_or_select_stack(
        "bench",
        project_name="bench",
        program=program,
        opts=automation.LocalWorkspaceOptions(work_dir=str(project), pulumi_command=automation.PulumiCommand()),
    )
    runs: dict[str, Callable[[], object]] = {"preview": stack.preview, DESTROY: stack.destroy}
    return runs.get(operation, stack.up)


def _kubectl(operation: str, objects: Iterable[object], project: Path) -> Callable[[], object]:
    file = project / "objects.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    # When kubectl waits, it checks one object after the other.
    command = ["delete", "--wait=false"] if operation == DESTROY else ["apply", "--server-side"]
    command += ["--dry-run=server"] if operation == "preview" else []
    return partial(subprocess.run, [KUBECTL, *command, "--filename", file], stdout=subprocess.DEVNULL, check=True)


@contextmanager
def _peak_memory_of_descendants() -> Iterator[dict[int, int]]:
    peaks: dict[int, int] = {}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            for process in psutil.Process().children(recursive=True):
                peaks[process.pid] = max(_peak_memory(process.pid), peaks.get(process.pid, 0))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def _peak_memory(pid: int) -> int:
    """Returns the peak in bytes, from the kernel; 0 where the process has ended.

    `getrusage` would start with the memory of the parent process.
    """
    with suppress(OSError):
        if found := re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.M):
            return int(found[1]) * 1024
    return 0


def _processor_seconds(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(*sys.argv[1:])
