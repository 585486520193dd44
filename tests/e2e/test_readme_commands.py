"""Every command in the README, as it stands there. Those for this machine alone are run in test_local_up.py."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import seed
from tests.canary import Canaries
from tests.e2e.cluster import CUSTOM, Cluster, api_key, revisions
from tests.e2e.pulumi_cli import PulumiCli
from tests.readme import IN_BETWEEN, REPOSITORY, TRY_IT, block_with, blocks

KEY = "sk-for-the-readme"
NEXT_KEY = "sk-for-the-readme-rotated"

ON_A_CLUSTER = block_with("pulumi install")
NEXT_KEY_IN = next(block for block in blocks("sh") if block.startswith("pulumi config set --secret"))
MIGRATION = block_with("pulumi config set openai-compatible-llm:api")
TAKING_OVER = block_with("pulumi import")
INSTALLED = block_with("pip install ./components")

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture
def cli(pulumi_cli: PulumiCli, cluster: Cluster) -> PulumiCli:
    return replace(pulumi_cli, environment={**pulumi_cli.environment, "KUBECONFIG": str(cluster.kubeconfig)})


def run(cli: PulumiCli, commands: str, typed: str = "") -> str:
    """What they print; neither that nor any file has a key in it. Without kubectl, its lines are left out."""
    if not shutil.which("kubectl"):
        commands = re.sub(r"^kubectl .*\n", "", commands, flags=re.MULTILINE)
    done = cli.shell(commands, typed)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    canaries = Canaries(KEY, NEXT_KEY)
    assert not canaries.are_in(printed)
    assert canaries.files(cli.project) == canaries.files(cli.home, leaving_out=[cli.home / "bin"]) == []
    return printed


def test_no_block_of_commands_is_left_out() -> None:
    assert {TRY_IT, IN_BETWEEN, ON_A_CLUSTER, NEXT_KEY_IN, MIGRATION, TAKING_OVER, INSTALLED} == set(blocks("sh"))


def test_on_a_cluster_with_the_cli(cli: PulumiCli, cluster: Cluster) -> None:
    run(cli, ON_A_CLUSTER, typed=KEY)
    first = cluster.objects("mistral")
    assert api_key(first) == KEY

    run(cli, NEXT_KEY_IN, typed=NEXT_KEY)
    second = cluster.objects("mistral")
    assert api_key(second) == NEXT_KEY
    changed = {kind for kind in first if revisions(first)[kind] != revisions(second)[kind]}
    assert changed == {"Secret"}
    assert second["Secret"]["metadata"]["uid"] == first["Secret"]["metadata"]["uid"]

    run(cli, MIGRATION)
    assert "AgentgatewayBackend" in cluster.objects("mistral")
    assert cli("destroy", "--skip-preview").returncode == 0
    assert cluster.objects("mistral") == {}


@pytest.mark.slow
@pytest.mark.parametrize("refused_before", [False, True], ids=["at once", "after an up that was refused"])
def test_objects_made_by_hand_are_taken_over_as_they_are(
    cli: PulumiCli, cluster: Cluster, refused_before: bool
) -> None:
    by_hand(cluster)
    first = cluster.objects("mistral")
    run(cli, ON_A_CLUSTER.removesuffix("pulumi up\n"), typed=KEY)
    if refused_before:
        refused = cli("up", "--skip-preview")
        assert refused.returncode != 0
        assert "gloo-system/mistral-secret already exists" in refused.stdout
        assert revisions(cluster.objects("mistral")) == revisions(first)

    printed = run(cli, TAKING_OVER)

    assert "3 updated" in printed
    assert not re.search(r"\d (to )?(delete|replace)", printed)
    second = cluster.objects("mistral")
    assert api_key(second) == KEY
    assert {kind: uid for kind, (uid, _) in revisions(second).items()} == {
        kind: uid for kind, (uid, _) in revisions(first).items()
    }
    wanted = copy.deepcopy(first)
    wanted["Backend"]["spec"]["ai"]["llm"]["openai"]["model"] = seed.MISTRAL["Backend"]["spec"]["ai"]["llm"]["openai"][
        "model"
    ]
    assert {kind: each.get("spec") for kind, each in second.items()} == {
        kind: each.get("spec") for kind, each in wanted.items()
    }
    if shutil.which("kubectl"):
        assert LAST_APPLIED not in second["Secret"]["metadata"].get("annotations", {})
    assert "6 unchanged" in run(cli, "pulumi up --skip-preview")
    run(cli, "pulumi destroy --skip-preview")
    assert cluster.objects("mistral") == {}


def by_hand(cluster: Cluster) -> None:
    """The walk-through's objects, with another model, as `kubectl apply` makes them."""
    kubectl = "kubectl-client-side-apply"
    for kind, manifest in copy.deepcopy(seed.MISTRAL).items():
        if kind == "Secret":
            manifest["stringData"] = {"Authorization": KEY}
            manifest["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(manifest)}
            body: Any = manifest
            cluster.core.create_namespaced_secret(seed.NAMESPACE, body, field_manager=kubectl)
            continue
        if kind == "Backend":
            manifest["spec"]["ai"]["llm"]["openai"]["model"] = "by hand"
        group, version, plural = CUSTOM[kind]
        cluster.custom.create_namespaced_custom_object(
            group, version, seed.NAMESPACE, plural, manifest, field_manager=kubectl
        )


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
