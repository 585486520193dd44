"""Stacks of one's own beside a clone: the commands of examples/own-stacks, and those of its workflow, as they stand."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.openai_compatible_llm import __version__
from local.control_plane.control_plane import ControlPlane
from tests.e2e.pulumi_cli import PulumiCli, failed, isolated_cli, succeeded
from tests.support.canary import Canaries
from tests.support.clone import copy_repository, put_packages, put_policy_packages
from tests.support.cluster import Cluster, revisions
from tests.support.git_repository import GIT, git, release
from tests.support.kubeconfigs import write_contexts
from tests.support.pages import block
from tests.support.repository import REPOSITORY
from tests.support.stand_in_gateway import TOKENS, StandInGateway, gateways_own, stand_in_gateway

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl isn't on PATH"),
]

CLONE = "openai-compatible-llm"
NAMESPACE = "llm"
CONTEXT = "my-cluster"
RELEASE = f"v{__version__}"
KEY = "sk-canary-own-stacks-31c9"
PASSPHRASE = "canary-passphrase-77d0"
CHAT = block("examples/own-stacks/README.md", "make chat STACK")
WORKFLOW: dict[str, Any] = yaml.safe_load((REPOSITORY / "examples/own-stacks/.github/workflows/pulumi.yml").read_text())


@dataclass(frozen=True)
class OwnRepository:
    """A repository of somebody's own, with a clone in it."""

    cli: PulumiCli
    released: Path
    gateway: StandInGateway

    @property
    def clone(self) -> Path:
        return self.cli.project / CLONE

    def run(self, commands: str, typed: str = "", **environment: str) -> str:
        """Runs commands of the README, which print no key and leave none in a file."""
        done = self.cli.shell(commands, typed, **environment)
        printed = done.stdout + done.stderr
        assert done.returncode == 0, printed
        canaries = Canaries(KEY)
        assert not canaries.are_in(printed)
        # The keys of the tests are in the clone, as it has the tests.
        assert canaries.files(self.cli.project, [self.clone / "tests"]) == []
        assert canaries.files(self.cli.home, [self.cli.home / "bin"]) == []
        return printed


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, control_plane: ControlPlane) -> Iterator[OwnRepository]:
    """A repository after the commands of the README that create and deploy it.

    Its kubeconfig has another current context.
    """
    folder = tmp_path_factory.mktemp("own")
    released = folder / "released"
    copy_repository(released)
    release(released, RELEASE)
    contexts = {CONTEXT: control_plane.state.kubeconfig, "other": None}
    kubeconfig = write_contexts(folder / "kubeconfig", contexts, current="other")
    cli = isolated_cli(folder, folder / "pulumi-home").with_environment(
        **GIT, KUBECONFIG=str(kubeconfig), PULUMI_CONFIG_PASSPHRASE=PASSPHRASE, REPOSITORY=str(released)
    )
    succeeded(cli.shell(block("examples/own-stacks/README.md", "git init my-llm"), VERSION=RELEASE))
    with stand_in_gateway() as gateway:
        own = OwnRepository(replace(cli, project=folder / "my-llm"), released, gateway)
        own.run(f"pulumi config set --path 'gateway.url' {gateway.url}")
        put_packages(own.clone)
        own.run(block("examples/own-stacks/README.md", "kubectl --context"), typed=f"{KEY}\n")
        own.run(block("examples/own-stacks/README.md", "openssl rand"))
        own.run(block("examples/own-stacks/README.md", "Route Mistral"))
        yield own
        own.cli("destroy", "--skip-preview")
    with closing(Cluster(control_plane.state.kubeconfig)) as cluster:
        cluster.delete_namespace(NAMESPACE)


def test_from_an_empty_folder_to_an_answer_and_to_the_next_version(own: OwnRepository, cluster: Cluster) -> None:
    objects = cluster.objects("mistral", NAMESPACE)
    assert sorted(objects) == ["AgentgatewayBackend", "AgentgatewayPolicy", "HTTPRoute"]
    assert objects["AgentgatewayBackend"]["spec"]["policies"]["auth"] == {"secretRef": {"name": "mistral-key"}}
    assert git(own.cli.project, "status", "--porcelain") == ""
    assert "web.key" not in git(own.cli.project, "ls-files")
    client = (own.cli.project / "web.key").read_text().strip()
    assert not Canaries(client).are_in(git(own.cli.project, "show"))

    assert "".join(TOKENS) in own.run(CHAT)
    (request,) = own.gateway.requests
    assert request.authorization == f"Bearer {client}"
    # It looks at the cluster of the stack, which isn't kubectl's current one.
    own.gateway.replies_with(gateways_own(401, "api key authentication failure: invalid credentials"))
    said = failed(own.cli.shell(CHAT))
    assert f"Secret {NAMESPACE}/mistral-clients has this key as that of the client web" in said
    assert not Canaries(client).are_in(said)

    (own.released / "CHANGELOG.md").write_text("newer\n")
    release(own.released, "v0.2.0")
    previewed = own.run(block("examples/own-stacks/README.md", "fetch --tags"), VERSION="v0.2.0")
    assert re.search(r"Resources:\n +\d+ unchanged", previewed)
    assert (own.clone / "CHANGELOG.md").read_text() == "newer\n"
    assert revisions(cluster.objects("mistral", NAMESPACE)) == revisions(objects)


