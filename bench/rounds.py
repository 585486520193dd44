"""Runs every program, size and operation in turn, round after round, on one control plane."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes
import yaml

from bench import programs
from bench.memory import watching_descendants
from bench.operation import OPERATIONS
from local.control_plane import ControlPlane
from local.folders import REPOSITORY

KUBECTL = "kubectl"
PULUMI_PROGRAMS = ("component", "flat")
LEAST = "least"
SIZE_OF_LEAST = 100
WITHOUT_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
SETTINGS = {
    "name": "bench",
    "runtime": "python",
    "config": {"kubernetes:enableSecretMutable": {"value": True}},
}


@dataclass(frozen=True)
class Sample:
    """What one operation cost. Of kubectl only time and memory are known."""

    round: int
    program: str
    providers: int
    operation: str
    cost: Mapping[str, float]


class Bench:
    """On a control plane that runs, with everything else it writes below one folder."""

    def __init__(self, plane: ControlPlane, pulumi: Path, folder: Path) -> None:
        self._plane = plane
        self._pulumi = pulumi
        self._folder = folder
        configuration = kubernetes.client.Configuration()
        kubernetes.config.load_kube_config(str(plane.state.kubeconfig), client_configuration=configuration)
        self._core: Any = kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(configuration))

    def rounds(
        self, sizes: Sequence[int], rounds: int, say: Callable[[str], None], *, checkpoints: bool = False
    ) -> Iterator[list[Sample]]:
        """Each round's samples, when it is done.

        The programs take turns at being first, so that what the machine does meanwhile meets all of them.
        """
        kubectl = [KUBECTL] if shutil.which(KUBECTL) else []
        order = ["component"] if checkpoints else [*PULUMI_PROGRAMS, *kubectl]
        for number in range(rounds):
            samples: list[Sample] = []
            for size in sizes:
                for program in [*order, *([LEAST] if size == SIZE_OF_LEAST and not checkpoints else [])]:
                    say(f"round {number + 1} of {rounds}, {size} providers, {program}")
                    samples += self._life(number, program, size, checkpoints=checkpoints)
            yield samples
            order = [*order[1:], order[0]]

    def _life(self, number: int, program: str, size: int, *, checkpoints: bool) -> Iterator[Sample]:
        """From nothing to nothing again."""
        namespace = f"bench-{number}-{program}-{size}"
        place = self._folder / namespace
        place.mkdir()
        self._core.create_namespace({"metadata": {"name": namespace}})
        run = self._apply if program == KUBECTL else self._pulumi_operation
        environment = self._environment(place, {} if checkpoints else WITHOUT_CHECKPOINTS)
        for operation in OPERATIONS:
            yield Sample(number, program, size, operation, run(program, size, operation, namespace, environment))
        self._core.delete_namespace(namespace)
        shutil.rmtree(place)

    def _environment(self, place: Path, more: Mapping[str, str]) -> dict[str, str]:
        (place / "state").mkdir()
        (place / "Pulumi.yaml").write_text(yaml.safe_dump(SETTINGS))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "KUBE"))}
        return kept | {
            "KUBECONFIG": str(self._plane.state.kubeconfig),
            "PATH": os.pathsep.join((str(self._pulumi.parent), os.environ["PATH"])),
            "PULUMI_BACKEND_URL": (place / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "only for the benchmark",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(self._plane.state.pulumi_home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **more,
        }

    def _pulumi_operation(
        self, program: str, size: int, operation: str, namespace: str, environment: Mapping[str, str]
    ) -> dict[str, float]:
        command = [sys.executable, "-m", "bench.operation", program, str(size), operation, namespace]
        done = subprocess.run(
            [*command, str(self._folder / namespace)],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed.\n{done.stdout}{done.stderr}")
        cost: dict[str, float] = json.loads(done.stdout)
        return cost

    def _apply(
        self, _: str, size: int, operation: str, namespace: str, environment: Mapping[str, str]
    ) -> dict[str, float]:
        keys = programs.keys(size, rotated=operation == "rotate")
        file = self._folder / namespace / "objects.yaml"
        file.write_text(yaml.safe_dump_all(list(programs.manifests(namespace, keys))))
        # Waiting, kubectl would look for one object after the other.
        command = ["delete", "--wait=false"] if operation == "destroy" else ["apply", "--server-side"]
        command += ["--dry-run=server"] if operation == "preview" else []
        return self._timed([KUBECTL, *command, "--filename", str(file)], environment)

    @staticmethod
    def _timed(command: list[str], environment: Mapping[str, str]) -> dict[str, float]:
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        with watching_descendants() as descendants:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed.\n{done.stdout}{done.stderr}")
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"seconds": seconds, "engine processor seconds": processor, "engine memory": descendants.total}
