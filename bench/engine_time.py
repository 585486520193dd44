"""Measures what operations take with the real engine, Kubernetes provider and API server."""

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import yaml

from bench.figures import Sample
from bench.operation import KUBECTL, OPERATIONS
from local.control_plane.api_server import namespace_objects
from local.control_plane.control_plane import ControlPlane
from local.environment import Environment
from local.folders import REPOSITORY, StateFolder
from local.toolchain.binaries import Binaries
from local.toolchain.tools import KUBERNETES_PROVIDER

logger = logging.getLogger("local.bench")

TARGET_SIZE = 100
COMPARED = ("component", "baseline", "flat")
OTHERS = ("agentgateway", "fallback", "clients")
CHECKPOINTS = "component with checkpoints"
WITHOUT_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
SETTINGS = {"name": "bench", "runtime": "python", "config": {"kubernetes:enableSecretMutable": {"value": True}}}

# Once each: the number of providers, the programs and the operations. More would take hours.
ONCE = (
    (1, (*COMPARED, KUBECTL), OPERATIONS),
    (10, (*COMPARED, KUBECTL), OPERATIONS),
    (TARGET_SIZE, (*OTHERS, KUBECTL), ("preview", "up")),
    (250, ("component", "flat"), ("preview", "up")),
    *((size, (CHECKPOINTS,), ("up",)) for size in (1, 10, TARGET_SIZE)),
)


def engine_samples(binaries: Binaries, rounds: int) -> Iterator[Sample]:
    """Yields the cost of the compared programs in each round, and of everything else once."""
    plan: list[tuple[int, int, Sequence[str], Sequence[str]]] = []
    for number in range(rounds):
        first = number % len(COMPARED)
        plan.append((number, TARGET_SIZE, COMPARED[first:] + COMPARED[:first], OPERATIONS[:-1]))
    plan += [(0, *each) for each in ONCE]
    with tempfile.TemporaryDirectory() as name:
        plane = ControlPlane(StateFolder(Path(name, "plane")), binaries)
        try:
            plane.start(
                namespace_objects(_namespace(*each) for each in product(range(len(plan)), range(len(COMPARED) + 1)))
            )
            KUBERNETES_PROVIDER.install(plane.state.pulumi_home, binaries.kubernetes_provider)
            for part, (number, size, names, operations) in enumerate(plan):
                logger.info("Part %s of %s: %s providers, %s", part + 1, len(plan), size, ", ".join(names))
                found = [each for each in names if each != KUBECTL or shutil.which(KUBECTL)]
                folders = {program: Path(name, _namespace(part, place)) for place, program in enumerate(found)}
                # The programs take turns, so that changes of the machine's load affect all.
                for operation, (program, folder) in product(operations, folders.items()):
                    cost = _measure(program, size, operation, folder, _environment(plane, binaries, program, folder))
                    yield Sample(number, program, size, operation, cost)
        finally:
            plane.stop()


def _namespace(part: int, place: int) -> str:
    return f"bench-{part}-{place}"


def _environment(plane: ControlPlane, binaries: Binaries, program: str, project: Path) -> dict[str, str]:
    state = project / "state"
    state.mkdir(parents=True, exist_ok=True)
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(SETTINGS))
    environment = Environment.of(os.environ).for_engine(plane.state, binaries.pulumi)
    environment |= {} if program == CHECKPOINTS else WITHOUT_CHECKPOINTS
    return environment | {"PULUMI_BACKEND_URL": state.as_uri(), "PULUMI_CONFIG_PASSPHRASE": "of the benchmark"}


def _measure(program: str, size: int, operation: str, project: Path, environment: dict[str, str]) -> dict[str, float]:
    name = "component" if program == CHECKPOINTS else program
    command = [sys.executable, "-m", "bench.operation", name, str(size), operation, project.name, str(project)]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed.\n{done.stdout}{done.stderr}")
    cost: dict[str, float] = json.loads(done.stdout)
    return cost
