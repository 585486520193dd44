"""`make up` and its companions, as someone with a fresh clone has them, with keys that must be nowhere to be read."""

import hashlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from local.toolchain.binaries import find_or_build
from local.toolchain.tools import KUBERNETES_PROVIDER
from tests.support import seed
from tests.support.canary import Canaries
from tests.support.clone import Clone, Done, Running, fresh_clone, put_packages
from tests.support.cluster import Cluster, api_key, revisions
from tests.support.pages import block

# The README's commands: the first one of all stacks, those in between, and the last.
MAKE_UP, *_BETWEEN, MAKE_DOWN = block("README.md", "make up STACK=mistral").splitlines(keepends=True)
IN_BETWEEN = "".join(_BETWEEN)

KEY, NEXT_KEY = (f"sk-canary-{secrets.token_hex(12)}" for _ in range(2))
CANARIES = Canaries(KEY, NEXT_KEY)
BOTH = ("mistral", "deepseek")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with fresh_clone(tmp_path_factory) as clone:
        put_packages(clone.folder)
        yield clone


@pytest.fixture(scope="module")
def watched_up(clone: Clone) -> tuple[Done, dict[str, set[bytes]]]:
    """The first `up`, and what could be seen of the processes that it started."""
    done, seen = watch(clone.start("up", *BOTH, keys={"MISTRAL_API_KEY": KEY}))
    assert done.status == 0, done.printed
    return done, seen


@pytest.fixture(scope="module")
def first_up(watched_up: tuple[Done, dict[str, set[bytes]]]) -> str:
    return watched_up[0].stdout


@pytest.fixture
def cluster(clone: Clone, first_up: str) -> Iterator[Cluster]:
    assert first_up
    with clone.cluster() as cluster:
        yield cluster


