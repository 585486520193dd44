"""Runs the commands of docs/production.md, as they stand there."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.toolchain.binaries import Binaries
from tests.e2e.pulumi_cli import PulumiCli, failed, succeeded
from tests.e2e.running_control_plane import running_control_plane
from tests.support.canary import Canaries
from tests.support.cluster import Cluster, Objects, api_key, changes, revisions
from tests.support.git_repository import GIT, git
from tests.support.kubeconfigs import write_contexts
from tests.support.pages import block
from tests.support.recording import PROJECT
from tests.support.service_account import NAME as ACCOUNT
from tests.support.service_account import Account

pytestmark = pytest.mark.slow

SET_CONTEXT = block("docs/production.md", "kubernetes:context")
EXPORT, IMPORT = block("docs/production.md", "stack export"), block("docs/production.md", "stack import")
REVERT = block("docs/production.md", "git revert")
CI_KUBECONFIG, PREVIEW_ACCOUNT = (
    block("docs/production.md", "kubectl --context my-cluster create token"),
    block("docs/production.md", "create serviceaccount preview"),
)


needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl isn't on PATH")

CONTEXT = "my-cluster"
KEY, NEXT_KEY = "sk-canary-production-5e0a", "sk-canary-production-9f1b-next"
LIMIT = {"requests": 100, "per": "minute"}
HASH = "b684299cce87b2bf93ec0d328065637c656cc5a678e69109c109933c696ed159"


@pytest.fixture
def cli(pulumi_cli: PulumiCli, cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[PulumiCli]:
    """The CLI with the deployed stack `prod`, which has one provider."""
    kubeconfig = write_contexts(tmp_path / "kubeconfig", {CONTEXT: cluster.kubeconfig}, current=CONTEXT)
    cli = pulumi_cli.with_environment(KUBECONFIG=str(kubeconfig))
    stack_file(cli).unlink()
    succeeded(cli("stack", "init", "prod"))
    configure(cli, api="agentgateway", namespace=namespace, providers={"mistral": {"model": "first"}})
    up(cli)
    yield cli
    succeeded(cli("destroy", "--skip-preview", MISTRAL_API_KEY=KEY))


def stack_file(cli: PulumiCli) -> Path:
    return cli.project / "stacks/Pulumi.prod.yaml"


def configure(cli: PulumiCli, **settings: Any) -> None:
    """Writes settings of the program into the stack's file."""
    content = yaml.safe_load(stack_file(cli).read_text()) or {}
    content.setdefault("config", {}).update({f"{PROJECT}:{key}": value for key, value in settings.items()})
    stack_file(cli).write_text(yaml.safe_dump(content))


def up(cli: PulumiCli, **environment: str) -> str:
    return succeeded(cli("up", "--skip-preview", **{"MISTRAL_API_KEY": KEY, **environment}))


def run(cli: PulumiCli, commands: str, typed: str = "", **environment: str) -> str:
    """Runs commands of the page, which print no key."""
    done = cli.shell(commands, typed, **{"MISTRAL_API_KEY": KEY, **environment})
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    assert not Canaries(KEY, NEXT_KEY).are_in(printed)
    return printed


def backend_model(cluster: Cluster, namespace: str) -> str:
    spec = cluster.objects("mistral", namespace)["AgentgatewayBackend"]["spec"]
    return str(spec["ai"]["provider"]["openai"]["model"])


def contexts(cli: PulumiCli, file: Path, current: str, **servers: Path | None) -> PulumiCli:
    """Returns the CLI with a kubeconfig of these contexts; `my_cluster` is my-cluster."""
    named = {name.replace("_", "-"): server for name, server in servers.items()}
    return cli.with_environment(KUBECONFIG=str(write_contexts(file, named, current)))


