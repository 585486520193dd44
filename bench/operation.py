"""One command of Pulumi's on one of the programs, in a process of its own: `python -m bench.operation`."""

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

from pulumi import automation

from bench import programs
from bench.memory import peak_memory, watching_descendants

OPERATIONS = ("preview", "up", "up again", "rotate", "destroy")


def main(arguments: list[str]) -> None:
    """Prints the cost as JSON: seconds, seconds of processor time, bytes of peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", choices=("component", "flat", "least"))
    parser.add_argument("providers", type=int)
    parser.add_argument("operation", choices=OPERATIONS)
    parser.add_argument("namespace")
    parser.add_argument("project", type=Path)
    asked = parser.parse_args(arguments)
    keys = programs.keys(asked.providers, rotated=asked.operation == "rotate")
    program = getattr(programs, asked.program)(asked.namespace, keys)
    options = automation.LocalWorkspaceOptions(
        work_dir=str(asked.project), program=program, pulumi_command=automation.PulumiCommand()
    )
    stack = automation.Stack.create_or_select(asked.namespace, automation.LocalWorkspace(**vars(options)))
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    with watching_descendants() as descendants:
        _run(stack, asked.operation)
    cost = {
        "seconds": time.monotonic() - started,
        "program processor seconds": _processor(resource.getrusage(resource.RUSAGE_SELF)) - _processor(before),
        "engine processor seconds": _processor(resource.getrusage(resource.RUSAGE_CHILDREN)) - _processor(children),
        "program memory": peak_memory(os.getpid()),
        "engine memory": descendants.total,
        "state": sum(file.stat().st_size for file in _state(asked.namespace)),
    }
    sys.stdout.write(json.dumps(cost))


def _run(stack: automation.Stack, operation: str) -> None:
    match operation:
        case "preview":
            stack.preview()
        case "destroy":
            stack.destroy()
        case _:
            stack.up()


def _processor(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _state(stack: str) -> list[Path]:
    backend = Path(os.environ["PULUMI_BACKEND_URL"].removeprefix("file://"))
    return list(backend.glob(f".pulumi/stacks/**/{stack}.json"))


if __name__ == "__main__":
    main(sys.argv[1:])
