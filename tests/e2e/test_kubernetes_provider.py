"""The stand-in for the official Kubernetes provider, driven by the real engine against a real API server."""

import base64
import contextlib
import gc
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
import yaml
from kubernetes.client import CoreV1Api, CustomObjectsApi
from kubernetes.client.exceptions import ApiException
from pulumi import automation
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2

from local.binaries import Binaries
from local.provider_plugin import write_stand_in
from tests.e2e.cluster import Cluster

REPOSITORY = Path(__file__).resolve().parents[2]
CANARY = "sk-canary-0f3b9d"
ROTATED = "sk-canary-rotated-77aa"
COMMAND = [sys.executable, "-m", "local.kubernetes_provider"]

pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

Program = Callable[[], None]


class QuickStack(automation.Stack):
    """Without the three commands that the SDK runs after each, to tell what has been printed already."""

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:  # noqa: ARG002
        return automation.UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")


RUNNING = threading.Lock()


def run_to_its_end(server: LanguageServer, request: Any, context: Any) -> Any:
    """The SDK's `Run`, where a program goes on for a while after the engine has failed and is gone."""
    with RUNNING:
        try:
            return _run(server, request, context)
        except Exception:
            return language_pb2.RunResponse()


_run = LanguageServer.Run


@contextlib.contextmanager
def ended() -> Iterator[None]:
    """Leaves no program behind."""
    try:
        yield
    finally:
        with RUNNING:
            pass


@dataclass
class Stack:
    """Collects all that the engine printed."""

    stack: automation.Stack
    folder: Path
    variables: dict[str, str]
    printed: list[str] = field(default_factory=list)

    def up(self, program: Program, **options: Any) -> set[str]:
        """What it did, in the engine's words."""
        with ended():
            result = self.stack.up(program=program, on_output=self.printed.append, color="never", **options)
        return _counts(result.stdout)

    def preview(self, program: Program) -> set[str]:
        """What it would do, in the engine's words."""
        with ended():
            result = self.stack.preview(program=program, on_output=self.printed.append, color="never", diff=True)
        return _counts(result.stdout)

    def destroy(self) -> None:
        self.stack.destroy(on_output=self.printed.append, color="never")

    def fails(self, action: Callable[..., object], *arguments: Any, **options: Any) -> str:
        """What the engine says, after making sure that it is no traceback and no Python class."""
        start = len(self.printed)
        with pytest.raises(automation.errors.CommandError) as raised:
            action(*arguments, **options)
        self.printed.append(str(raised.value))
        said = "\n".join(self.printed[start:])
        for noise in ("Traceback", "Unexpected", "<class", "Exception", "rpc error"):
            assert noise not in said, said
        return said

    def everything_written(self) -> str:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return "\n".join(self.printed + [path.read_text(errors="replace") for path in files])


def _counts(printed: str) -> set[str]:
    resources = printed.rpartition("Resources:")[2].partition("Duration:")[0]
    return {" ".join(found) for found in re.findall(r"(\d+) (to [a-z]+|[a-z]+ed)$", resources, re.MULTILINE)}


@pytest.fixture
def core(cluster: Cluster) -> CoreV1Api:
    return cluster.core


@pytest.fixture
def custom(cluster: Cluster) -> CustomObjectsApi:
    return cluster.custom


@pytest.fixture
def namespace(core: CoreV1Api) -> Iterator[str]:
    name = f"stand-in-{uuid.uuid4().hex[:8]}"
    core.create_namespace({"metadata": {"name": name}})  # type: ignore[arg-type]
    yield name
    core.delete_namespace(name)


