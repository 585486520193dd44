"""What befalls a stack's state, as a user of the CLI sees it, and what docs/troubleshooting.md has against it."""

import resource
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from local.control_plane.control_plane import ControlPlane
from tests.e2e.pulumi_cli import PulumiCli, cli_in_a_copy, failed, succeeded
from tests.support.cluster import Cluster, revisions
from tests.support.pages import symptom

pytestmark = pytest.mark.slow

NAMESPACE = "state-faults"
KINDS = {"Secret", "Backend", "HTTPRoute", "BackendTLSPolicy"}
RECOVERY = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
UP = ("up", "--skip-preview")
MOUNTS_OF_ITS_OWN = ("unshare", "--map-root-user", "--mount", "sh", "-euc")

needs_mounts = pytest.mark.skipif(
    subprocess.run([*MOUNTS_OF_ITS_OWN, "true"], capture_output=True, check=False).returncode != 0,
    reason="`unshare --map-root-user --mount` isn't permitted here",
)


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> Iterator[Cluster]:
    with closing(Cluster(control_plane.state.kubeconfig)) as cluster, cluster.new_namespace(NAMESPACE):
        yield cluster


@pytest.fixture(scope="module")
def cli(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> PulumiCli:
    """The CLI with a deployed stack `house`."""
    cli = new_stack("house", cluster, tmp_path_factory.mktemp("cli"))
    succeeded(cli(*UP))
    return cli


def new_stack(name: str, cluster: Cluster, folder: Path) -> PulumiCli:
    """Creates a stack of one provider, which has the stack's name."""
    cli = cli_in_a_copy(folder)
    environment = {"KUBECONFIG": str(cluster.kubeconfig), f"{name.upper()}_API_KEY": f"sk-of-the-{name}"}
    cli = cli.with_environment(**environment)
    write_config(cli, name, "first")
    succeeded(cli("stack", "init", name))
    return cli


def write_config(cli: PulumiCli, stack: str, model: str) -> None:
    file = cli.project / f"stacks/Pulumi.{stack}.yaml"
    content = yaml.safe_load(file.read_text()) if file.exists() else {"config": {}}
    provider = {"host": "llm.example.com", "model": model, "namespace": NAMESPACE}
    content["config"]["openai-compatible-llm:providers"] = {stack: provider}
    file.write_text(yaml.safe_dump(content))


def model(cluster: Cluster) -> str:
    return str(cluster.objects("house", NAMESPACE)["Backend"]["spec"]["ai"]["llm"]["openai"]["model"])


def failure(cli: PulumiCli, *shell: str) -> str:
    """Runs the shell command, by default an `up`, and returns what it prints."""
    return failed(cli.shell(shlex.join(shell)) if shell else cli(*UP))


def assert_nothing_to_do(cli: PulumiCli) -> None:
    succeeded(cli("preview", "--expect-no-changes"))


def test_of_two_updates_at_once_one_is_refused_and_names_the_other(cli: PulumiCli, cluster: Cluster) -> None:
    write_config(cli, "house", "of the first of two")
    with cli.start(*UP) as first:
        assert first.stdout
        assert any("Backend house updating" in line for line in first.stdout)
        stop_between_two_writes(first, cli.state)
        try:
            printed = failure(cli)
        finally:
            first.send_signal(signal.SIGCONT)
        first.communicate()
    assert symptom("the stack is currently locked") in printed
    assert f"(pid {first.pid})" in printed
    assert first.returncode == 0
    assert model(cluster) == "of the first of two"
    assert_nothing_to_do(cli)


def stop_between_two_writes(engine: subprocess.Popen[str], state: Path) -> None:
    """Stops the engine while no file of its state is half written, because another engine can't read such a state."""
    while True:
        engine.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        if all(attributes.stat().st_size for attributes in state.rglob("*.attrs")):
            return
        engine.send_signal(signal.SIGCONT)
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("passphrase", "said"), [("wrong", "incorrect passphrase"), (None, "passphrase must be set")], ids=["wrong", "none"]
)
def test_without_the_right_passphrase_nothing_changes(
    cli: PulumiCli, cluster: Cluster, passphrase: str | None, said: str
) -> None:
    write_config(cli, "house", "with another passphrase")
    before = files(cli.state), revisions(cluster.objects("house", NAMESPACE))
    environment = {**cli.environment, "PULUMI_CONFIG_PASSPHRASE": passphrase}
    known = {name: value for name, value in environment.items() if value is not None}
    assert symptom(said) in failure(replace(cli, environment=known))
    assert (files(cli.state), revisions(cluster.objects("house", NAMESPACE))) == before


def files(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@needs_mounts
def test_if_the_state_can_not_be_written_nothing_changes(cli: PulumiCli, cluster: Cluster) -> None:
    write_config(cli, "house", "from a state that is read-only")
    before = files(cli.state), revisions(cluster.objects("house", NAMESPACE))
    state = shlex.quote(str(cli.state))
    read_only = f"mount --bind {state} {state}; mount -o remount,bind,ro {state}; pulumi {shlex.join(UP)}"
    assert symptom("read-only file system") in failure(cli, *MOUNTS_OF_ITS_OWN, read_only)
    assert (files(cli.state), revisions(cluster.objects("house", NAMESPACE))) == before

    succeeded(cli(*UP))
    assert model(cluster) == "from a state that is read-only"


@needs_mounts
def test_if_the_disk_is_full_the_state_is_as_before_the_last_step(cluster: Cluster, tmp_path: Path) -> None:
    """Leaves room for the first two of the objects. The engine tries for half a minute."""
    cli = new_stack("full", cluster, tmp_path)
    left = tmp_path / "left"
    shutil.copytree(cli.state, left)
    page = resource.getpagesize()
    size = page * (7 + sum(-(-len(content) // page) for content in files(left).values()))
    state, copy = shlex.quote(str(cli.state)), shlex.quote(str(left))
    in_little_room = (
        f"mount -t tmpfs -o size={size} tmpfs {state}; cp -a {copy}/. {state}; "
        f"pulumi {shlex.join(UP)} || {{ cp -a {state}/. {copy}; exit 1; }}"
    )
    assert symptom("no space left on device") in failure(cli, *MOUNTS_OF_ITS_OWN, in_little_room)
    made = cluster.objects("full", NAMESPACE)
    assert set(made) < KINDS

    shutil.rmtree(cli.state)
    left.rename(cli.state)
    said = failure(cli)
    assert symptom("failed to load checkpoint") in said
    assert symptom("unexpected end of JSON input") in said
    (checkpoint,) = cli.state.glob(".pulumi/stacks/*/full.json")
    shutil.copy(f"{checkpoint}.bak", checkpoint)
    done = cli(*UP)
    if done.returncode != 0:
        assert symptom("already exists") in done.stdout
        done = cli(*UP, **RECOVERY)
    succeeded(done)

    objects = cluster.objects("full", NAMESPACE)
    assert set(objects) == KINDS
    assert {kind: uid for kind, (uid, _) in revisions(objects).items() if kind in made} == {
        kind: uid for kind, (uid, _) in revisions(made).items()
    }
    assert_nothing_to_do(cli)
