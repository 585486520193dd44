"""The YAML program of docs/other-languages.md: the plugin with the real CLI, engine and YAML host, in a project."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml

from tests.e2e.pulumi_cli import PulumiCli, failed, isolated_cli, put_yaml_host, succeeded
from tests.support.canary import Canaries
from tests.support.cluster import Cluster, api_key
from tests.support.pages import block
from tests.support.repository import REPOSITORY

CANARY = "sk-canary-package-a81d"
TOKEN = "openai-compatible-llm:index:OpenAICompatibleLLM"
PROGRAM: dict[str, Any] = yaml.safe_load(block("docs/other-languages.md", "runtime: yaml", "yaml"))
(NAME,) = PROGRAM["resources"]

# Creates the same component by import, under another name.
IMPORTING = f"""\
import pulumi
from openai_compatible_llm import OpenAICompatibleLLM

properties = {PROGRAM["resources"][NAME]["properties"]!r}
properties["api_key"] = pulumi.Config().require_secret("mistralApiKey") if properties.pop("apiKey") else None
OpenAICompatibleLLM("imported", properties)
"""


@pytest.fixture
def cli(tmp_path: Path, cluster: Cluster) -> PulumiCli:
    """The CLI in a YAML project beside a clone, with a stack `dev`."""
    clone = tmp_path / "openai-compatible-llm"
    shutil.copytree(REPOSITORY / "components", clone / "components", ignore=shutil.ignore_patterns("__pycache__"))
    project = tmp_path / "their-platform"
    project.mkdir()
    write(project, PROGRAM)
    cli = isolated_cli(project, tmp_path / "pulumi-home")
    put_yaml_host(cli)
    return with_stack(cli, cluster)


@pytest.fixture
def imported(tmp_path: Path, cluster: Cluster) -> Iterator[dict[str, Any]]:
    """The objects of a Python program that imports the package."""
    project = tmp_path / "importing"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: importing\nruntime: python\n")
    (project / "__main__.py").write_text(IMPORTING)
    cli = isolated_cli(project, tmp_path / "importing-home").with_environment(PYTHONPATH=str(REPOSITORY / "components"))
    cli = with_stack(cli, cluster)
    succeeded(cli("up", "--skip-preview"))
    yield cluster.objects("imported")
    cli("destroy", "--skip-preview")


def with_stack(cli: PulumiCli, cluster: Cluster) -> PulumiCli:
    cli = cli.with_environment(KUBECONFIG=str(cluster.kubeconfig))
    succeeded(cli("stack", "init", "dev"))
    succeeded(cli("config", "set", "--secret", "mistralApiKey", CANARY))
    return cli


def write(project: Path, program: dict[str, Any]) -> None:
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(program, sort_keys=False))


@pytest.fixture
def deployed(cli: PulumiCli) -> Iterator[CompletedProcess[str]]:
    """Runs the page's commands for a project without the package, and returns what they printed."""
    write(cli.project, {key: value for key, value in PROGRAM.items() if key != "packages"})
    commands = [
        block("docs/other-languages.md", "pulumi package add"),
        "pulumi up --skip-preview",
        "pulumi stack export",
    ]
    yield cli.shell("\n".join(commands))
    cli("destroy", "--skip-preview")


@pytest.mark.slow
def test_the_plugin_creates_the_objects_that_an_import_creates(
    cli: PulumiCli, deployed: CompletedProcess[str], cluster: Cluster, imported: dict[str, Any]
) -> None:
    printed = deployed.stdout + deployed.stderr
    assert deployed.returncode == 0, printed
    assert yaml.safe_load((cli.project / "Pulumi.yaml").read_text()) == PROGRAM

    objects = cluster.objects(NAME)
    assert sorted(objects) == ["AgentgatewayBackend", "AgentgatewayPolicy", "HTTPRoute", "Secret"]
    assert api_key(objects) == CANARY
    assert without_own_parts(objects, NAME) == without_own_parts(imported, "imported")

    exported = deployed.stdout[deployed.stdout.index('{\n    "version"') :]
    resources = json.loads(exported)["deployment"]["resources"]
    (component,) = (each["urn"] for each in resources if each["urn"].endswith(f"{TOKEN}::{NAME}"))
    assert len([each for each in resources if each.get("parent") == component]) == len(objects)
    canaries = Canaries(CANARY)
    assert not canaries.are_in(printed)
    assert canaries.files(cli.project.parent, leaving_out=[cli.home / "bin"]) == []


def without_own_parts(objects: dict[str, Any], name: str) -> Any:
    """Removes what the API server adds to objects, and gives all components the same name."""
    for each in objects.values():
        for field in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
            each["metadata"].pop(field, None)
    # A policy's expression has the route's path in it.
    without_paths = re.sub(rf"/{name}(?![\w-])", "/NAME", json.dumps(objects))
    return json.loads(re.sub(rf'"{name}(-[a-z]+)?"', r'"NAME\1"', without_paths))


@pytest.mark.slow
def test_each_invalid_property_is_reported_without_the_key(cli: PulumiCli) -> None:
    wrong = {"preset": "mistrl", "port": 99999, "apiKey": CANARY}
    write(cli.project, {**PROGRAM, "resources": {NAME: {"type": TOKEN, "properties": wrong}}})
    printed = failed(cli("preview"))
    assert (
        f"""{TOKEN} resource 'mistral' has a problem: OpenAICompatibleLLM "mistral" has invalid arguments:""" in printed
    )
    for path, reason in {
        r"""preset with value ("mistrl"|'\{mistrl\}')""": (
            '"mistrl" is not a preset (for any other provider give `host` or `baseUrl`)'
        ),
        r"port with value (99999|'\{99999\}')": "99999 is not a port; give 1 to 65535",
    }.items():
        assert re.search(f"- property {path} has a problem: {re.escape(reason)}", printed)
    assert 'File "' not in printed
    assert not Canaries(CANARY).are_in(printed)


@pytest.mark.slow
def test_an_invalid_key_is_reported_without_it(cli: PulumiCli) -> None:
    wrong = {"preset": "mistral", "apiKey": f"Bearer {CANARY}"}
    write(cli.project, {**PROGRAM, "resources": {NAME: {"type": TOKEN, "properties": wrong}}})
    printed = failed(cli("preview"))
    assert 'the key starts with "Bearer"; remove that, because the gateway adds it' in printed
    assert not Canaries(CANARY).are_in(printed)


@pytest.mark.slow
def test_a_misspelt_property_is_found_before_the_component_is_asked(cli: PulumiCli) -> None:
    write(cli.project, {**PROGRAM, "resources": {NAME: {"type": TOKEN, "properties": {"gatway": {"name": "a"}}}}})
    printed = failed(cli("preview"))
    assert "Property gatway does not exist" in printed