@pytest.fixture
def stack(kubeconfig: Path, binaries: Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    plugin = tmp_path / "plugin"
    write_stand_in(plugin)
    folder = tmp_path / "stack"
    for name in ("project", "state", "home"):
        (folder / name).mkdir(parents=True)
    project = {
        "name": "stand-in",
        "runtime": "python",
        "plugins": {"providers": [{"name": "kubernetes", "path": str(plugin)}]},
    }
    (folder / "project/Pulumi.yaml").write_text(yaml.safe_dump(project))
    monkeypatch.setenv("PATH", os.pathsep.join((str(binaries.pulumi.parent), os.environ["PATH"])))
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "true")
    monkeypatch.setattr(LanguageServer, "Run", run_to_its_end)
    variables = {
        "KUBECONFIG": str(kubeconfig),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for tests",
        "PULUMI_HOME": str(folder / "home"),
    }
    options = automation.LocalWorkspaceOptions(work_dir=str(folder / "project"), env_vars=variables)
    created = QuickStack.create("test", automation.LocalWorkspace(**vars(options)))
    yield Stack(created, folder, variables)
    # The SDK leaves the event loop of a program that failed open.
    gc.collect()


def secret(namespace: str, key: str = CANARY, **more: Any) -> Any:
    return k8s.core.v1.Secret(
        "secret",
        metadata={"name": "mistral-secret", "namespace": namespace},
        type="Opaque",
        string_data={"Authorization": pulumi.Output.secret(key)},
        **more,
    )


def backend(namespace: str, model: str = "first", **more: Any) -> Any:
    openai = {"authToken": {"kind": "SecretRef", "secretRef": {"name": "mistral-secret"}}, "model": model}
    llm = {"openai": openai, "host": "api.example.com", "port": 443, "path": {"full": "/v1/chat/completions"}}
    return k8s.apiextensions.CustomResource(
        "backend",
        api_version="gateway.kgateway.dev/v1alpha1",
        kind="Backend",
        metadata={"name": "mistral", "namespace": namespace},
        spec={"type": "AI", "ai": {"llm": llm}},
        **more,
    )


def route(namespace: str, match: str = "PathPrefix") -> Any:
    return k8s.apiextensions.CustomResource(
        "route",
        api_version="gateway.networking.k8s.io/v1",
        kind="HTTPRoute",
        metadata={"name": "mistral", "namespace": namespace},
        spec={
            "parentRefs": [{"name": "agentgateway"}],
            "rules": [
                {
                    "matches": [{"path": {"type": match, "value": "/mistral"}}],
                    "backendRefs": [{"name": "mistral", "group": "gateway.kgateway.dev", "kind": "Backend"}],
                }
            ],
        },
    )


def of(*makers: Callable[[], Any]) -> Program:
    def program() -> None:
        for make in makers:
            make()

    return program


def live_secret(core: CoreV1Api, namespace: str) -> Any:
    return core.read_namespaced_secret("mistral-secret", namespace)


def live_key(core: CoreV1Api, namespace: str) -> str:
    return base64.b64decode(live_secret(core, namespace).data["Authorization"]).decode()


def live_backend(custom: CustomObjectsApi, namespace: str) -> Any:
    return custom.get_namespaced_custom_object("gateway.kgateway.dev", "v1alpha1", namespace, "backends", "mistral")


def set_by_hand(custom: CustomObjectsApi, namespace: str, patch: dict[str, Any], manager: str) -> None:
    custom.patch_namespaced_custom_object(
        "gateway.kgateway.dev", "v1alpha1", namespace, "backends", "mistral", patch, field_manager=manager
    )


def model_of(obj: Any) -> str:
    model = obj["spec"]["ai"]["llm"]["openai"]["model"]
    assert isinstance(model, str)
    return model


def test_objects_are_made_left_alone_changed_and_removed(
    stack: Stack, namespace: str, core: CoreV1Api, custom: CustomObjectsApi
) -> None:
    objects = (lambda: secret(namespace), lambda: route(namespace))
    assert stack.up(of(*objects, lambda: backend(namespace))) == {"4 created"}
    made = live_backend(custom, namespace)
    assert live_key(core, namespace) == CANARY
    assert stack.up(of(*objects, lambda: backend(namespace)), refresh=True) == {"4 unchanged"}

    assert stack.preview(of(*objects, lambda: backend(namespace, "second"))) == {"1 to update", "3 unchanged"}
    assert any('model: "first" => "second"' in line for line in stack.printed)
    assert stack.up(of(*objects, lambda: backend(namespace, "second"))) == {"1 updated", "3 unchanged"}
    changed = live_backend(custom, namespace)
    assert model_of(changed) == "second"
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]
    managers = {entry["manager"] for entry in changed["metadata"]["managedFields"]}
    assert [name.startswith("pulumi-kubernetes-") for name in managers] == [True]

    stack.destroy()
    with pytest.raises(ApiException, match="404"):
        live_backend(custom, namespace)
    with pytest.raises(ApiException, match="404"):
        live_secret(core, namespace)


