"""Faults during an `up` and after it, and the `up` that repairs them.

A line of progress is what the engine prints when it starts to create a resource, and when the resource is created.
"""

import base64
import itertools
import json
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from pulumi import automation

from bench import programs
from local.control_plane import KUBE_APISERVER
from local.control_plane.control_plane import ControlPlane
from local.processes import DetachedProcesses
from local.toolchain.binaries import Binaries
from tests.e2e import inline_stack
from tests.e2e.inline_stack import Program, Stack
from tests.e2e.running_control_plane import running_control_plane
from tests.support.cluster import Cluster
from tests.support.pages import PAGES, symptom

pytestmark = [*inline_stack.pytestmark, pytest.mark.slow]

PROVIDERS = 5
KEYS = programs.keys(PROVIDERS, rotated=False)
RESOURCES = 1 + 5 * PROVIDERS
MOMENTS = 20
# There are at least as many. The last few come when nothing is left to do.
LAST_MOMENT = 45
SECONDS_TO_FINISH = 3

# The remedies of docs/troubleshooting.md for an object that was made but is not in the state, and for a file that the
# engine was about to write.
RECOVERY = dict(re.findall(r"(PULUMI_K8S_[A-Z_]+)=(\w+)", PAGES["docs/troubleshooting.md"]))
(EMPTY_ATTRIBUTES,) = re.findall(r"`find ~/\.pulumi ([^`]+)`", PAGES["docs/troubleshooting.md"])