def as_given(live: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Without what the API server adds, and without the Secret's data."""
    given = {
        kind: {
            **{field: value for field, value in each.items() if field not in ("data", "status")},
            "metadata": {field: each["metadata"][field] for field in ("name", "namespace")},
        }
        for kind, each in live.items()
    }
    # The client leaves out what each item of a list is.
    given["Secret"] |= {"apiVersion": "v1", "kind": "Secret"}
    route = given["HTTPRoute"]["spec"]
    for parent in route["parentRefs"]:
        assert (parent.pop("group"), parent.pop("kind")) == ("gateway.networking.k8s.io", "Gateway")
    for backend in route["rules"][0]["backendRefs"]:
        assert backend.pop("weight") == 1
    return given


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    old, new = revisions(before), revisions(after)
    return {kind for kind in old | new if old.get(kind) != new.get(kind)}


def change_provider(clone: Clone, stack: str, **settings: object) -> None:
    file = clone.stack_file(stack)
    content = yaml.safe_load(file.read_text())
    content["config"]["openai-compatible-llm:providers"][stack] |= settings
    file.write_text(yaml.safe_dump(content))


def everything(folder: Path) -> dict[str, str]:
    """The hash of every file but of what git ignores."""
    ignored = {".local", ".local.lock", ".venv", "__pycache__"}
    files = (file for file in folder.rglob("*") if file.is_file() and not ignored & set(file.parts))
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def watch(running: Running) -> tuple[Done, dict[str, set[bytes]]]:
    """Command lines and environments of all that it starts, by the program's name."""
    seen: dict[str, set[bytes]] = {}
    # For a moment after its start, a process has no command line yet.
    while not (own := Path("/proc", str(running.process.pid), "cmdline").read_bytes()):
        assert running.process.poll() is None
    while running.process.poll() is None:
        try:
            children = psutil.Process(running.process.pid).children(recursive=True)
        except psutil.Error:
            break
        for child in children:
            folder = Path("/proc", str(child.pid))
            try:
                command, environment = ((folder / name).read_bytes() for name in ("cmdline", "environ"))
                # Until it has become another program, a child is the command itself, with what the user gave it.
                if command != own:
                    seen.setdefault(child.name(), set()).update((command, environment))
            except (psutil.Error, OSError):
                continue
        time.sleep(0.01)
    return running.end(), seen


def shell(clone: Clone, commands: str, key: str) -> str:
    """What lines of the README print."""
    # Not as a part of the `make` that runs the tests, which would say which folder it enters.
    own = {name: value for name, value in clone.environment.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=clone.folder,
        env={**own, "MISTRAL_API_KEY": key},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not CANARIES.are_in(done.stdout + done.stderr)
    return done.stdout


def export(clone: Clone, *options: str) -> bytes:
    environment = os.environ | {
        "PULUMI_BACKEND_URL": clone.state.pulumi_state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(clone.state.pulumi_passphrase),
        "PULUMI_HOME": str(clone.state.pulumi_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    command = [str(find_or_build().pulumi), "stack", "export", "-s", "mistral", *options]
    return subprocess.run(
        command, cwd=clone.state.pulumi_project, env=environment, capture_output=True, check=True
    ).stdout


def test_commands_that_need_a_control_plane_say_that_there_is_none(clone: Clone) -> None:
    assert "There is no local control plane. Start it with `make up`." in clone.failure("kubeconfig")
    assert "The control plane is not running." in clone.run("status").stdout
    assert "Nothing is running." in clone.run("down").stdout
    assert not clone.state.root.exists()


def test_an_unknown_stack_is_refused_before_anything_is_started(clone: Clone) -> None:
    said = clone.failure("up", "mistral", "mistrall")
    assert "No file in stacks/ for mistrall. Choose from baseten, cerebras, " in said
    assert not clone.state.root.exists()


def test_the_first_up_shows_the_eight_objects_and_both_outputs(first_up: str) -> None:
    table = first_up[first_up.index("Kubernetes objects") :]
    for name in BOTH:
        for kind, made in (("Secret", "-secret"), ("Backend", ""), ("HTTPRoute", ""), ("BackendTLSPolicy", "-tls")):
            assert f"│ {name:8} │ {kind:16} │ gloo-system/{name}{made} " in table
    assert "│ mistral  │ mistral  │ /mistral  │ api.mistral.ai   │ mistral-medium-latest │" in table
    assert "│ deepseek │ deepseek │ /deepseek │ api.deepseek.com │ deepseek-flash        │" in table
    assert "Nothing changed." not in first_up


def test_it_names_the_version_of_the_kubernetes_provider_that_was_built(clone: Clone, first_up: str) -> None:
    plugin = KUBERNETES_PROVIDER.place_in(clone.state.pulumi_home)
    built = f"The Kubernetes provider is the official one, {KUBERNETES_PROVIDER.version}, built from its Go "
    assert (plugin.readlink() == KUBERNETES_PROVIDER.built) == (built in first_up)
    assert "warning: using pulumi-resource-kubernetes from $PATH" not in first_up


def test_one_line_says_that_nobody_answers_requests_and_what_gets_a_gateway(clone: Clone, first_up: str) -> None:
    command = "make up STACK='deepseek mistral' GATEWAY=kgateway"
    said = f"No gateway runs here, so requests get no answer. Get one: `{command}`"
    assert first_up.splitlines()[-1] == said
    assert clone.run("status").stdout.splitlines()[-1] == said


def test_it_prints_no_key_and_hands_none_to_a_process(watched_up: tuple[Done, dict[str, set[bytes]]]) -> None:
    done, seen = watched_up
    assert not CANARIES.are_in(done.printed)
    # They were looked at: the engine, its provider, and the servers.
    assert {"pulumi", "etcd", "kube-apiserver", "kube-controller-manager"} <= set(seen)
    assert any(b"pulumi-resource-kubernetes" in told for texts in seen.values() for told in texts)
    assert any(b"PULUMI_CONFIG_PASSPHRASE_FILE=" in told for told in seen["pulumi"])
    assert [name for name, texts in seen.items() if any(map(CANARIES.are_in, texts))] == []


def test_mistral_is_the_walk_through_with_a_model_that_is_listed_today(cluster: Cluster) -> None:
    live = cluster.objects("mistral")
    assert as_given(live) == seed.manifests("mistral", "api.mistral.ai", "mistral-medium-latest")
    assert set(live["Secret"]["data"]) == {"Authorization"}
    assert api_key(live) == KEY


def test_deepseek_is_the_walk_through_and_has_its_host_rewritten(cluster: Cluster) -> None:
    live = cluster.objects("deepseek")
    assert as_given(live) == seed.manifests("deepseek", "api.deepseek.com", "deepseek-flash")


def test_the_clone_and_the_users_home_stay_as_they_were(clone: Clone, first_up: str) -> None:
    assert first_up
    pristine = Clone.make(clone.folder.parent / "another")
    assert everything(clone.folder) == everything(pristine.folder)
    assert everything(clone.home) == everything(pristine.home)
    for credentials in (clone.state.kubeconfig, clone.state.pulumi_passphrase, clone.state.root):
        assert credentials.stat().st_mode & 0o077 == 0


def test_the_commands_of_the_readme_change_nothing_after_that(clone: Clone, cluster: Cluster) -> None:
    before = [revisions(cluster.objects(name)) for name in BOTH]
    said = shell(clone, MAKE_UP, KEY)
    assert said.rstrip().endswith("Nothing changed.")
    said = shell(clone, IN_BETWEEN if shutil.which("kubectl") else IN_BETWEEN.partition("kubectl get")[0], KEY)
    assert "Nothing changed." in said
    status = said[said.index("The control plane is running.") :]
    for shown in ("gloo-system/mistral-tls", "gloo-system/deepseek-secret", "/deepseek"):
        assert shown in status
    assert not shutil.which("kubectl") or "httproute.gateway.networking.k8s.io/mistral" in said
    assert [revisions(cluster.objects(name)) for name in BOTH] == before


def test_a_changed_setting_changes_only_the_object_that_has_it_and_in_place(clone: Clone, cluster: Cluster) -> None:
    mistral, deepseek = map(cluster.objects, BOTH)
    change_provider(clone, "mistral", model="mistral-medium-2505")
    change_provider(clone, "deepseek", rewriteHost=False, model="deepseek-chat")
    said = clone.up(*BOTH, MISTRAL_API_KEY=KEY)
    assert said.count("~ 1 updated\n    5 unchanged") == said.count("~ 2 updated\n    4 unchanged") == 1
    assert "Nothing changed." not in said

    after = cluster.objects("mistral")
    assert as_given(after) == seed.MISTRAL, "the walk-through, field for field"
    assert changed(mistral, after) == {"Backend"}
    old, new = (objects["Backend"]["metadata"] for objects in (mistral, after))
    assert (new["uid"], new["generation"]) == (old["uid"], old["generation"] + 1)

    after = cluster.objects("deepseek")
    assert as_given(after) == seed.DEEPSEEK, "without the rewrite it is the walk-through exactly"
    assert changed(deepseek, after) == {"Backend", "HTTPRoute"}


def test_a_preview_changes_nothing(clone: Clone, cluster: Cluster) -> None:
    before = revisions(cluster.objects("mistral"))
    state = everything(clone.state.pulumi_state / ".pulumi/stacks")
    done = clone.run("preview", "mistral", keys={"MISTRAL_API_KEY": NEXT_KEY})
    assert done.status == 0, done.printed
    assert "~ Authorization: [secret] => [secret]" in done.stdout
    assert not CANARIES.are_in(done.printed)
    assert "~ 1 to update\n    5 unchanged" in done.stdout
    assert revisions(cluster.objects("mistral")) == before
    assert everything(clone.state.pulumi_state / ".pulumi/stacks") == state


def test_a_rotated_key_changes_the_secret_alone_and_in_place(clone: Clone, cluster: Cluster) -> None:
    before = cluster.objects("mistral")
    said = clone.up("mistral", MISTRAL_API_KEY=NEXT_KEY)
    assert "~ 1 updated\n    5 unchanged" in said
    after = cluster.objects("mistral")
    assert api_key(after) == NEXT_KEY
    assert changed(before, after) == {"Secret"}
    assert after["Secret"]["metadata"]["uid"] == before["Secret"]["metadata"]["uid"]


def test_without_a_key_a_placeholder_stands_for_it(first_up: str, cluster: Cluster) -> None:
    line = "DEEPSEEK_API_KEY is not set: using a placeholder for the key on this machine."
    assert [each for each in first_up.splitlines() if "placeholder" in each] == [line]
    assert api_key(cluster.objects("deepseek")) == "placeholder-for-a-key"


def test_kubeconfig_is_a_line_for_the_shell(clone: Clone, cluster: Cluster) -> None:
    assert cluster
    assert clone.run("kubeconfig").stdout == f"export KUBECONFIG={clone.state.kubeconfig}\n"


def test_down_leaves_no_object_no_process_and_no_file(clone: Clone, first_up: str) -> None:
    assert first_up
    assert {"etcd", "kube-apiserver", "kube-controller-manager"} <= {each.name() for each in clone.processes()}
    said = shell(clone, MAKE_DOWN, NEXT_KEY)
    assert said.count("- 6 deleted") == 2
    assert said.endswith("Destroyed the stacks and stopped the control plane.\n")
    assert clone.processes() == []
    assert not clone.state.root.exists()
    assert CANARIES.files(clone.folder) == []
    assert CANARIES.files(clone.temporary) == []
    assert clone.run("down").stdout == "Nothing is running.\n"