def test_a_mutable_secret_is_rotated_in_place_and_its_value_is_nowhere_to_be_read(
    stack: Stack, namespace: str, core: CoreV1Api
) -> None:
    stack.stack.set_config("kubernetes:enableSecretMutable", automation.ConfigValue("true"))
    stack.up(of(lambda: secret(namespace)))
    before = live_secret(core, namespace)
    rotated = of(lambda: secret(namespace, ROTATED))
    assert stack.preview(rotated) == {"1 to update", "1 unchanged"}
    assert stack.up(rotated) == {"1 updated", "1 unchanged"}
    assert live_key(core, namespace) == ROTATED
    assert live_secret(core, namespace).metadata.uid == before.metadata.uid
    refreshed = stack.stack.refresh(on_output=stack.printed.append, color="never")
    assert _counts(refreshed.stdout) == {"2 unchanged"}
    assert stack.up(rotated) == {"2 unchanged"}

    written = stack.everything_written()
    assert "mistral-secret" in written
    for value in (CANARY, ROTATED):
        assert value not in written
        assert base64.b64encode(value.encode()).decode().rstrip("=") not in written


def test_a_secret_is_replaced_by_default(stack: Stack, namespace: str, core: CoreV1Api) -> None:
    stack.up(of(lambda: secret(namespace)))
    before = live_secret(core, namespace)
    assert stack.up(of(lambda: secret(namespace, ROTATED))) == {"1 replaced", "1 unchanged"}
    assert live_key(core, namespace) == ROTATED
    assert live_secret(core, namespace).metadata.uid != before.metadata.uid


