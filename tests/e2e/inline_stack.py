"""Stacks whose programs the tests write: the real engine runs them against a real API server.

Each test with a `stack` runs with the stand-in for the Kubernetes provider, and with the official one where it is on
PATH.
"""

import base64
import contextlib
import gc
import os
import re
import threading
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
from pulumi import automation
from pulumi.automation._server import LanguageServer
from pulumi.automation._stack import StackInitMode
from pulumi.runtime.proto import language_pb2

from local.binaries import Binaries
from local.provider_plugin import official_plugin_on_path, put_plugin
from tests.e2e.cluster import Cluster

REPOSITORY = Path(__file__).resolve().parents[2]
CANARY = "sk-canary-0f3b9d"
ROTATED = "sk-canary-rotated-77aa"

pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

PROVIDERS = ["stand-in", *(["official"] if official_plugin_on_path() else [])]

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


def _ignored(_: str) -> None:
    """For lines that nobody waits for."""


@dataclass
class Stack:
    """Collects all that the engine printed.

    Attributes:
        heard: Called with each line of an `up` as soon as the engine has printed it.
    """

    stack: automation.Stack
    folder: Path
    variables: dict[str, str]
    printed: list[str] = field(default_factory=list)
    heard: Callable[[str], None] = _ignored

    def up(self, program: Program, **options: Any) -> set[str]:
        """What it did, in the engine's words."""

        def hear(line: str) -> None:
            self.printed.append(line)
            self.heard(line)

        with ended():
            result = self.stack.up(program=program, on_output=hear, color="never", **options)
        return counts(result.stdout)

    def preview(self, program: Program, **options: Any) -> set[str]:
        """What it would do, in the engine's words."""
        options |= {"on_output": self.printed.append, "color": "never", "diff": True}
        with ended():
            result = self.stack.preview(program=program, **options)
        return counts(result.stdout)

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


def counts(printed: str) -> set[str]:
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
    name = f"inline-{uuid.uuid4().hex[:8]}"
    core.create_namespace({"metadata": {"name": name}})  # type: ignore[arg-type]
    yield name
    core.delete_namespace(name)


@pytest.fixture(params=PROVIDERS)
def kubernetes_provider(request: pytest.FixtureRequest) -> str:
    """Which one the engine uses: `stand-in` or `official`."""
    return str(request.param)


@pytest.fixture
def stack(
    kubernetes_provider: str, kubeconfig: Path, binaries: Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    folder = tmp_path / "stack"
    for name in ("project", "state", "home"):
        (folder / name).mkdir(parents=True)
    put_plugin(folder / "home", official_plugin_on_path() if kubernetes_provider == "official" else None)
    (folder / "project/Pulumi.yaml").write_text(yaml.safe_dump({"name": "inline", "runtime": "python"}))
    monkeypatch.setenv("PATH", os.pathsep.join((str(binaries.pulumi.parent), os.environ["PATH"])))
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "true")
    monkeypatch.setattr(LanguageServer, "Run", run_to_its_end)
    variables = {
        "KUBECONFIG": str(kubeconfig),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for tests",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    }
    options = automation.LocalWorkspaceOptions(work_dir=str(folder / "project"), env_vars=variables)
    # Its `create` would make a Stack of the SDK's own.
    created = QuickStack("test", automation.LocalWorkspace(**vars(options)), StackInitMode.CREATE)
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
        spec={"type": "AI", "ai": {"llm": llm}},
        **{"metadata": {"name": "mistral", "namespace": namespace}, **more},
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
