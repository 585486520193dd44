"""Runs the benchmark, and writes its page with a plot.

Ctrl-C ends it before all rounds are done; it then writes the rounds that are complete.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

import kubernetes
import yaml
from rich.console import Console

from bench.figures import NOISE, TARGET_SIZE, Figures, Sample
from bench.operation import DESTROY, IMPORTS, KUBECTL, NAMESPACE, OPERATIONS, import_cost
from bench.report import CHECKPOINTS, write
from bench.waiting import waiting
from local.control_plane.api_server import namespace_objects
from local.control_plane.control_plane import ControlPlane
from local.environment import Environment
from local.folders import REPOSITORY, StateFolder
from local.messages import show_messages
from local.toolchain.binaries import Binaries, find_or_build
from local.toolchain.tools import KUBERNETES_PROVIDER

WITHOUT_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
KINDS = (
    ("gateway.networking.k8s.io", "v1", "httproutes"),
    ("gateway.networking.k8s.io", "v1", "backendtlspolicies"),
    ("gateway.kgateway.dev", "v1alpha1", "backends"),
)
SETTINGS = {"name": "bench", "runtime": "python", "config": {"kubernetes:enableSecretMutable": {"value": True}}}
# With checkpoints and more providers, an `up` takes minutes.
MOST_WITH_CHECKPOINTS = 100
SIZES = (1, 10, TARGET_SIZE, 250)
COMPARED = ("component", "flat", NOISE, "baseline")
ARGUMENTS = ("agentgateway", "fallback", "clients")
OTHERS = (*ARGUMENTS, CHECKPOINTS)
# The program to run where the page has another name. The noise is the flat program compared with itself.
PROGRAMS = {NOISE: "flat", CHECKPOINTS: "component"}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help=f"of the compared programs, with {TARGET_SIZE} providers")
    parser.add_argument("--other-rounds", type=int, default=0, help="in how many of them everything else is measured")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "docs", help="where to write the page and its plot")
    parser.add_argument("--samples", type=Path, help="a file to keep all samples in, as JSON")
    options = parser.parse_args(arguments)
    show_messages(Console(stderr=True))
    with tempfile.TemporaryDirectory() as name:
        binaries = find_or_build()
        plane = ControlPlane(StateFolder(Path(name)), binaries)
        try:
            plane.start(namespace_objects([NAMESPACE]))
            KUBERNETES_PROVIDER.install(plane.state.pulumi_home, binaries.kubernetes_provider)
            samples = _complete_rounds(plane, binaries, options.rounds, options.other_rounds)
        finally:
            plane.stop()
    imports = [
        Sample(number, program, 0, "import", import_cost(program))
        for number in range(2 * options.rounds)
        for program in IMPORTS
    ]
    waited = list(waiting(options.rounds))
    if options.samples:
        options.samples.write_text(json.dumps([asdict(each) for each in [*samples, *imports, *waited]]))
    write(Figures(samples), Figures(imports), Figures(waited), binaries, options.folder)


def _complete_rounds(plane: ControlPlane, binaries: Binaries, rounds: int, other_rounds: int) -> list[Sample]:
    """Runs the rounds. The programs take turns at being first, so that changes of the machine's load affect all."""
    order = deque([*COMPARED, *OTHERS, *([KUBECTL] if shutil.which(KUBECTL) else [])])
    samples: list[Sample] = []
    try:
        for number in range(rounds):
            complete: list[Sample] = []
            for size, program in product(SIZES, order):
                whole = number < other_rounds and _is_measured(program, size)
                if whole or (program in COMPARED and size == TARGET_SIZE):
                    _say(f"round {number + 1} of {rounds}, {size} providers, {program}")
                    operations = [each for each in OPERATIONS if whole or each != DESTROY]
                    complete += _run_cycle(plane, binaries, number, program, size, operations)
            samples += complete
            order.rotate(-1)
    except KeyboardInterrupt:
        _say(f"Ended early, after {number} rounds.")
    return samples


def _is_measured(program: str, size: int) -> bool:
    """Leaves out what would take hours: programs with more arguments at all sizes, and checkpoints at the largest."""
    if program in ARGUMENTS:
        return size == TARGET_SIZE
    return program != CHECKPOINTS or size <= MOST_WITH_CHECKPOINTS


def _run_cycle(
    plane: ControlPlane, binaries: Binaries, number: int, program: str, size: int, operations: Sequence[str]
) -> Iterator[Sample]:
    """Runs operations, from an empty namespace to an empty namespace."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Environment.of(os.environ).for_engine(plane.state, binaries.pulumi)
        environment |= {} if program == CHECKPOINTS else WITHOUT_CHECKPOINTS
        environment |= {"PULUMI_BACKEND_URL": f"file://{folder}/state", "PULUMI_CONFIG_PASSPHRASE": "of the benchmark"}
        Path(folder, "state").mkdir()
        Path(folder, "Pulumi.yaml").write_text(yaml.safe_dump(SETTINGS))
        for operation in operations:
            cost = _measure([PROGRAMS.get(program, program), str(size), operation, folder], environment)
            yield Sample(number, program, size, operation, cost)
    if DESTROY not in operations:
        _empty_namespace(plane)


def _empty_namespace(plane: ControlPlane) -> None:
    """Deletes all at once what `destroy`, where no program runs, takes most of a round for."""
    with kubernetes.config.new_client_from_config(str(plane.state.kubeconfig)) as client:
        kubernetes.client.CoreV1Api(client).delete_collection_namespaced_secret(NAMESPACE)
        custom = kubernetes.client.CustomObjectsApi(client)
        for group, version, plural in KINDS:
            custom.delete_collection_namespaced_custom_object(group, version, NAMESPACE, plural)


def _measure(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.operation", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed.\n{done.stdout}{done.stderr}")
    cost: dict[str, float] = json.loads(done.stdout)
    return cost


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
