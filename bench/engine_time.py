"""Measures what operations take with the real engine, Kubernetes provider and API server."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from bench.figures import Sample
from bench.operation import ADD_CLIENT, KUBECTL, OPERATIONS, measure
from bench.process import in_new_process
from bench.programs import CHECKPOINTS, ONE_CLIENT, TWENTY_CLIENTS
from local.control_plane.api_server import namespace_objects
from local.control_plane.control_plane import ControlPlane
from local.environment import Environment
from local.folders import StateFolder
from local.toolchain.binaries import find_or_build
from local.toolchain.tools import KUBERNETES_PROVIDER

logger = logging.getLogger("local.bench")

SIZES = (1, 10, 100, 250)
TARGET_SIZE = 100
COMPARED = ("component", "baseline", "flat")
CLIENTS = (ONE_CLIENT, TWENTY_CLIENTS)
ARGUMENTS = ("fallback", *CLIENTS)

Part = tuple[int, int, Sequence[str], Sequence[str]]
"""Round, number of providers, programs and operations."""

# Each round begins with another program. What isn't a target is measured once. More would take hours.
PLAN: Sequence[Part] = (
    *((start, TARGET_SIZE, COMPARED[start:] + COMPARED[:start], OPERATIONS[:-1]) for start in range(len(COMPARED))),
    (0, 1, (*COMPARED, KUBECTL), OPERATIONS),
    (0, 10, (*COMPARED, KUBECTL), OPERATIONS),
    (0, TARGET_SIZE, ("agentgateway", *ARGUMENTS, KUBECTL), ("preview", "up", ADD_CLIENT)),
    (0, 250, ("component", "flat"), ("preview", "up")),
    *((0, size, (CHECKPOINTS,), ("up",)) for size in (1, 10, TARGET_SIZE)),
)


CLIENTS_PLAN: Sequence[Part] = ((0, TARGET_SIZE, ("agentgateway", *CLIENTS), ("preview", "up", ADD_CLIENT)),)
"""What clients add, alone."""


def steps(programs: Sequence[str], operations: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yields each operation with each program. A program without clients can't get one more."""
    return (
        (each, program) for each, program in product(operations, programs) if each != ADD_CLIENT or program in CLIENTS
    )


def engine_samples(plan: Sequence[Part] = PLAN) -> Iterator[Sample]:
    """Yields the cost of each operation of the plan."""
    binaries = find_or_build()
    with tempfile.TemporaryDirectory() as name:
        plane = ControlPlane(StateFolder(Path(name, "plane")), binaries)
        # Each program of each part has a folder, and a namespace of the same name.
        names = (f"{program}-{part}" for part, (_, _, programs, _) in enumerate(plan) for program in programs)
        try:
            plane.start(namespace_objects(names))
            KUBERNETES_PROVIDER.install(plane.state.pulumi_home, binaries.kubernetes_provider)
            environment = Environment.of(os.environ).for_engine(plane.state, binaries.pulumi)
            for part, (number, size, programs, operations) in enumerate(plan):
                logger.info("Measuring %s providers: %s", size, ", ".join(programs))
                # The programs take turns, so that changes of the machine's load affect all.
                for operation, program in steps(programs, operations):
                    if program != KUBECTL or shutil.which(KUBECTL):
                        project = Path(name, f"{program}-{part}")
                        cost = in_new_process(measure, program, size, operation, project, environment)
                        yield Sample(number, program, size, operation, cost)
        finally:
            plane.stop()
