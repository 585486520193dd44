"""The commands that examples/kind/kind.sh gives to kind, kubectl and Helm, which stand-ins write down."""

import functools
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.pages import EXAMPLE_OBJECTS, block
from tests.support.recording import PROJECT, record_program
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
        self._clusters = folder / "clusters"
        self.has_clusters()
        listed = f'"{self._clusters}"'
        self.put("kind", f'case "$1" in create) echo "$4" >>{listed} ;; get) cat {listed} ;; esac')
        for name in ("kubectl", "helm"):
            self.put(name, "")

    def has_clusters(self, *names: str) -> None:
        """Says which clusters kind has."""
        self._clusters.write_text("".join(f"{name}\n" for name in names))

    def put(self, name: str, commands: str) -> None:
        """Puts a program in place that also runs these commands."""
        program = self._folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self._log}"\n{commands}\n')
        program.chmod(0o755)

    def run(self, *steps: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", str(SCRIPT), *steps]
        given = {**self.environment, **environment}
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": os.pathsep.join((str(self._folder), "/usr/bin", "/bin"))}

    @property
    def commands(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_cluster_is_created_unless_it_is_there(machine: Machine) -> None:
    assert machine.run("cluster").returncode == 0
    assert machine.commands == ["kind get clusters", "kind create cluster --name llm --wait 120s"]
    machine.has_clusters("other", "llm")
    assert machine.run("cluster").returncode == 0
    assert machine.commands[2:] == ["kind get clusters"]


def installation(context: str, api: str, *, gateway: str) -> list[str]:
    """Returns the commands that install a gateway, with the file of its Gateway."""
    here, place = f"--context {context}", "--namespace gloo-system"
    options = f"--kube-context {context} --namespace {api}-system --create-namespace --version {VERSIONS[api]} --wait"
    return [
        f"kubectl {here} apply --server-side --filename {DEFINITIONS}",
        *(f"helm upgrade --install {chart.format(options=options)}" for chart in CHARTS[api]),
        f"kubectl {here} apply --filename {SCRIPT.with_name(gateway)}",
        f"kubectl {here} wait {place} gateway/agentgateway --for condition=Programmed --timeout 180s",
        f"kubectl {here} rollout status {place} deployment/agentgateway --timeout 180s",
    ]


def changes(machine: Machine) -> list[str]:
    """Returns the commands that do more than look."""
    return [each for each in machine.commands if " get " not in each]


def looked_up(found: str, **more: str) -> str:
    """Returns what a stand-in for kubectl runs to answer a look at the Gateway API's definition or other objects."""
    answers = {"customresourcedefinition": found, **more}
    cases = " ".join(f"*'{kind}'*) printf '%s' '{answer}' ;;" for kind, answer in answers.items())
    return f'case "$*" in {cases} esac'


@pytest.mark.parametrize("api", CHARTS)
def test_on_kind_a_gateway_is_installed_in_the_cluster_that_is_named_whatever_the_current_one(
    machine: Machine, api: str
) -> None:
    machine.has_clusters("mine")
    done = machine.run("gateway", API=api, CLUSTER="mine")
    assert (done.returncode, done.stderr) == (0, "")
    assert changes(machine) == installation("kind-mine", api, gateway="gateway.yaml")
    assert all("kind-mine" in each for each in machine.commands if each != "kind get clusters")


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_context_that_is_only_named_like_one_of_kind_is_another_cluster(machine: Machine, is_installed: bool) -> None:
    machine.has_clusters("kind-of-production")
    if not is_installed:
        machine.put("kind", "exit 127")
    done = machine.run("gateway", CONTEXT="kind-of-production")
    assert done.returncode == 2
    assert done.stderr.startswith("kind-of-production is not a kind cluster. Say who may reach the Gateway:")
    assert machine.commands == ["kind get clusters"]


def test_a_context_may_have_any_characters(machine: Machine) -> None:
    context = "it's: #1"
    printed = machine.run("gateway", CONTEXT=context, EXPOSURE="internal").stdout
    assert config_lines(printed)["kubernetes:context"] == context
    assert shlex.split(printed.splitlines()[-1])[:4] == ["kubectl", "--context", context, "port-forward"]


@pytest.mark.parametrize("exposure", ["", "internl"])
def test_in_another_cluster_nothing_is_done_before_it_is_said_who_may_reach_the_gateway(
    machine: Machine, exposure: str
) -> None:
    done = machine.run("gateway", CONTEXT="mine", EXPOSURE=exposure)
    assert done.returncode == 2
    assert "internal" in done.stderr
    assert "public" in done.stderr
    assert machine.commands == []


@pytest.mark.parametrize("api", CHARTS)
@pytest.mark.parametrize(("exposure", "file"), [("public", "gateway.yaml"), ("internal", "internal-{api}.yaml")])
def test_in_another_cluster_the_gateway_is_as_exposed_as_is_said(
    machine: Machine, api: str, exposure: str, file: str
) -> None:
    done = machine.run("gateway", API=api, CONTEXT="mine", EXPOSURE=exposure)
    assert (done.returncode, done.stderr) == (0, "")
    assert changes(machine) == installation("mine", api, gateway=file.format(api=api))


@pytest.mark.parametrize(("api", "other"), [("agentgateway", "kgateway"), ("kgateway", "agentgateway")])
def test_nothing_is_done_where_the_class_is_the_other_controllers(machine: Machine, api: str, other: str) -> None:
    there = "gateways.gateway.networking.k8s.io/v1.4.1/standard"
    machine.put("kubectl", looked_up(there, gatewayclass=f"{other}.dev/agentgateway"))
    done = machine.run("gateway", API=api, CONTEXT="theirs", EXPOSURE="internal")
    assert (done.returncode, changes(machine)) == (2, [])
    assert done.stderr == (
        f"The GatewayClass agentgateway of theirs is of the controller {other}.dev/agentgateway, not of {api}.\n"
        f"Give API={other} to use that gateway. "
        "To run both, see docs/gateway-apis.md: Move from one API to the other.\n"
    )
    assert machine.run("gateway", API=other, CONTEXT="theirs", EXPOSURE="internal").returncode == 0


def test_a_gateway_that_another_cluster_has_stays_as_it_is(machine: Machine) -> None:
    machine.put("kubectl", looked_up("", **{"get gateway agentgateway": "gateway/agentgateway"}))
    done = machine.run("gateway", CONTEXT="mine", EXPOSURE="internal")
    assert done.returncode == 0
    assert "The Gateway gloo-system/agentgateway is there already." in done.stdout
    assert not any("internal-agentgateway.yaml" in each for each in machine.commands)


NAME = "gateways.gateway.networking.k8s.io"


@pytest.mark.parametrize("context", ["mine", "kind-llm"])
@pytest.mark.parametrize(
    ("version", "channel"), [("v1.4.1", "standard"), ("v1.5.0", "standard"), ("v1.10.0", "standard")]
)
def test_definitions_that_are_as_new_stay_as_they_are(
    machine: Machine, context: str, version: str, channel: str
) -> None:
    machine.has_clusters("llm")
    machine.put("kubectl", looked_up(f"{NAME}/{version}/{channel}"))
    done = machine.run("gateway", CONTEXT=context, EXPOSURE="internal")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{context} has the Gateway API {version} ({channel}). Its definitions stay as they are." in done.stdout
    assert "v1.4 or newer" not in done.stdout
    assert not any(DEFINITIONS in each for each in machine.commands)


def test_the_standard_channel_never_replaces_the_experimental_one(machine: Machine) -> None:
    machine.has_clusters("llm")
    machine.put("kubectl", looked_up(f"{NAME}/v1.3.0/experimental"))
    done = machine.run("gateway", REPLACE_DEFINITIONS="yes")
    assert done.returncode == 0
    assert "has the Gateway API v1.3.0 (experimental). Its definitions stay as they are." in done.stdout
    assert "The components need v1.4 or newer." in done.stdout
    assert not any(DEFINITIONS in each for each in machine.commands)


@pytest.mark.parametrize(("found", "said"), [("v1.3.0/standard", "v1.3.0 (standard)"), ("/", "of an unknown version")])
def test_older_definitions_of_another_cluster_are_replaced_only_if_that_is_said(
    machine: Machine, found: str, said: str
) -> None:
    machine.put("kubectl", looked_up(f"{NAME}/{found}"))
    refused = machine.run("gateway", CONTEXT="mine", EXPOSURE="internal")
    assert refused.returncode == 2
    assert f"mine has the Gateway API {said}." in refused.stderr
    assert "those of v1.4.1, for all gateways of the cluster" in refused.stderr
    assert changes(machine) == []

    assert machine.run("gateway", CONTEXT="mine", EXPOSURE="internal", REPLACE_DEFINITIONS="yes").returncode == 0
    assert changes(machine) == installation("mine", "agentgateway", gateway="internal-agentgateway.yaml")


def test_older_definitions_of_kind_are_replaced(machine: Machine) -> None:
    machine.has_clusters("llm")
    machine.put("kubectl", looked_up(f"{NAME}/v1.3.0/standard"))
    assert machine.run("gateway").returncode == 0
    assert changes(machine) == installation("kind-llm", "agentgateway", gateway="gateway.yaml")


def config_lines(printed: str) -> dict[str, Any]:
    lines = printed.partition("config:\n")[2].partition("\n\n")[0]
    return yaml.safe_load(lines)  # type: ignore[no-any-return]


@pytest.mark.parametrize("api", CHARTS)
def test_at_the_end_it_prints_lines_of_a_stack_that_fit_what_it_installed(machine: Machine, api: str) -> None:
    machine.has_clusters("llm")
    printed = machine.run("gateway", API=api, PORT="8090").stdout
    lines = config_lines(printed)
    assert lines == {
        "kubernetes:context": "kind-llm",
        f"{PROJECT}:api": api,
        f"{PROJECT}:gateway": {"name": "agentgateway", "namespace": "gloo-system", "url": "http://localhost:8090"},
    }
    forward = "kubectl --context kind-llm port-forward --namespace gloo-system service/agentgateway 8090:8080"
    assert printed.endswith(f"{forward}\n")
    providers = {"mistral": {"passthrough": True}}
    recording = record_program({**lines, f"{PROJECT}:providers": providers})
    (exported,) = (each["providers"]["mistral"] for each in recording.outputs.values() if "providers" in each)
    assert exported["url"] == "http://localhost:8090/mistral/v1"
    assert recording.warnings == []


def test_the_url_is_the_gateways_address_where_it_is_public_and_has_one(machine: Machine) -> None:
    machine.put("kubectl", looked_up("", **{"addresses[0]": "203.0.113.7"}))
    public = machine.run("gateway", CONTEXT="mine", EXPOSURE="public").stdout
    assert config_lines(public)[f"{PROJECT}:gateway"]["url"] == "http://203.0.113.7:8080"
    assert "port-forward" not in public
    internal = machine.run("gateway", CONTEXT="mine", EXPOSURE="internal").stdout
    assert config_lines(internal)[f"{PROJECT}:gateway"]["url"] == "http://localhost:8080"
    assert "port-forward" in internal


@pytest.mark.parametrize(("api", "file"), [("agentgateway", "Pulumi.kind.yaml"), ("kgateway", "Pulumi.kgateway.yaml")])
def test_the_stacks_file_of_each_api_leads_to_the_demo_provider_without_a_key(api: str, file: str) -> None:
    config = yaml.safe_load(SCRIPT.with_name(file).read_text())["config"]
    assert config[f"{PROJECT}:api"] == api
    recording = record_program(config)
    assert recording.warnings == []
    backend = recording.one("Backend").inputs["spec"]["ai"]
    provider = backend.get("provider") or backend["llm"]
    assert (provider["host"], provider["port"]) == ("demo-provider.llm-demo.svc.cluster.local", 8000)
    assert not {"Secret", "BackendTLSPolicy"} & set(recording.kinds())


def test_the_demo_provider_is_created_in_the_cluster_that_is_named(machine: Machine) -> None:
    assert machine.run("provider", CONTEXT="mine").returncode == 0
    assert machine.commands == [
        f"kubectl --context mine apply --kustomize {SCRIPT.parent}",
        "kubectl --context mine rollout status --namespace llm-demo deployment/demo-provider --timeout 180s",
    ]


def test_the_plain_commands_of_the_page_are_those_of_the_script(machine: Machine) -> None:
    folder = SCRIPT.parents[2]
    for text in ("kind create cluster", "apply --kustomize"):
        shell = ["bash", "-euo", "pipefail", "-c", block("examples/kind/README.md", text)]
        done = subprocess.run(shell, cwd=folder, env=machine.environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    by_hand = machine.commands
    machine.has_clusters()
    machine.run("cluster", "gateway", "provider")
    by_script = changes(machine)[len(by_hand) :]
    named = ("--context kind-llm ", "--kube-context kind-llm ", f"{folder}/")
    assert by_hand == [functools.reduce(lambda line, text: line.replace(text, ""), named, each) for each in by_script]


def test_the_page_upgrades_what_the_script_installs_in_the_same_order(machine: Machine) -> None:
    commands = ["bash", "-euo", "pipefail", "-c", block("docs/upgrading.md", "helm upgrade")]
    upgrading = {**machine.environment, "VERSION": VERSIONS["agentgateway"]}
    subprocess.run(commands, env=upgrading, check=True)
    upgraded = machine.commands
    machine.run("gateway", CONTEXT="mine", EXPOSURE="internal")
    installed = [each for each in machine.commands[len(upgraded) :] if each.startswith("helm") or "rollout" in each]
    options = (" --install", " --create-namespace", " --kube-context mine", " --context mine")
    assert upgraded == [
        functools.reduce(lambda line, option: line.replace(option, ""), options, each) for each in installed
    ]


def test_what_it_waits_for_is_what_each_of_its_files_creates() -> None:
    for name in ("gateway.yaml", *(f"internal-{api}.yaml" for api in CHARTS)):
        namespace, *_, gateway = yaml.safe_load_all(SCRIPT.with_name(name).read_text())
        assert gateway["metadata"] == {"name": "agentgateway", "namespace": namespace["metadata"]["name"]}
        assert gateway["spec"]["listeners"] == list(yaml.safe_load_all(EXAMPLE_OBJECTS))[-1]["spec"]["listeners"]


@pytest.mark.parametrize("program", ["kubectl", "helm"])
def test_a_step_that_fails_is_the_last(machine: Machine, program: str) -> None:
    machine.put(program, "exit 3")
    assert machine.run("all").returncode == 3
    assert [each for each in machine.commands if each.startswith(program)] == [machine.commands[-1]]


@pytest.mark.parametrize("arguments", [(), ("clusters",), ("--help",), ("all", "clusters")])
def test_without_known_steps_it_lists_them_and_does_nothing(machine: Machine, arguments: tuple[str, ...]) -> None:
    done = machine.run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: kind.sh")
    assert machine.commands == []


def test_an_api_that_it_does_not_know_is_refused(machine: Machine) -> None:
    done = machine.run("gateway", API="kgatway")
    assert (done.returncode, done.stderr) == (2, "API is kgatway; give agentgateway or kgateway\n")
    assert machine.commands == []
