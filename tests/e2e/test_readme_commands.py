"""Every command in the README, as it stands there.

Those for this machine alone are run in test_local_up.py, those for programs of one's own in test_import.py and
test_package_add.py.
"""

import shutil
from dataclasses import replace

from tests.e2e.cluster import Cluster, api_key, revisions
from tests.e2e.pulumi_cli import PulumiCli
from tests.readme import IN_BETWEEN, INSTALLED, PACKAGE_ADDED, TRY_IT, block_with, blocks

KEY = "sk-for-the-readme"
NEXT_KEY = "sk-for-the-readme-rotated"

ON_A_CLUSTER = block_with("pulumi install")
NEXT_KEY_IN = next(block for block in blocks("sh") if block.startswith("pulumi config set --secret"))
MIGRATION = block_with("pulumi config set openai-compatible-llm:api")


def test_no_block_of_commands_is_left_out() -> None:
    others = {TRY_IT, IN_BETWEEN, INSTALLED, PACKAGE_ADDED}
    assert {*others, ON_A_CLUSTER, NEXT_KEY_IN, MIGRATION} == set(blocks("sh"))


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
