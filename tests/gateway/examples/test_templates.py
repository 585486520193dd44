"""`pulumi new` with the folders of templates/, by the real CLI, to a preview."""

import shlex
from pathlib import Path

import pytest
import yaml

from tests.gateway.examples.beside_clone import PIP, clone_into, ready
from tests.gateway.examples.terminal import answer
from tests.gateway.installation import Installation
from tests.support.canary import Canaries
from tests.support.pages import block
from tests.support.project import NAME, Project

KEY = "sk-canary-template-3e61"
CANARIES = Canaries(KEY)
ANSWERS = {
    "api": "agentgateway",
    "apiKey": KEY,
    "gatewayName": "newer",
    "gatewayNamespace": "gloo-system",
    "model": "deepseek-flash",
    "provider": "deepseek",
}
CREATED = (
    f"{NAME}:index:OpenAICompatibleLLM",
    "kubernetes:core/v1:Secret",
    "kubernetes:agentgateway.dev/v1alpha1:AgentgatewayBackend",
    "kubernetes:agentgateway.dev/v1alpha1:AgentgatewayPolicy",
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
)


@pytest.fixture
def project(installation: Installation, tmp_path: Path) -> Project:
    """Returns a project that `pulumi new` is to make beside a clone."""
    clone = clone_into(tmp_path)
    return ready(Project(clone.with_name("my-llm"), installation.pulumi, installation.kubeconfig, "dev"))


def settings(project: Project) -> dict[str, object]:
    """Returns the stack's settings by their names."""
    config = yaml.safe_load((project.folder / "Pulumi.dev.yaml").read_text())["config"]
    return {name.removeprefix("my-llm:"): value for name, value in config.items()}


def preview(project: Project) -> None:
    """Previews the objects, and checks that the key is only in the stack's file, encrypted."""
    printed = project.shell(block("templates/README.md", "pulumi preview"), PIP)
    assert [each for each in CREATED if each not in printed] == []
    assert "6 to create" in printed
    assert not CANARIES.are_in(printed)
    assert CANARIES.files(project.folder) == CANARIES.files(project.home) == []
    kept = settings(project)
    secret = kept.pop("apiKey")
    assert isinstance(secret, dict)
    assert set(secret) == {"secure"}
    assert kept == {name: value for name, value in ANSWERS.items() if name != "apiKey"}
    program = yaml.safe_load((project.folder / "Pulumi.yaml").read_text())
    assert program["name"] == "my-llm"
    assert "template" not in program


def test_the_one_in_python_asks_for_what_it_needs(project: Project) -> None:
    questions = {"Project name": "", "Project description": "", "Stack name": "dev"}
    questions |= {f"({name})": value for name, value in ANSWERS.items()}
    shell = ["bash", "-euc", block("templates/README.md", "templates/python")]
    status, screen = answer(shell, questions, project.folder.parent, {**project.environment, **PIP})
    assert status == 0, screen
    assert "Your new project is ready to go!" in screen
    assert not CANARIES.are_in(screen)
    preview(project)


def test_the_one_in_yaml_takes_what_is_given_without_questions(project: Project) -> None:
    given = [f"{name}={value}" for name, value in ANSWERS.items() if name != "apiKey"]
    options = shlex.join(["--yes", "--stack", "dev", *(part for each in given for part in ("--config", each))])
    command = block("templates/README.md", "templates/yaml").rstrip()
    project.shell(f"{command} {options}", PIP, folder=project.folder.parent)
    project.shell("pulumi config set --secret apiKey", typed=KEY)
    preview(project)


def test_the_one_for_one_url_makes_two_providers_and_what_they_share(project: Project) -> None:
    answers = {"gatewayName": "newer", "gatewayNamespace": "gloo-system", "gatewayUrl": "http://localhost:8080"}
    given = [f"{name}={value}" for name, value in answers.items()]
    options = shlex.join(["--yes", "--stack", "dev", *(part for each in given for part in ("--config", each))])
    command = block("templates/README.md", "templates/one-url").rstrip()
    project.shell(f"{command} {options}", PIP, folder=project.folder.parent)
    for name in ("mistral", "deepseek", "web"):
        project.shell(f"pulumi config set --secret {name}ApiKey", typed=f"{KEY}-{name}")
    printed = project.shell(block("templates/README.md", "pulumi preview"), PIP)
    assert f"{NAME}:index:OpenAICompatibleGateway" in printed
    assert "19 to create" in printed
    assert not CANARIES.are_in(printed)