Objects = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def control_plane(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane of its own, because one of the tests kills it."""
    with running_control_plane(binaries, tmp_path_factory) as plane:
        yield plane


def at_progress(number: int, act: Callable[[], None], of: str = "") -> Callable[[str], None]:
    """Returns a function for `Stack.heard` that acts once, at this line of progress among those with this text."""
    lines = itertools.count(1)

    def heard(line: str) -> None:
        if of in line and re.search(r" (creating|created)\b", line) and next(lines) == number:
            act()

    return heard


def kill_the_engine() -> None:
    engine, providers = running()
    engine.kill()
    end(providers)


def kill_the_engine_while_it_waits(stack: Stack) -> None:
    """Kills the engine while it waits for its provider, after it has recorded that in the state."""
    engine, (provider,) = running()
    provider.suspend()
    deadline = time.monotonic() + 20
    while not state(stack).get("pending_operations") and time.monotonic() < deadline:
        time.sleep(0.01)
    engine.kill()
    provider.resume()
    end([provider])


def end(providers: list[psutil.Process]) -> None:
    """Waits until the provider has finished what it had started, and kills it: it goes on without its engine."""
    _, left = psutil.wait_procs(providers, timeout=SECONDS_TO_FINISH)
    for provider in left:
        provider.kill()


def running() -> tuple[psutil.Process, list[psutil.Process]]:
    """Returns the engine's process, and the provider's if it has started."""
    (engine,) = (child for child in psutil.Process().children() if child.name() == "pulumi")
    return engine, engine.children(recursive=True)


def cancel_as_the_page_says(stack: Stack) -> None:
    if said := failure(stack.stack.cancel):
        assert symptom("failed to load checkpoint") in said
        assert symptom("EOF") in said
        subprocess.run(["find", stack.folder, *shlex.split(EMPTY_ATTRIBUTES)], check=True)
        stack.stack.cancel()


def up_as_the_page_says(stack: Stack, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs `up`, and again with the README's settings if an object exists that isn't in the state."""
    if said := failure(stack.up, program):
        assert symptom("already exists") in said
        with monkeypatch.context() as once:
            for name, value in RECOVERY.items():
                once.setenv(name, value)
            stack.up(program)


def failure(command: Callable[..., object], *arguments: Any) -> str | None:
    """Returns the command's error; None where it succeeds."""
    try:
        command(*arguments)
    except automation.CommandError as error:
        return str(error)
    return None


def output_of(stack: Stack, command: Callable[..., object], *arguments: Any) -> str:
    start = len(stack.printed)
    command(*arguments)
    return "\n".join(stack.printed[start:])


def state(stack: Stack) -> dict[str, Any]:
    (checkpoint,) = (stack.folder / "state").glob(".pulumi/stacks/**/test.json")
    return json.loads(checkpoint.read_text())["checkpoint"]["latest"] or {}


def uids(objects: Objects) -> dict[tuple[str, str], str]:
    return {each: content["metadata"]["uid"] for each, content in objects.items()}


def says(live: Any, wanted: Any) -> bool:
    """Tells whether an object in the cluster has all that was declared."""
    if isinstance(wanted, dict):
        if "stringData" in wanted:
            data = {name: base64.b64encode(text.encode()).decode() for name, text in wanted["stringData"].items()}
            wanted = {**{name: each for name, each in wanted.items() if name != "stringData"}, "data": data}
        return all(name in live and says(live[name], each) for name, each in wanted.items())
    if isinstance(wanted, list):
        return len(live) == len(wanted) and all(map(says, live, wanted))
    return bool(live == wanted)


def assert_whole(stack: Stack, program: Program, objects: Objects, namespace: str, made: Objects) -> None:
    """Checks that objects and state are as declared, and that no object that existed before was replaced."""
    wanted = {(each["kind"], each["metadata"]["name"]): each for each in programs.manifests(namespace, KEYS)}
    assert objects.keys() == wanted.keys()
    assert [each for each in wanted if not says(objects[each], wanted[each])] == []
    assert uids(objects) | uids(made) == uids(objects)

    resources = state(stack)["resources"]
    default_provider = 1
    assert len({each["urn"] for each in resources}) == len(resources) == RESOURCES + default_provider

    assert stack.up(program) == {f"{RESOURCES} unchanged"}


@pytest.mark.parametrize("step", range(MOMENTS))
def test_the_next_up_repairs_what_a_killed_engine_left(
    stack: Stack, namespace: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    program = programs.component(namespace, KEYS)
    moment = 1 + step * (LAST_MOMENT - 1) // (MOMENTS - 1)
    stack.heard = at_progress(moment, kill_the_engine)
    with pytest.raises(automation.CommandError, match=r"code: -9\b"):
        stack.up(program)
    made = cluster.everything_in(namespace)

    cancel_as_the_page_says(stack)
    up_as_the_page_says(stack, program, monkeypatch)

    assert_whole(stack, program, cluster.everything_in(namespace), namespace, made)


def test_pending_operations_of_a_killed_engine_are_reported_until_a_refresh(
    stack: Stack, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = programs.component(namespace, programs.keys(1, rotated=False))
    stack.heard = at_progress(1, lambda: kill_the_engine_while_it_waits(stack), of=":Secret ")
    assert failure(stack.up, program)
    cancel_as_the_page_says(stack)
    up_as_the_page_says(stack, program, monkeypatch)
    assert symptom("pending operations") in output_of(stack, stack.up, program)

    assert "`pulumi refresh --clear-pending-creates`" in PAGES["docs/troubleshooting.md"]
    stack.stack.refresh(clear_pending_creates=True)
    assert "pending operations" not in output_of(stack, stack.up, program)


def test_an_up_fails_if_the_api_server_is_killed_and_the_next_one_continues(
    stack: Stack, namespace: str, cluster: Cluster, control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = programs.component(namespace, KEYS)
    api_server = DetachedProcesses(control_plane.state).find(KUBE_APISERVER)
    assert api_server
    stack.heard = at_progress(LAST_MOMENT // 2, api_server.kill)
    # It has the connection's own error where that breaks in the midst of an `up`.
    stack.fails(stack.up, program)
    assert symptom("configured Kubernetes cluster is unreachable") in stack.fails(stack.up, program)

    control_plane.start()
    made = cluster.everything_in(namespace)
    assert 0 < len(made) < 4 * PROVIDERS
    up_as_the_page_says(stack, program, monkeypatch)

    assert_whole(stack, program, cluster.everything_in(namespace), namespace, made)


@pytest.mark.kubernetes_provider("4.29", does="takes a Secret back that was changed by hand")
def test_a_refresh_finds_and_repairs_manual_changes_and_deletions(
    stack: Stack, namespace: str, cluster: Cluster
) -> None:
    keys = programs.keys(1, rotated=False)
    (name,) = keys
    program = programs.component(namespace, keys)
    stack.stack.set_config("kubernetes:enableSecretMutable", automation.ConfigValue("true"))
    assert stack.up(program) == {"6 created"}
    before = cluster.everything_in(namespace)

    edits = {
        ("Backend", name): {"spec": {"ai": {"llm": {"host": "by-hand.example.com"}}}},
        ("BackendTLSPolicy", f"{name}-tls"): {"spec": {"validation": {"hostname": "by-hand.example.com"}}},
        ("Secret", f"{name}-secret"): {"stringData": {"Authorization": "by hand"}},
    }
    for edited, patch in edits.items():
        cluster.patch(*edited, namespace, patch, field_manager="kubectl-edit")
    cluster.delete("HTTPRoute", name, namespace)

    assert stack.preview(program) == {"6 unchanged"}
    assert stack.preview(program, refresh=True) == {"3 to update", "1 to create", "2 unchanged"}
    assert stack.up(program, refresh=True) == {"3 updated", "1 created", "2 unchanged"}

    after = cluster.everything_in(namespace)
    assert {each: content.get("spec", content.get("data")) for each, content in after.items()} == {
        each: content.get("spec", content.get("data")) for each, content in before.items()
    }
    anew = {each for each in before if uids(before)[each] != uids(after)[each]}
    assert anew == {("HTTPRoute", name)}
    assert stack.up(program) == {"6 unchanged"}
