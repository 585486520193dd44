"""`pulumi package add` in programs of other languages, with the official language hosts, to a completion."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.toolchain.provider_plugin import install_plugin, official_plugin_on_path
from tests.gateway.deployment import KEY, Deployment
from tests.gateway.project import REPOSITORY, Project

NODE_PACKAGES = Path(__file__).with_name("typescript")
TOKEN = "openai-compatible-llm:index:OpenAICompatibleLLM"
# The plugin's environment has all that it needs, so that pip asks no index. Its word for "no isolation" is this 0.
PIP = {"PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1"}
TYPESCRIPT = """\
import * as pulumi from "@pulumi/pulumi";
import {{ OpenAICompatibleLLM }} from "@pulumi/openai-compatible-llm";

const mistral = new OpenAICompatibleLLM("mistral", {{
    {arguments},
    apiKey: new pulumi.Config().requireSecret("mistralApiKey"),
}});
export const path = mistral.path;
"""


@pytest.fixture
def their_project(deployment: Deployment, tmp_path: Path) -> Project:
    """Somebody else's, with a clone of this one beside it."""
    components = tmp_path / "openai-compatible-llm/components"
    shutil.copytree(REPOSITORY / "components", components, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
    shutil.copy(REPOSITORY / "requirements.txt", components.parent)
    put_environment(components / ".venv")
    folder = tmp_path / "their-platform"
    folder.mkdir()
    of_ours = deployment.project
    deployment.project = Project(folder, of_ours.pulumi, of_ours.kubeconfig)
    return deployment.project


def put_environment(place: Path) -> None:
    """Makes a virtual environment with this one's packages, into which an installation would not write."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    packages = next(place.glob("lib/python*/site-packages"))
    (packages / "of-the-tests.pth").write_text(str(Path(pytest.__file__).parents[1]))


def arguments(deployment: Deployment) -> dict[str, Any]:
    gateway = {"name": deployment.gateway.name, "namespace": deployment.gateway.namespace}
    given = deployment.config(apiKey=None, preset="mistral", api=deployment.api, namespace=deployment.namespace)
    return {**given, "gateway": gateway}


def deploy(deployment: Deployment, project: Project, write: Callable[[dict[str, Any]], None]) -> None:
    """Adds the package, sets the key, has a misspelt argument refused at preview, and deploys."""
    given = arguments(deployment)
    write(given)
    project.init()
    # The CLI wants the plugin's own plugins in the home, and would download the one that is on the PATH.
    install_plugin(project.home, official_plugin_on_path())
    project("package", "add", "../openai-compatible-llm/components", **PIP)
    project("config", "set", "--secret", "mistralApiKey", KEY)

    write({"gatway" if name == "gateway" else name: value for name, value in given.items()})
    refused = project.fails("preview", "--stack", "test")
    assert "gatway" in refused
    assert "does not exist" in refused
    assert KEY not in refused

    write({**given, "preset": "mistrl"})
    refused = project.fails("preview", "--stack", "test")
    assert '"mistrl" is not a preset' in refused
    assert KEY not in refused

    write(given)
    assert KEY not in project.up()
    assert project("stack", "output", "path", "--stack", "test").strip() == deployment.route_path
    answer = deployment.ask()
    assert answer.status == 200, answer.data
    assert deployment.provider.keys() == {f"Bearer {KEY}"}
    assert deployment.provider.requests[-1].json["model"] == "configured"


@pytest.mark.parametrize("api", ["kgateway"], indirect=True)
def test_a_yaml_program_to_a_completion(deployment: Deployment, their_project: Project) -> None:
    file = their_project.folder / "Pulumi.yaml"

    def write(given: dict[str, Any]) -> None:
        before = yaml.safe_load(file.read_text()) if file.exists() else {"name": "their-platform", "runtime": "yaml"}
        properties = {**given, "apiKey": "${mistralApiKey}"}
        program = {
            "config": {"mistralApiKey": {"type": "string", "secret": True}},
            "resources": {"mistral": {"type": TOKEN, "properties": properties}},
            "outputs": {"path": "${mistral.path}"},
        }
        # JSON, as Pulumi takes no aliases.
        file.write_text(json.dumps({**before, **program}))

    deploy(deployment, their_project, write)


@pytest.mark.parametrize("api", ["agentgateway"], indirect=True)
def test_a_typescript_program_to_a_completion(deployment: Deployment, their_project: Project) -> None:
    (their_project.folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "their-platform", "runtime": "nodejs"}))
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE_PACKAGES / name, their_project.folder)
    install = ["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=their_project.folder, check=True)

    def write(given: dict[str, Any]) -> None:
        (their_project.folder / "index.ts").write_text(TYPESCRIPT.format(arguments=json.dumps(given)[1:-1]))

    deploy(deployment, their_project, write)
