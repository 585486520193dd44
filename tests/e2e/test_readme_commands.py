"""Every command in the README, as it stands there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.clone import Clone, fresh_clone
from tests.e2e.cluster import Cluster, api_key, revisions
from tests.e2e.pulumi_cli import PulumiCli
from tests.gateway import NO_ROUTE, TOKENS, stand_in_gateway
from tests.readme import REPOSITORY, block_with, blocks

KEY = "sk-for-the-readme"
NEXT_KEY = "sk-for-the-readme-rotated"

TRY_IT = block_with("make up\n")
IN_BETWEEN = block_with("make up STACK=mistral")
ON_A_CLUSTER = block_with("pulumi install")
NEXT_KEY_IN = next(block for block in blocks("sh") if block.startswith("pulumi config set --secret"))
MIGRATION = block_with("pulumi config set openai-compatible-llm:api")
INSTALLED = block_with("pip install ./components")
ASKED = block_with("make chat")
ASKED_INSTALLED = block_with("python -m openai_compatible_llm.chat")
README_GATEWAY = "http://localhost:8080"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """With the packages that this Python has, as `make` would install them."""
    with fresh_clone(tmp_path_factory) as clone:
        put_packages(clone.folder)
        yield clone


def put_packages(project: Path) -> None:
    environment = project / ".venv"
    environment.mkdir(exist_ok=True)
    for entry in Path(sys.prefix).iterdir():
        if entry.name != ".installed" and not (environment / entry.name).exists():
            (environment / entry.name).symlink_to(entry)
    (environment / ".installed").touch()


def shell(clone: Clone, commands: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=clone.folder,
        # Not as a part of the `make` that runs the tests, which would say which folder it enters.
        env={name: value for name, value in clone.environment.items() if not name.startswith("MAKE")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_block_of_commands_is_left_out() -> None:
    assert {TRY_IT, IN_BETWEEN, ON_A_CLUSTER, NEXT_KEY_IN, MIGRATION, INSTALLED, ASKED, ASKED_INSTALLED} == set(
        blocks("sh")
    )


def test_on_this_machine(clone: Clone) -> None:
    up, down = TRY_IT.splitlines()
    printed = shell(clone, up)
    for stack in ("mistral", "deepseek"):
        assert f"gloo-system/{stack}-secret" in printed
    kubectl = shutil.which("kubectl")
    looked = shell(clone, IN_BETWEEN if kubectl else IN_BETWEEN.partition("kubectl get")[0])
    assert "Nothing changed." in looked
    assert "The control plane runs." in looked
    if kubectl:
        assert "httproute.gateway.networking.k8s.io/mistral" in looked
    shell(clone, down)
    assert not clone.state.root.exists()


def test_on_a_cluster_with_the_cli(pulumi_cli: PulumiCli, cluster: Cluster) -> None:
    cli = replace(pulumi_cli, environment={**pulumi_cli.environment, "KUBECONFIG": str(cluster.kubeconfig)})
    done = cli.shell(ON_A_CLUSTER, typed=KEY)
    assert done.returncode == 0, done.stdout + done.stderr
    first = cluster.objects("mistral")
    assert api_key(first) == KEY
    ask(cli)

    done = cli.shell(NEXT_KEY_IN, typed=NEXT_KEY)
    assert done.returncode == 0, done.stdout + done.stderr
    second = cluster.objects("mistral")
    assert api_key(second) == NEXT_KEY
    changed = {kind for kind in first if revisions(first)[kind] != revisions(second)[kind]}
    assert changed == {"Secret"}
    assert second["Secret"]["metadata"]["uid"] == first["Secret"]["metadata"]["uid"]

    done = cli.shell(MIGRATION if shutil.which("kubectl") else MIGRATION.partition("kubectl get")[0])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "AgentgatewayBackend" in cluster.objects("mistral")
    assert cli("destroy", "--skip-preview").returncode == 0
    assert cluster.objects("mistral") == {}


def ask(cli: PulumiCli) -> None:
    for file in ("Makefile", "requirements-dev.txt"):
        shutil.copy(REPOSITORY / file, cli.project)
    put_packages(cli.project)
    with stand_in_gateway() as gateway:
        done = cli.shell(ASKED.replace(README_GATEWAY, gateway.url))
        assert (done.returncode, done.stdout) == (0, f"{''.join(TOKENS)}\n"), done.stderr
        (request,) = gateway.requests
        assert (request.path, request.body["model"]) == ("/mistral/v1/chat/completions", "mistral-medium-2505")
        assert request.body["messages"][0]["content"] == "Say hello in five words."

        gateway.replies_with(NO_ROUTE)
        done = cli.shell(ASKED.replace(README_GATEWAY, gateway.url))
        assert done.returncode != 0
        assert "mistral: broken at the link route" in done.stderr
        assert "no controller has taken up HTTPRoute gloo-system/mistral for the Gateway" in done.stderr
        assert "Error 11" in done.stderr
    # A stack that doesn't say where its gateway is.
    done = cli.shell(ASKED.replace(f"GATEWAY_URL={README_GATEWAY}", ""))
    assert "doesn't say where the gateway of provider mistral is" in done.stderr


def test_the_package_installs_and_imports(tmp_path: Path) -> None:
    project = tmp_path / "clone"
    shutil.copytree(REPOSITORY / "components", project / "components", ignore=shutil.ignore_patterns("__pycache__"))
    packages = tmp_path / "packages"
    # Into a folder of its own, with the dependencies and the build backend that are here already.
    options = {"PIP_TARGET": str(packages), "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1"}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, **options, "PATH": path}
    done = subprocess.run(
        ["bash", "-euc", INSTALLED], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    imported = subprocess.run(
        [sys.executable, "-c", "import openai_compatible_llm as o; print(o.__file__, o.OpenAICompatibleLLM.__name__)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert imported.stdout.split() == [str(packages / "openai_compatible_llm/__init__.py"), "OpenAICompatibleLLM"]
    assert (packages / "openai_compatible_llm/py.typed").exists()

    with stand_in_gateway() as gateway:
        asked = subprocess.run(
            ["bash", "-euc", ASKED_INSTALLED.replace(README_GATEWAY, gateway.url)],
            cwd=project,
            env={**environment, "PYTHONPATH": str(packages), "PIP_UPGRADE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (asked.returncode, asked.stdout.splitlines()[-1]) == (0, "".join(TOKENS)), asked.stderr
