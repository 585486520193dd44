"""The README's Python program in somebody else's environment and project."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.pulumi_cli import PulumiCli, isolated_cli, succeeded
from tests.support.canary import Canaries
from tests.support.cluster import Cluster, api_key
from tests.support.pages import EXAMPLE_GATEWAY, block, blocks
from tests.support.repository import REPOSITORY
from tests.support.stand_in_gateway import TOKENS, stand_in_gateway

CANARY = "sk-canary-import-3f90"

# Runs the program with the Automation API, inline.
DRIVER = """\
import runpy
import sys

import openai_compatible_llm
from pulumi import automation

stack = automation.create_or_select_stack(
    "dev",
    project_name="their-platform",
    program=lambda: runpy.run_path("program.py"),
    opts=automation.LocalWorkspaceOptions(work_dir="."),
)
done = stack.up(on_output=print)
print("from", openai_compatible_llm.__file__)
print("url", done.outputs["url"].value)
"""


def shell(python: Path, commands: str) -> str:
    """Runs lines of a page in the environment of this Python, and returns what they print."""
    # PIP_NO_BUILD_ISOLATION=0 turns the isolation off, so that pip uses the build backend that is installed here.
    options = {"PIP_PYTHON": str(python), "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1"}
    path = os.pathsep.join((str(python.parent), str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=REPOSITORY,
        env={**os.environ, **options, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return succeeded(done)


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The Python of a fresh environment with the package installed.

    Its dependencies come from the environment of the tests, because pip would need a network and a long time.
    """
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    shell(python, block("README.md", "pip install"))
    assert (packages / "openai_compatible_llm" / "py.typed").exists()
    return python


@pytest.fixture
def cli(tmp_path: Path, cluster: Cluster) -> Iterator[PulumiCli]:
    """The CLI in a folder that has only the program, outside of any clone."""
    project = tmp_path / "their-platform"
    project.mkdir()
    (program,) = blocks("python", "README.md")
    (project / "program.py").write_text(program)
    cli = isolated_cli(project, tmp_path / "pulumi-home")
    cli = cli.with_environment(KUBECONFIG=str(cluster.kubeconfig))
    yield cli
    cli("destroy", "--stack", "dev", "--skip-preview")


def test_the_installed_package_creates_its_objects_in_a_project_of_another_name(
    python: Path, cli: PulumiCli, cluster: Cluster
) -> None:
    (cli.project / "Pulumi.yaml").write_text("name: their-platform\nruntime: python\n")
    succeeded(cli("stack", "init", "dev"))
    succeeded(cli.shell(block("README.md", "mistralApiKey"), CANARY))
    done = subprocess.run(
        [python, "-c", DRIVER],
        cwd=cli.project,
        env=cli.environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    assert f"from {python.parents[1]}" in printed
    assert "url https://llm.example.com/mistral/v1\n" in printed
    assert "A new API key will replace its Secret" not in printed
    assert not Canaries(CANARY).are_in(printed)

    objects = cluster.objects("mistral")
    assert sorted(objects) == ["AgentgatewayBackend", "AgentgatewayPolicy", "HTTPRoute", "Secret"]
    assert api_key(objects) == CANARY
    assert objects["AgentgatewayBackend"]["spec"]["ai"]["provider"]["openai"]["model"] == "mistral-medium-latest"


@pytest.mark.slow
def test_the_installed_command_sends_a_request_through_a_gateway(python: Path) -> None:
    with stand_in_gateway() as gateway:
        command = block("docs/troubleshooting.md", "python -m openai_compatible_llm.doctor")
        printed = shell(python, command.replace(EXAMPLE_GATEWAY, gateway.url))
    assert printed.splitlines()[-1] == "".join(TOKENS)
