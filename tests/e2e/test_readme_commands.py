"""Every command in the README, as it stands there. Those for this machine alone are run in test_local_up.py."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from tests.e2e.cluster import Cluster, api_key, revisions
from tests.e2e.pulumi_cli import PulumiCli
from tests.readme import IN_BETWEEN, REPOSITORY, TRY_IT, block_with, blocks

KEY = "sk-for-the-readme"
NEXT_KEY = "sk-for-the-readme-rotated"

ON_A_CLUSTER = block_with("pulumi install")
NEXT_KEY_IN = next(block for block in blocks("sh") if block.startswith("pulumi config set --secret"))
MIGRATION = block_with("pulumi config set openai-compatible-llm:api")
INSTALLED = block_with("pip install ./components")


def test_no_block_of_commands_is_left_out() -> None:
    assert {TRY_IT, IN_BETWEEN, ON_A_CLUSTER, NEXT_KEY_IN, MIGRATION, INSTALLED} == set(blocks("sh"))


def test_on_a_cluster_with_the_cli(pulumi_cli: PulumiCli, cluster: Cluster) -> None:
    cli = replace(pulumi_cli, environment={**pulumi_cli.environment, "KUBECONFIG": str(cluster.kubeconfig)})
    done = cli.shell(ON_A_CLUSTER, typed=KEY)
    assert done.returncode == 0, done.stdout + done.stderr
    first = cluster.objects("mistral")
    assert api_key(first) == KEY

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