def test_a_stack_with_a_context_goes_to_its_cluster_whatever_is_current(
    cli: PulumiCli, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    before = revisions(cluster.objects("mistral", namespace))
    cli = contexts(cli, tmp_path / "config", "other", my_cluster=cluster.kubeconfig, other=None)
    configure(cli, providers={"mistral": {"model": "second"}})
    assert "unreachable" in failed(cli("up", "--skip-preview", MISTRAL_API_KEY=KEY))

    run(cli, SET_CONTEXT)
    printed = up(cli)
    assert not re.search(r"\d (created|deleted|replaced)", printed)
    assert backend_model(cluster, namespace) == "second"
    after = revisions(cluster.objects("mistral", namespace))
    assert {kind: uid for kind, (uid, _) in after.items()} == {kind: uid for kind, (uid, _) in before.items()}

    configure(cli, providers={"mistral": {"model": "third"}})
    unknown = contexts(cli, tmp_path / "config", "other", other=cluster.kubeconfig)
    assert f'context "{CONTEXT}" does not exist' in failed(unknown("up", "--skip-preview", MISTRAL_API_KEY=KEY))
    assert backend_model(cluster, namespace) == "second"


@pytest.fixture
def other_cluster(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory, namespace: str) -> Iterator[Cluster]:
    with (
        running_control_plane(binaries, tmp_path_factory) as plane,
        closing(Cluster(plane.state.kubeconfig)) as cluster,
        cluster.new_namespace(namespace),
    ):
        yield cluster


def test_a_stack_without_a_context_creates_objects_in_whichever_cluster_is_current(
    cli: PulumiCli, cluster: Cluster, other_cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    before = revisions(cluster.objects("mistral", namespace))
    both = {"my_cluster": cluster.kubeconfig, "other": other_cluster.kubeconfig}
    astray = contexts(cli, tmp_path / "config", "other", **both)
    configure(cli, providers={"mistral": {"model": "first"}, "groq": {"apiKeySecret": {"name": "other"}}})
    assert "created" in up(astray)
    assert {name for _, name in other_cluster.everything_in(namespace)} == {"groq"}
    assert {name for _, name in cluster.everything_in(namespace)} == {"mistral", "mistral-secret"}

    configure(cli, providers={"mistral": {"model": "second"}})
    assert '"mistral" not found' in failed(astray("up", "--skip-preview", MISTRAL_API_KEY=KEY))
    assert revisions(cluster.objects("mistral", namespace)) == before
    run(astray, "pulumi config set kubernetes:context my-cluster")
    up(astray)
    assert backend_model(cluster, namespace) == "second"


def test_a_kubeconfig_in_the_stack_is_encrypted_there_and_in_the_state(
    cli: PulumiCli, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    before = revisions(cluster.objects("mistral", namespace))
    shutil.copy(cluster.kubeconfig, cli.project / "prod.kubeconfig")
    run(cli, block("docs/production.md", "kubernetes:kubeconfig"))
    (cli.project / "prod.kubeconfig").unlink()
    printed = up(cli.with_environment(KUBECONFIG=str(tmp_path / "none")))
    assert not re.search(r"\d (created|deleted|replaced)", printed)
    assert revisions(cluster.objects("mistral", namespace)) == before
    (user,) = yaml.safe_load(cluster.kubeconfig.read_text())["users"]
    secret = Canaries(*(value for key, value in user["user"].items() if key in ("client-key-data", "token")))
    assert secret.files(cli.project) == secret.files(cli.state) == []
    assert not secret.are_in(printed)


@needs_kubectl
def test_a_secret_gets_the_bare_key_and_later_another_and_no_file_has_it(
    cli: PulumiCli, cluster: Cluster, namespace: str
) -> None:
    def here(text: str) -> str:
        return block_of_keys[text].replace("--namespace llm", f"--namespace {namespace}")

    block_of_keys = {
        "create": block("docs/production.md", "--from-file=Authorization=/dev/stdin\n"),
        "count": block("docs/production.md", "wc -c"),
        "change": block("docs/production.md", "kubectl replace"),
    }
    assert "secret/mistral-key created" in run(cli, here("create"), typed=f"{KEY}\n")
    assert run(cli, here("count")).strip() == str(len(KEY))
    first: Any = cluster.core.read_namespaced_secret("mistral-key", namespace)
    assert base64.b64decode(first.data["Authorization"]).decode() == KEY

    run(cli, here("change"), typed=f"{NEXT_KEY}\n")
    second: Any = cluster.core.read_namespaced_secret("mistral-key", namespace)
    assert base64.b64decode(second.data["Authorization"]).decode() == NEXT_KEY
    assert (second.metadata.uid, second.metadata.annotations) == (first.metadata.uid, None)
    assert Canaries(KEY, NEXT_KEY).files(cli.project) == []


@needs_kubectl
def test_a_secret_of_clients_has_their_hashes(cli: PulumiCli, cluster: Cluster, namespace: str) -> None:
    key = "sk-of-the-client-called-web"
    (cli.project / "web.key").write_text(f"{key}\n")
    run(cli, block("docs/production.md", "team-clients").replace("--namespace llm", f"--namespace {namespace}"))
    secret: Any = cluster.core.read_namespaced_secret("team-clients", namespace)
    entry = json.loads(base64.b64decode(secret.data["web"]))
    digits = hashlib.sha256(key.encode()).hexdigest()
    assert entry == {"keyHash": f"sha256:{digits}", "metadata": {"client": "web", "models": "mistral-.*"}}


def test_a_preview_needs_no_rights_and_an_up_does(
    cli: PulumiCli, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    account: Any = {"metadata": {"name": ACCOUNT}}
    cluster.core.create_namespaced_service_account(namespace, account)
    Account(cluster, namespace).write_kubeconfig(tmp_path / "powerless")
    powerless = cli.with_environment(KUBECONFIG=str(tmp_path / "powerless"), MISTRAL_API_KEY=KEY)
    configure(cli, providers={"mistral": {"model": "second"}, "deepseek": {"apiKeySecret": {"name": "other"}}})
    printed = succeeded(powerless("preview", "--diff"))
    assert re.search(r"~ 1 to update", printed)
    assert re.search(r"first.*=> .*second", printed)
    assert "cannot patch resource" in failed(powerless("up", "--skip-preview"))
    assert backend_model(cluster, namespace) == "first"


@needs_kubectl
def test_ci_deploys_and_previews_with_the_kubeconfigs_of_its_accounts(
    cli: PulumiCli, cluster: Cluster, namespace: str
) -> None:
    def here(commands: str) -> str:
        return commands.replace("--namespace llm", f"--namespace {namespace}")

    def kubeconfig(account: str) -> PulumiCli:
        """Writes the account's kubeconfig, and returns the CLI with it."""
        printed = run(cli, here(CI_KUBECONFIG.replace(f"account={ACCOUNT}\n", f"account={account}\n")))
        file = cli.project / f"{account}.kubeconfig"
        assert file.stat().st_mode & 0o077 == 0
        (user,) = yaml.safe_load(file.read_text())["users"]
        assert user["name"] == account
        assert not Canaries(user["user"]["token"]).are_in(printed)
        return cli.with_environment(KUBECONFIG=str(file))

    Account(cluster, namespace).create()
    run(cli, SET_CONTEXT)
    configure(cli, providers={"mistral": {"model": "second"}})
    up(kubeconfig(ACCOUNT))
    assert backend_model(cluster, namespace) == "second"

    run(cli, here(PREVIEW_ACCOUNT))
    configure(cli, providers={"mistral": {"model": "third"}})
    preview = kubeconfig("preview")
    assert "~ 1 to update" in succeeded(preview("preview", MISTRAL_API_KEY=KEY))
    refused = f'User "system:serviceaccount:{namespace}:preview" cannot get resource "agentgatewaybackends"'
    assert refused in failed(preview("up", "--skip-preview", MISTRAL_API_KEY=KEY))
    assert backend_model(cluster, namespace) == "second"


def test_the_state_has_no_key_and_a_copy_of_it_can_be_brought_back(
    cli: PulumiCli, cluster: Cluster, namespace: str
) -> None:
    run(cli, EXPORT)
    copy = cli.project / "before.json"
    assert Canaries(KEY).files(cli.state) == []
    assert not Canaries(KEY).are_in(copy.read_text())
    assert '"first"' in copy.read_text()
    before = revisions(cluster.objects("mistral", namespace))

    for file in cli.state.rglob("prod.json"):
        file.write_text("{}")
    assert "6 to create" in succeeded(cli("preview", MISTRAL_API_KEY=KEY))
    printed = run(cli, IMPORT)
    assert re.search(r"Resources:\n +\d+ unchanged", printed)
    assert revisions(cluster.objects("mistral", namespace)) == before


def test_after_a_killed_run_the_stack_is_unlocked_and_the_next_up_goes_on(
    cli: PulumiCli, cluster: Cluster, namespace: str
) -> None:
    configure(cli, providers={"mistral": {"model": "second"}})
    with cli.start("up", "--skip-preview", MISTRAL_API_KEY=KEY) as killed:
        assert killed.stdout
        assert any("mistral updating" in line for line in killed.stdout)
        killed.kill()
    assert "currently locked" in failed(cli("up", "--skip-preview", MISTRAL_API_KEY=KEY))
    run(cli, block("docs/production.md", "pulumi cancel"))
    assert backend_model(cluster, namespace) == "second"


def commit(cli: PulumiCli, message: str) -> None:
    git(cli.project, "add", "stacks")
    git(cli.project, "commit", "--quiet", "--message", message)


def set_key(cli: PulumiCli, key: str) -> None:
    succeeded(cli.shell("pulumi config set --secret --path 'providers.mistral.apiKey'", typed=key))


def test_a_revert_and_an_up_bring_each_object_back_in_place(cli: PulumiCli, cluster: Cluster, namespace: str) -> None:
    cli = cli.with_environment(**GIT)
    git(cli.project, "init", "--quiet")
    secret = {"apiKeySecret": {"name": "other"}}
    web = {"apiKeySha256": HASH, "models": ["mistral-a"], "rateLimits": [LIMIT]}
    groq = {"model": "untouched", **secret}
    mistral = {"models": ["mistral-a"], "fallbacks": [{"name": "deepseek", "model": "deepseek-flash", **secret}]}
    gateway = {"name": "agentgateway", "namespace": namespace}
    configure(cli, gateway=gateway, shared={"routePath": "/llm"}, rateLimitService={"host": "limits.example.com"})
    configure(cli, clients={"web": web}, providers={"mistral": mistral, "groq": groq, "xai": groq})
    set_key(cli, KEY)
    commit(cli, "As it was")
    up(cli)
    before = cluster.everything_in_all(namespace)

    web["rateLimits"] = [{**LIMIT, "requests": 5}]
    batch = {"apiKeySha256": "0" * 64}
    changed_settings = {"models": ["mistral-a", "mistral-b"], "requestTimeoutSeconds": 20}
    configure(cli, clients={"web": web, "batch": batch})
    configure(cli, providers={"mistral": changed_settings, "groq": groq, "openai": groq})
    set_key(cli, NEXT_KEY)
    commit(cli, "Changed")
    up(cli)
    between = cluster.everything_in_all(namespace)
    assert api_key({"Secret": between[namespace, "Secret", "mistral-secret"]}) == NEXT_KEY

    printed = run(cli, REVERT)
    assert "This reverts commit" in git(cli.project, "log", "-1")
    after = cluster.everything_in_all(namespace)
    assert content(after) == content(before)
    created, changed_in_place, deleted = changes(between, after)
    assert {name for _, _, name in created} == {"xai", "xai-clients", "xai-rate-limits"}
    assert {name for _, _, name in deleted} == {"openai", "openai-clients", "openai-rate-limits"}
    assert {key[1:] for key in changed_in_place} == {
        ("Secret", "mistral-secret"),
        ("Secret", "mistral-clients"),
        ("Secret", "groq-clients"),
        ("Secret", "llm-clients"),
        ("ConfigMap", "llm-rate-limits"),
        ("AgentgatewayBackend", "mistral"),
        ("AgentgatewayPolicy", "mistral"),
        ("HTTPRoute", "mistral"),
        ("AgentgatewayPolicy", "llm-models"),
    }
    assert "6 deleted" in printed
    assert api_key({"Secret": after[namespace, "Secret", "mistral-secret"]}) == KEY


def content(objects: Objects) -> Any:
    """Returns all that a gateway reads of the objects."""
    return {key: {name: each.get(name) for name in ("spec", "data")} for key, each in objects.items()}
