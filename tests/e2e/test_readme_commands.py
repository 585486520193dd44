"""Runs the README's commands verbatim.

The commands for the local control plane are run by test_local_up.py, those for programs of one's own by test_import.py
and test_package_add.py, those for the Role by test_least_privilege.py, those for the policies by test_policy_pack.py.
"""

import copy
import json
import re
import shutil
from typing import Any

import pytest

from tests import seed
from tests.canary import Canaries
from tests.e2e.clone import put_packages
from tests.e2e.cluster import CUSTOM, Cluster, api_key, revisions
from tests.e2e.pulumi_cli import PulumiCli, failed, succeeded
from tests.readme import (
    ASKED_INSTALLED,
    IN_BETWEEN,
    INSTALLED,
    PACKAGE_ADDED,
    POLICIES,
    README_GATEWAY,
    REPOSITORY,
    ROLE,
    TRY_IT,
    block_with,
    blocks,
)
from tests.stand_in_gateway import NO_ROUTE, TOKENS, stand_in_gateway

KEY = "sk-for-the-readme"
NEXT_KEY = "sk-for-the-readme-rotated"

ON_A_CLUSTER = block_with("pulumi stack init")
NEXT_KEY_IN = next(block for block in blocks("sh") if block.startswith("pulumi config set --secret"))
MIGRATION = block_with("pulumi config set openai-compatible-llm:api")
ASKED = block_with("make chat")
TAKING_OVER = block_with("pulumi import")

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture
def cli(pulumi_cli: PulumiCli, cluster: Cluster) -> PulumiCli:
    return pulumi_cli.with_environment(KUBECONFIG=str(cluster.kubeconfig))


def run(cli: PulumiCli, commands: str, typed: str = "") -> str:
    """Runs the commands, without kubectl's where it isn't installed, and returns what they print.

    Neither that nor any file may contain a key.
    """
    if not shutil.which("kubectl"):
        commands = re.sub(r"^kubectl .*\n", "", commands, flags=re.MULTILINE)
    done = cli.shell(commands, typed)
    printed = succeeded(done) + done.stderr
    canaries = Canaries(KEY, NEXT_KEY)
    assert not canaries.are_in(printed)
    assert canaries.files(cli.project) == canaries.files(cli.home, leaving_out=[cli.home / "bin"]) == []
    return printed


def test_every_block_of_commands_is_run() -> None:
    others = {TRY_IT, IN_BETWEEN, INSTALLED, ASKED_INSTALLED, PACKAGE_ADDED, POLICIES, ROLE}
    assert {*others, ON_A_CLUSTER, NEXT_KEY_IN, MIGRATION, ASKED, TAKING_OVER} == set(blocks("sh"))


def test_on_a_cluster_with_the_cli(cli: PulumiCli, cluster: Cluster) -> None:
    run(cli, ON_A_CLUSTER, typed=KEY)
    first = cluster.objects("mistral")
    assert api_key(first) == KEY
    ask(cli)

    run(cli, NEXT_KEY_IN, typed=NEXT_KEY)
    second = cluster.objects("mistral")
    assert api_key(second) == NEXT_KEY
    changed = {kind for kind in first if revisions(first)[kind] != revisions(second)[kind]}
    assert changed == {"Secret"}
    assert second["Secret"]["metadata"]["uid"] == first["Secret"]["metadata"]["uid"]

    run(cli, MIGRATION)
    assert "AgentgatewayBackend" in cluster.objects("mistral")
    succeeded(cli("destroy", "--skip-preview"))
    assert cluster.objects("mistral") == {}


def ask(cli: PulumiCli) -> None:
    for file in ("Makefile", "requirements-dev.txt"):
        shutil.copy(REPOSITORY / file, cli.project)
    shutil.copytree(REPOSITORY / "local", cli.project / "local")
    put_packages(cli.project)
    with stand_in_gateway() as gateway:
        assert succeeded(cli.shell(ASKED.replace(README_GATEWAY, gateway.url))) == f"{''.join(TOKENS)}\n"
        (request,) = gateway.requests
        assert (request.path, request.body["model"]) == ("/mistral/v1/chat/completions", "mistral-medium-2505")
        assert request.body["messages"][0]["content"] == "Say hello in five words."

        gateway.replies_with(NO_ROUTE)
        printed = failed(cli.shell(ASKED.replace(README_GATEWAY, gateway.url)))
        assert "mistral: broken at the hop route" in printed
        assert "no controller has reported on HTTPRoute gloo-system/mistral for the Gateway" in printed
        assert "Error 11" in printed
    without_url = ASKED.replace(f"GATEWAY_URL={README_GATEWAY}", "")
    assert "has no URL of the gateway of provider mistral" in failed(cli.shell(without_url))


@pytest.mark.slow
@pytest.mark.parametrize("refused_before", [False, True], ids=["at once", "after an up that was refused"])
def test_objects_created_by_hand_are_imported_unchanged(cli: PulumiCli, cluster: Cluster, refused_before: bool) -> None:
    create_by_hand(cluster)
    first = cluster.objects("mistral")
    run(cli, ON_A_CLUSTER.removesuffix("pulumi up\n"), typed=KEY)
    if refused_before:
        assert "gloo-system/mistral-secret already exists" in failed(cli("up", "--skip-preview"))
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


def create_by_hand(cluster: Cluster) -> None:
    """Creates the walk-through's objects with another model, as `kubectl apply` does."""
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
