"""The commands that examples/kind/kind.sh gives to kind, kubectl and Helm, which stand-ins write down."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.pages import EXAMPLE_OBJECTS
from tests.support.repository import REPOSITORY

SCRIPT = REPOSITORY / "examples/kind/kind.sh"
DEFINITIONS = "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.4.1/standard-install.yaml"
CHARTS = {
    "agentgateway": [
        "agentgateway-crds oci://cr.agentgateway.dev/charts/agentgateway-crds {options}",
        "agentgateway oci://cr.agentgateway.dev/charts/agentgateway {options}",
    ],
    "kgateway": [
        "kgateway-crds oci://cr.kgateway.dev/kgateway-dev/charts/kgateway-crds {options}",
        "kgateway oci://cr.kgateway.dev/kgateway-dev/charts/kgateway {options} --set agentgateway.enabled=true",
    ],
}
VERSIONS = {"agentgateway": "v1.4.1", "kgateway": "v2.1.3"}


class Machine:
    """Runs the script on programs that only write down their arguments."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "log"
        for name in ("kind", "kubectl", "helm"):
            self.put(name, "")

    def put(self, name: str, commands: str) -> None:
        """Puts a program in place that also runs these commands."""
        program = self._folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self._log}"\n{commands}\n')
        program.chmod(0o755)

    def run(self, *steps: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join((str(self._folder), "/usr/bin", "/bin"))
        command = ["bash", str(SCRIPT), *steps]
        return subprocess.run(command, env={"PATH": path, **environment}, capture_output=True, text=True, check=False)

    @property
    def commands(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_cluster_is_created_unless_it_is_there(machine: Machine) -> None:
    assert machine.run("cluster").returncode == 0
    assert machine.commands == ["kind get clusters", "kind create cluster --name llm --wait 120s"]
    machine.put("kind", "echo other; echo llm")
    assert machine.run("cluster").returncode == 0
    assert machine.commands[2:] == ["kind get clusters"]


@pytest.mark.parametrize("api", CHARTS)
def test_a_gateway_is_installed_in_the_cluster_that_is_named_whatever_the_current_one(
    machine: Machine, api: str
) -> None:
    done = machine.run("gateway", API=api, CONTEXT="mine")
    assert (done.returncode, done.stderr) == (0, "")
    here, place = "--context mine", "--namespace gloo-system"
    options = f"--kube-context mine --namespace {api}-system --create-namespace --version {VERSIONS[api]} --wait"
    assert machine.commands == [
        f"kubectl {here} apply --server-side --filename {DEFINITIONS}",
        *(f"helm upgrade --install {chart.format(options=options)}" for chart in CHARTS[api]),
        f"kubectl {here} apply --filename {SCRIPT.with_name('gateway.yaml')}",
        f"kubectl {here} wait {place} gateway/agentgateway --for condition=Programmed --timeout 180s",
        f"kubectl {here} rollout status {place} deployment/agentgateway --timeout 180s",
    ]


def test_what_it_waits_for_is_what_it_creates() -> None:
    namespace, gateway = yaml.safe_load_all(EXAMPLE_OBJECTS)
    assert gateway["metadata"] == {"name": "agentgateway", "namespace": namespace["metadata"]["name"]}


@pytest.mark.parametrize("program", ["kubectl", "helm"])
def test_a_step_that_fails_is_the_last(machine: Machine, program: str) -> None:
    machine.put(program, "exit 3")
    assert machine.run("all").returncode == 3
    assert [each for each in machine.commands if each.startswith(program)] == [machine.commands[-1]]


@pytest.mark.parametrize("arguments", [(), ("clusters",), ("--help",)])
def test_without_a_step_that_it_knows_it_lists_them_and_does_nothing(machine: Machine, arguments: tuple[str]) -> None:
    done = machine.run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: kind.sh")
    assert machine.commands == []


def test_an_api_that_it_does_not_know_is_refused(machine: Machine) -> None:
    done = machine.run("gateway", API="kgatway")
    assert (done.returncode, done.stderr) == (2, "API is kgatway; give agentgateway or kgateway\n")
    assert machine.commands == []