def test_an_object_that_exists_already_is_refused_unless_it_is_to_be_taken_over(
    stack: Stack, namespace: str, core: CoreV1Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {"metadata": {"name": "mistral-secret"}, "stringData": {"Authorization": "theirs"}}
    core.create_namespaced_secret(namespace, theirs, field_manager="somebody")  # type: ignore[arg-type]
    said = stack.fails(stack.up, of(lambda: secret(namespace)))
    assert f"resource {namespace}/mistral-secret was not successfully created by the Kubernetes API server" in said
    assert "already exists" in said
    assert "import" in said
    assert live_key(core, namespace) == "theirs"

    monkeypatch.setenv("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", "true")
    said = stack.fails(stack.up, of(lambda: secret(namespace)))
    assert 'conflict with "somebody"' in said
    monkeypatch.setenv("PULUMI_K8S_ENABLE_PATCH_FORCE", "true")
    stack.up(of(lambda: secret(namespace)))
    assert live_key(core, namespace) == CANARY


def test_what_the_api_server_refuses_is_an_error_at_preview_and_at_up(stack: Stack, namespace: str) -> None:
    said = stack.fails(stack.preview, of(lambda: route(namespace, match="Nonsense")))
    assert f"resource {namespace}/mistral was not successfully created by the Kubernetes API server" in said
    assert 'spec.rules[0].matches[0].path.type: Unsupported value: "Nonsense"' in said

    stack.up(of(lambda: route(namespace)))
    for action in (stack.preview, stack.up):
        said = stack.fails(action, of(lambda: route(namespace, match="Nonsense")))
        assert f'the Kubernetes API server reported that "{namespace}/mistral" failed to fully initialize' in said
        assert 'Unsupported value: "Nonsense"' in said
    assert stack.up(of(lambda: route(namespace))) == {"2 unchanged"}


def test_a_refusal_that_quotes_the_secret_is_shown_without_it(stack: Stack, namespace: str) -> None:
    def program() -> None:
        wrong: Any = pulumi.Output.secret(CANARY)
        k8s.core.v1.Secret("secret", metadata={"name": "mistral-secret", "namespace": namespace}, data=wrong)

    assert CANARY not in stack.fails(stack.up, program)
    assert CANARY not in stack.everything_written()


def test_an_unknown_kind_is_let_through_at_preview_and_named_at_up(stack: Stack, namespace: str) -> None:
    def program() -> None:
        k8s.apiextensions.CustomResource(
            "missing",
            api_version="gateway.kgateway.dev/v1alpha1",
            kind="Missing",
            metadata={"name": "mistral", "namespace": namespace},
        )

    assert stack.preview(program) == {"2 to create"}
    said = stack.fails(stack.up, program)
    assert f"creation of resource {namespace}/mistral failed" in said
    assert "Verify that any required CRDs have been created" in said
    assert 'no matches for kind "Missing" in version "gateway.kgateway.dev/v1alpha1"' in said


def test_a_missing_namespace_is_let_through_at_preview_and_named_at_up(stack: Stack) -> None:
    program = of(lambda: secret("nowhere"))
    assert stack.preview(program) == {"2 to create"}
    assert 'namespaces "nowhere" not found' in stack.fails(stack.up, program)


def test_an_unreachable_cluster_is_said_to_be_so(
    stack: Stack, namespace: str, kubeconfig: Path, tmp_path: Path
) -> None:
    content = yaml.safe_load(kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(yaml.safe_dump(content))
    stack.stack.set_config("kubernetes:kubeconfig", automation.ConfigValue(str(elsewhere)))
    said = stack.fails(stack.up, of(lambda: secret(namespace)))
    assert "configured Kubernetes cluster is unreachable" in said
    assert "Connection refused" in said


def test_without_a_kubeconfig_nothing_is_done(stack: Stack, namespace: str) -> None:
    stack.variables["KUBECONFIG"] = ""
    assert "needs a kubeconfig" in stack.fails(stack.up, of(lambda: secret(namespace)))


def test_a_setting_that_would_go_unheeded_is_refused(stack: Stack, namespace: str) -> None:
    stack.stack.set_config("kubernetes:context", automation.ConfigValue("elsewhere"))
    assert "doesn't know kubernetes:context" in stack.fails(stack.up, of(lambda: secret(namespace)))


def test_a_name_is_needed(stack: Stack, namespace: str) -> None:
    def program() -> None:
        k8s.core.v1.ConfigMap("map", metadata={"namespace": namespace})

    assert "does no auto-naming" in stack.fails(stack.preview, program)


def test_what_it_can_not_wait_for_is_refused_at_preview(stack: Stack, namespace: str) -> None:
    def program() -> None:
        annotations = {"pulumi.com/waitFor": "Accepted"}
        k8s.core.v1.ConfigMap("map", metadata={"name": "map", "namespace": namespace, "annotations": annotations})

    assert "doesn't know how to wait for Accepted" in stack.fails(stack.preview, program)


def test_what_the_api_server_drops_is_a_change_at_every_up(stack: Stack, namespace: str) -> None:
    def program() -> None:
        k8s.core.v1.ConfigMap("map", metadata={"name": "map", "namespace": namespace, "annotations": {}})

    assert stack.up(program) == {"2 created"}
    assert stack.up(program) == {"1 updated", "1 unchanged"}
    assert stack.preview(program) == {"1 to update", "1 unchanged"}
    assert any("+ annotations: {" in line for line in stack.printed)


def test_what_was_changed_by_hand_is_seen_by_a_refresh_and_repaired(
    stack: Stack, namespace: str, custom: CustomObjectsApi
) -> None:
    program = of(lambda: backend(namespace))
    by_hand = {"spec": {"ai": {"llm": {"openai": {"model": "by hand"}}}}}
    stack.up(program)
    set_by_hand(custom, namespace, by_hand, "kubectl-edit")
    assert stack.up(program, refresh=True) == {"1 updated", "1 unchanged"}
    assert model_of(live_backend(custom, namespace)) == "first"

    set_by_hand(custom, namespace, by_hand, "a-controller")
    said = stack.fails(stack.up, program, refresh=True)
    assert 'conflict with "a-controller"' in said
    assert ".spec.ai.llm.openai.model" in said


def test_what_was_deleted_by_hand_is_made_again_after_a_refresh(stack: Stack, namespace: str, core: CoreV1Api) -> None:
    stack.up(of(lambda: secret(namespace)))
    core.delete_namespaced_secret("mistral-secret", namespace)
    assert stack.up(of(lambda: secret(namespace)), refresh=True) == {"1 created", "1 unchanged"}
    assert live_key(core, namespace) == CANARY
    core.delete_namespaced_secret("mistral-secret", namespace)
    stack.destroy()


def test_a_deletion_is_waited_for(stack: Stack, namespace: str, custom: CustomObjectsApi) -> None:
    timeouts = pulumi.CustomTimeouts(delete="1s")
    stack.up(of(lambda: backend(namespace, opts=pulumi.ResourceOptions(custom_timeouts=timeouts))))
    set_by_hand(custom, namespace, {"metadata": {"finalizers": ["example.com/held"]}}, "a-controller")
    said = stack.fails(stack.destroy)
    assert f"timed out waiting for the deletion of gateway.kgateway.dev/v1alpha1/Backend {namespace}/mistral" in said
    assert "example.com/held" in said
    set_by_hand(custom, namespace, {"metadata": {"finalizers": None}}, "a-controller")
    stack.destroy()
    assert not stack.stack.export_stack().deployment.get("resources")  # type: ignore[union-attr]


def test_an_existing_object_can_be_imported(stack: Stack, namespace: str, core: CoreV1Api) -> None:
    theirs = {"metadata": {"name": "mistral-secret"}, "stringData": {"Authorization": CANARY}}
    core.create_namespaced_secret(namespace, theirs)  # type: ignore[arg-type]
    before = live_secret(core, namespace)
    opts = pulumi.ResourceOptions(import_=f"{namespace}/mistral-secret")
    assert stack.up(of(lambda: secret(namespace, opts=opts))) == {"1 created", "1 imported"}
    assert stack.up(of(lambda: secret(namespace))) == {"2 unchanged"}
    assert live_secret(core, namespace).metadata.uid == before.metadata.uid
    assert CANARY not in stack.everything_written()


def test_values_known_only_later_are_let_through_at_preview(stack: Stack, namespace: str, core: CoreV1Api) -> None:
    def program() -> None:
        uid: pulumi.Output[str] = secret(namespace).metadata.apply(lambda made: made.uid)
        k8s.core.v1.ConfigMap("map", metadata={"name": "map", "namespace": namespace}, data={"uid": uid})

    assert stack.preview(program) == {"3 to create"}
    stack.up(program)
    made = core.read_namespaced_config_map("map", namespace)
    assert made.data == {"uid": live_secret(core, namespace).metadata.uid}


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """The stand-in below a shell, which takes the engine's place."""
    shell = f"cd {shlex.quote(str(REPOSITORY))}; {shlex.join(COMMAND)} 127.0.0.1:1 & echo $!; wait"
    started = subprocess.Popen(["sh", "-c", shell], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield started
    started.kill()
    started.communicate()


@pytest.mark.parametrize("ending", ["SIGINT", "SIGTERM", "the engine is gone"])
def test_the_process_ends_cleanly(process: subprocess.Popen[str], ending: str) -> None:
    assert process.stdout
    number, port = int(process.stdout.readline()), process.stdout.readline()
    assert port.strip().isdecimal()
    if ending.startswith("SIG"):
        os.kill(number, signal.Signals[ending])
    else:
        process.kill()
    assert process.stdout.read() == ""
    with contextlib.suppress(ProcessLookupError):
        for _ in range(50):
            os.kill(number, 0)
            time.sleep(0.1)
        pytest.fail("it still runs")
