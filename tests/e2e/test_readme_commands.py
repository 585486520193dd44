"""Every command in the README, as it stands there.

Those for this machine alone are run in test_local_up.py, those for programs of one's own in test_import.py and
test_package_add.py, those for the Role in test_least_privilege.py, those with the policies in test_policy_pack.py.
"""

import shutil
from dataclasses import replace

from tests.e2e.clone import put_packages
from tests.e2e.cluster import Cluster, api_key, revisions
from tests.e2e.pulumi_cli import PulumiCli
from tests.gateway import NO_ROUTE, TOKENS, stand_in_gateway
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

KEY = "sk-for-the-readme"
NEXT_KEY = "sk-for-the-readme-rotated"

ON_A_CLUSTER = block_with("pulumi stack init")
NEXT_KEY_IN = next(block for block in blocks("sh") if block.startswith("pulumi config set --secret"))
MIGRATION = block_with("pulumi config set openai-compatible-llm:api")
ASKED = block_with("make chat")


def test_no_block_of_commands_is_left_out() -> None:
    others = {TRY_IT, IN_BETWEEN, INSTALLED, ASKED_INSTALLED, PACKAGE_ADDED, POLICIES, ROLE}
    assert {*others, ON_A_CLUSTER, NEXT_KEY_IN, MIGRATION, ASKED} == set(blocks("sh"))


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
