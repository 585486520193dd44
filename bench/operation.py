"""Measures one operation of one program with the real engine."""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from operator import sub
from pathlib import Path

import psutil
import yaml
from pulumi import automation

from bench import programs

DESTROY = "destroy"
OPERATIONS = ("preview", "up", "up again", "rotate", DESTROY)
ADD_CLIENT = "up with one more client"
KUBECTL = "kubectl"
PROJECT = '{name: bench, runtime: python, config: {"kubernetes:enableSecretMutable": {value: true}}}'
WITHOUT_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}


def measure(
    program: str, providers: int, operation: str, project: Path, environment: dict[str, str]
) -> dict[str, float]:
    """Returns what the operation takes: the program as this process, the engine and the provider as its descendants."""
    os.environ.clear()
    os.environ.update(environment)
    (project / "state").mkdir(parents=True, exist_ok=True)
    keys = programs.keys(providers, rotated=operation == "rotate")
    run = (_kubectl if program == KUBECTL else _pulumi)(program, operation, project, keys)
    before = os.times()
    engine_memory = _peak_memory_of_descendants(run)
    taken = os.times_result(map(sub, os.times(), before))
    return {
        "seconds": taken.elapsed,
        "processor seconds": taken.user + taken.system + taken.children_user + taken.children_system,
        "program MiB": _peak_memory(os.getpid()),
        "engine and provider MiB": engine_memory,
        "state KiB": sum(file.stat().st_size for file in project.glob("state/.pulumi/stacks/*/*.json")) / 2**10,
    }


def _pulumi(name: str, operation: str, project: Path, keys: Mapping[str, str]) -> Callable[[], object]:
    (project / "Pulumi.yaml").write_text(PROJECT)
    variables = {
        "PULUMI_BACKEND_URL": (project / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "of the benchmark",
        **({} if name == programs.CHECKPOINTS else WITHOUT_CHECKPOINTS),
    }
    options = automation.LocalWorkspaceOptions(work_dir=str(project), env_vars=variables)
    available = programs.ONE_MORE_CLIENT if operation == ADD_CLIENT else programs.PROGRAMS
    program = available[name](project.name, keys)
    stack = automation.create_or_select_stack("bench", "bench", program, opts=options)
    runs: dict[str, Callable[[], object]] = {"preview": stack.preview, DESTROY: stack.destroy}
    return runs.get(operation, stack.up)


def _kubectl(name: str, operation: str, project: Path, keys: Mapping[str, str]) -> Callable[[], object]:
    file = project / "objects.yaml"
    file.write_text(yaml.safe_dump_all(programs.manifests(project.name, keys)))
    # When kubectl waits, it checks one object after the other.
    command = ["delete", "--wait=false"] if operation == DESTROY else ["apply", "--server-side"]
    command += ["--dry-run=server"] if operation == "preview" else []
    return partial(subprocess.run, [name, *command, "--filename", file], stdout=subprocess.DEVNULL, check=True)


def _peak_memory_of_descendants(run: Callable[[], object]) -> float:
    """Runs the operation, and returns the sum of the peaks of the processes that it starts."""
    peaks: dict[int, float] = {}
    with ThreadPoolExecutor() as threads:
        running = threads.submit(run)
        while wait([running], 0.2).not_done:
            for process in psutil.Process().children(recursive=True):
                peaks[process.pid] = max(_peak_memory(process.pid), peaks.get(process.pid, 0))
    running.result()
    return sum(peaks.values())


def _peak_memory(pid: int) -> float:
    """Returns the peak in MiB, from the kernel; 0 where the process has ended.

    `getrusage` would start with the memory of the parent process.
    """
    with suppress(OSError):
        if found := re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.M):
            return int(found[1]) / 2**10
    return 0