def test_the_policy_pack_of_the_clone_checks_the_stack(own: OwnRepository) -> None:
    put_policy_packages(own.clone / "policy")
    printed = own.run(block("docs/policies.md", "--cwd openai-compatible-llm/policy"))
    assert f"openai-compatible-llm@{RELEASE} (local: openai-compatible-llm/policy)" in printed
    assert re.findall(r"\[(\w+)\]  (\S+)", printed) == []


def test_the_stack_is_the_same_one_as_in_the_clone(own: OwnRepository) -> None:
    in_clone = replace(own.cli, project=own.clone)
    file = own.cli.project / "stacks/Pulumi.prod.yaml"
    succeeded(in_clone("preview", "--stack", "prod", "--config-file", str(file), "--expect-no-changes"))


def test_a_preview_that_fails_is_commented_too_and_fails_the_job(own: OwnRepository, tmp_path: Path) -> None:
    checkout = checked_out(own, tmp_path / "preview", modle="misspelt")
    put_gh(own.cli.home / "bin", tmp_path / "commented")
    with pytest.raises(AssertionError, match="unknown argument"):
        run_job("preview", checkout, tmp_path)
    assert "providers.mistral.modle: unknown argument" in (tmp_path / "commented").read_text()


def test_the_workflow_shows_a_change_and_deploys_it(own: OwnRepository, cluster: Cluster, tmp_path: Path) -> None:
    checkout = checked_out(own, tmp_path / "preview", model="mistral-small-latest")
    before = cluster.objects("mistral", NAMESPACE)
    put_gh(own.cli.home / "bin", tmp_path / "commented")
    printed = run_job("preview", checkout, tmp_path)
    comment = (tmp_path / "commented").read_text()
    command = f"pr comment 7 --edit-last --create-if-none --body-file {tmp_path}/comment.md"
    assert comment.splitlines()[0] == command
    assert "Preview of the stack prod:" in comment
    assert re.search(r"mistral-medium-latest.*=> .*mistral-small-latest", comment)
    assert revisions(cluster.objects("mistral", NAMESPACE)) == revisions(before)

    printed += run_job("up", checkout, tmp_path)
    after = cluster.objects("mistral", NAMESPACE)
    assert '"model": "mistral-small-latest"' in json.dumps(after["AgentgatewayBackend"])
    secrets = Canaries(KEY, PASSPHRASE, client_key(own))
    assert not secrets.are_in(printed + comment)
    assert secrets.files(checkout.project, [checkout.project / CLONE / "tests"]) == []


def checked_out(own: OwnRepository, folder: Path, **settings: str) -> PulumiCli:
    """Checks the repository out as the workflow does, with other settings of the provider."""
    git(folder.parent, "clone", "--quiet", "--recurse-submodules", str(own.cli.project), str(folder))
    file = folder / "stacks/Pulumi.prod.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"][f"{CLONE}:providers"]["mistral"] |= settings
    file.write_text(yaml.safe_dump(content))
    return replace(own.cli, project=folder)


def client_key(own: OwnRepository) -> str:
    """Returns a secret of the kubeconfig."""
    user = yaml.safe_load(Path(own.cli.environment["KUBECONFIG"]).read_text())["users"][0]["user"]
    return str(user.get("client-key-data") or user["token"])


def put_gh(tools: Path, record: Path) -> None:
    """Puts a stand-in for GitHub's CLI in place, which records the command and the comment."""
    gh = tools / "gh"
    gh.write_text(f'#!/bin/sh\n(echo "$@"; cat "$RUNNER_TEMP/comment.md") > {record}\n')
    gh.chmod(0o755)


def run_job(job: str, cli: PulumiCli, temporary: Path) -> str:
    """Runs the commands of a job as GitHub does: a failed step ends it, but for steps that always run."""
    known = {
        "runner.temp": str(temporary),
        "github.repository": "owner/my-llm",
        "github.token": "no-token",
        "github.event.pull_request.number": "7",
        "secrets.KUBECONFIG_CONTENT": Path(cli.environment["KUBECONFIG"]).read_text(),
        "secrets.PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "secrets.PULUMI_ACCESS_TOKEN": "",
        "vars.PULUMI_BACKEND_URL": cli.environment["PULUMI_BACKEND_URL"],
    }
    # Nothing but what the workflow gives its steps: not the kubeconfig, the backend and the passphrase of this test.
    kept = {
        name: value
        for name, value in cli.environment.items()
        if name not in {"KUBECONFIG", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_SKIP_CONFIRMATIONS"}
    }
    machine = replace(cli, environment={**kept, **WORKFLOW["env"], "RUNNER_TEMP": str(temporary)})
    printed, has_failed = "", False
    for step in WORKFLOW["jobs"][job]["steps"]:
        if "run" not in step or (has_failed and not step.get("if", "").startswith("always()")):
            continue
        given = {
            name: re.sub(r"\$\{\{ (.+?) \}\}", lambda found: known[found[1]], value)
            for name, value in step.get("env", {}).items()
        }
        done = machine.shell(step["run"], **given)
        printed += done.stdout + done.stderr
        has_failed = has_failed or done.returncode != 0
    assert not has_failed, printed
    return printed
