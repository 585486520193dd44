"""What people do to `make up`: each ends in a working state at the next one, or in one clear line."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import kubernetes
import pytest
import yaml

from local.waiting import wait_until
from tests.support import seed
from tests.support.clone import Clone, fresh_clone
from tests.support.cluster import BACKEND, Cluster, api_key, revisions

pytestmark = pytest.mark.slow

KINDS = {"Secret", "Backend", "HTTPRoute", "BackendTLSPolicy"}
# As `pulumi config set --secret` leaves it, encrypted with a passphrase that is not to be had here.
USERS_OWN = {
    "encryptionsalt": "v1:EuUHIUFkcqo=:v1:Hsaofp3gZQtnJgZ0:6aMN4lmoQmvHGS3T9pIOEu0ZPLYGlA==",
    "config": {
        "openai-compatible-llm:providers": {
            "house": {"host": "llm.example.com", "apiKey": {"secure": "v1:3k8dlh4+XQ2mqVNk:3QaTJwvJ5LhVgVcrxg0Q"}}
        },
        "openai-compatible-llm:other": {"secure": "v1:3k8dlh4+XQ2mqVNk:3QaTJwvJ5LhVgVcrxg0Q"},
    },
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with fresh_clone(tmp_path_factory) as clone:
        write_stack(clone, "house", USERS_OWN)
        yield clone


@pytest.fixture
def up(clone: Clone) -> Clone:
    """With a control plane that runs."""
    if not clone.state.kubeconfig.exists():
        clone.up("house")
    return clone


@pytest.fixture
def cluster(up: Clone) -> Iterator[Cluster]:
    with up.cluster() as cluster:
        yield cluster


def write_stack(clone: Clone, name: str, content: object) -> None:
    clone.stack_file(name).write_text(yaml.safe_dump(content))


def add_stack(clone: Clone, name: str, model: str = "first") -> None:
    providers = {name: {"host": "llm.example.com", "model": model}}
    write_stack(clone, name, {"config": {"openai-compatible-llm:providers": providers}})


def objects(clone: Clone, name: str) -> dict[str, Any]:
    with clone.cluster() as cluster:
        return cluster.objects(name)


def press_ctrl_c(clone: Clone, stack: str, moment: str) -> None:
    clone.start("up", stack).interrupt(moment, "make up")


def kill(clone: Clone, stack: str, moment: str) -> None:
    running = clone.start("up", stack)
    running.wait_for(moment)
    running.kill_all()


def test_ctrl_c_while_the_servers_start_and_state_that_is_gone(clone: Clone) -> None:
    press_ctrl_c(clone, "house", "Starting kube-apiserver")
    assert clone.server("etcd")
    for left in clone.state.root.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()

    before = clone.stack_file("house").read_text()
    said = clone.up("house")
    assert "HOUSE_API_KEY is not set" in said
    assert set(objects(clone, "house")) == KINDS
    assert sorted(each.name() for each in clone.processes()) == ["etcd", "kube-apiserver", "kube-controller-manager"]
    assert clone.stack_file("house").read_text() == before


def test_ctrl_c_while_the_engine_works(clone: Clone, up: Clone) -> None:
    add_stack(clone, "interrupted")
    for moment in ("Updating (interrupted)", "Secret interrupted-secret creating"):
        press_ctrl_c(up, "interrupted", moment)
    up.up("interrupted")
    assert set(objects(up, "interrupted")) == KINDS


def test_everything_killed_while_the_engine_works(clone: Clone, up: Clone) -> None:
    add_stack(clone, "killed")
    for moment in ("Secret killed-secret creating", "HTTPRoute killed creat"):
        kill(up, "killed", moment)
    made = revisions(objects(up, "killed"))
    said = up.up("killed")
    assert "The last run of stack killed was killed. This one has completed it." in said
    after = revisions(objects(up, "killed"))
    assert set(after) == KINDS
    assert {kind: after[kind][0] for kind in made} == {kind: uid for kind, (uid, _) in made.items()}

    (checkpoint,) = up.state.pulumi_state.glob(".pulumi/stacks/**/killed.json")
    checkpoint.write_text("")
    assert not list(up.state.pulumi_state.rglob("*.attrs"))
    assert "The last run of stack killed was killed." in up.up("killed")
    assert {kind: uid for kind, (uid, _) in revisions(objects(up, "killed")).items()} == {
        kind: uid for kind, (uid, _) in after.items()
    }


def test_two_at_once_after_the_servers_were_killed(up: Clone) -> None:
    for name in ("kube-apiserver", "etcd"):
        up.kill(name)
    first = up.start("up", "house")
    first.wait_for("Starting etcd")
    second = up.run("up", "house")
    done = first.end()
    assert (done.status, second.status) == (0, 0), done.printed + second.printed
    assert f"Waiting for process {first.process.pid} " in second.stdout
    for each in (done, second):
        assert each.stdout.endswith("Nothing changed.\n")


@pytest.mark.kubernetes_provider("4.29", does="refuses an object that exists already")
def test_an_object_of_somebody_else_is_named_and_left_alone(clone: Clone, cluster: Cluster) -> None:
    add_stack(clone, "taken")
    metadata = {"name": "taken-secret", "namespace": seed.NAMESPACE}
    cluster.create({"kind": "Secret", "metadata": metadata, "stringData": {"Authorization": "somebody's"}})
    before = revisions(cluster.objects("taken"))

    said = clone.failure("up", "taken")
    assert re.search('taken-secret"? already exists', said)
    assert "`pulumi up -s taken` failed; see the error above." in said
    assert revisions(cluster.objects("taken")) == before
    assert api_key(cluster.objects("taken")) == "somebody's"

    cluster.delete("Secret", "taken-secret", seed.NAMESPACE)
    with refusing_backends(cluster, "taken"):
        said = clone.failure("up", "taken")
        assert 'backends.gateway.kgateway.dev "taken" is forbidden' in said
        assert "no backends today" in said
        assert "Backend" not in cluster.objects("taken")
    made = revisions(cluster.objects("taken"))

    clone.up("taken")
    after = revisions(cluster.objects("taken"))
    assert set(after) == KINDS
    assert {kind: after[kind] for kind in made} == made


@contextmanager
def refusing_backends(cluster: Cluster, name: str) -> Iterator[None]:
    """By a policy that holds once the API server refuses a first one."""
    admission: Any = kubernetes.client.AdmissionregistrationV1Api(cluster.core.api_client)
    rule = {"apiGroups": [BACKEND[0]], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["backends"]}
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": f"object.metadata.name != '{name}'", "message": "no backends today"}],
    }
    binding = {"policyName": "no-backends", "validationActions": ["Deny"]}
    admission.create_validating_admission_policy({"metadata": {"name": "no-backends"}, "spec": spec})
    admission.create_validating_admission_policy_binding({"metadata": {"name": "no-backends"}, "spec": binding})
    wanted = seed.manifests(name, "llm.example.com", "model")["Backend"]
    create = partial(cluster.create, wanted, dry_run="All")

    try:
        until(lambda: refused(create))
        yield
    finally:
        admission.delete_validating_admission_policy_binding("no-backends")
        admission.delete_validating_admission_policy("no-backends")
    until(lambda: not refused(create))


def refused(request: Callable[[], None]) -> bool:
    try:
        request()
    except kubernetes.client.ApiException as error:
        assert "no backends today" in str(error.body)
        return True
    return False


def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    assert wait_until(happened, seconds)


def test_a_definition_that_was_deleted_comes_back_with_its_objects(clone: Clone, cluster: Cluster) -> None:
    before = revisions(cluster.objects("house"))
    cluster.extensions.delete_custom_resource_definition("backends.gateway.kgateway.dev")
    until(lambda: "Backend" not in cluster.objects("house"))
    said = clone.up("house")
    assert "Deleted since stack house created them: Backend gloo-system/house." in said
    assert "+ 1 created" in said
    after = revisions(cluster.objects("house"))
    assert {kind for kind in KINDS if after[kind] != before[kind]} == {"Backend"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "config:\n  openai-compatible-llm:providers: {house: {apiKey: 'sk-in-the-file}}",
            "stacks/Pulumi.broken.yaml is not valid YAML: found unexpected end of stream at line 2.",
        ),
        (
            "config:\n  openai-compatible-llm:providers: [sk-in-the-file]",
            "Stack broken: openai-compatible-llm:providers must be a group of settings, not a list.",
        ),
    ],
)
def test_a_broken_stack_file_is_told_in_a_line_without_what_is_in_it(clone: Clone, content: str, reason: str) -> None:
    clone.stack_file("broken").write_text(content)
    said = clone.failure("up", "broken")
    assert reason in said
    assert "sk-in-the-file" not in said


def test_a_lost_passphrase_asks_for_down_which_removes_all(clone: Clone, up: Clone) -> None:
    up.state.pulumi_passphrase.unlink()
    said = clone.failure("up", "house")
    assert f"{up.state.pulumi_passphrase} is missing" in said
    assert "Run `make down` to remove everything" in said

    done = up.run("down")
    assert done.status == 0, done.printed
    assert "Can't destroy the stacks, so the control plane is removed with everything in it." in done.stdout
    assert "Traceback" not in done.printed
    assert clone.processes() == []
    assert not clone.state.root.exists()


def test_down_ends_servers_whose_folder_is_gone(clone: Clone) -> None:
    press_ctrl_c(clone, "house", "Starting kube-controller-manager")
    assert clone.server("kube-apiserver")
    shutil.rmtree(clone.state.root)
    done = clone.run("down")
    assert done.stdout == "Removed everything and stopped the control plane.\n", done.printed
    assert clone.processes() == []


def test_a_state_folder_that_can_not_be_written_is_told_in_a_line(clone: Clone) -> None:
    clone.state.root.write_text("no folder")
    for command in (["up", "house"], ["down"]):
        assert str(clone.state.root) in clone.failure(*command)
    clone.state.root.unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_state_folder_is_told_in_a_line(clone: Clone) -> None:
    clone.state.root.mkdir(mode=0o500)
    said = clone.failure("up", "house")
    assert "Permission denied" in said
    clone.state.root.rmdir()
