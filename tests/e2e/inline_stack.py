"""Stacks whose programs the tests write: the real engine runs them against a real API server."""

import base64
import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from kubernetes.client import CoreV1Api
from pulumi import automation
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2

CANARY = "sk-canary-0f3b9d"
ROTATED = "sk-canary-rotated-77aa"

pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

Program = Callable[[], Any]


class QuickStack(automation.Stack):
    """Skips the three commands that the SDK runs after each command to ask for what was printed already."""

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:  # noqa: ARG002
        return automation.UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")


RUNNING = threading.Lock()


def run_to_its_end(server: LanguageServer, request: Any, context: Any) -> Any:
    """Replaces the SDK's `Run`: a program may go on for a while after the engine has failed and ended."""
    with RUNNING:
        try:
            return _run(server, request, context)
        except Exception:
            return language_pb2.RunResponse()


_run = LanguageServer.Run


@contextlib.contextmanager
def ended() -> Iterator[None]:
    """Waits until the program has ended, too."""
    try:
        yield
    finally:
        with RUNNING:
            pass


def _ignored(_: str) -> None:
    """Ignores a line."""


@dataclass
class Stack:
    """Runs the engine's commands, and keeps everything that they print.

    Attributes:
        heard: Called with each line of an `up` as soon as the engine has printed it.
    """

    stack: automation.Stack
    folder: Path
    variables: dict[str, str]
    printed: list[str] = field(default_factory=list)
    heard: Callable[[str], None] = _ignored

    def up(self, program: Program, **options: Any) -> set[str]:
        """Returns what the update did, in the engine's words."""

        def hear(line: str) -> None:
            self.printed.append(line)
            self.heard(line)

        with ended():
            result = self.stack.up(program=program, on_output=hear, color="never", **options)
        return counts(result.stdout)

    def preview(self, program: Program, **options: Any) -> set[str]:
        """Returns what the update would do, in the engine's words."""
        options |= {"on_output": self.printed.append, "color": "never", "diff": True}
        with ended():
            result = self.stack.preview(program=program, **options)
        return counts(result.stdout)

    def destroy(self) -> None:
        self.stack.destroy(on_output=self.printed.append, color="never")

    def fails(self, action: Callable[..., object], *arguments: Any, **options: Any) -> str:
        """Runs an action that fails, and returns the engine's message, which must not look like a crash."""
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


def secret(namespace: str, key: str = CANARY, **more: Any) -> Any:
    return k8s.core.v1.Secret(
        "secret",
        type="Opaque",
        string_data={"Authorization": pulumi.Output.secret(key)},
        **{"metadata": {"name": "mistral-secret", "namespace": namespace}, **more},
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


def route(namespace: str, match: str = "PathPrefix", **more: Any) -> Any:
    return k8s.apiextensions.CustomResource(
        "route",
        api_version="gateway.networking.k8s.io/v1",
        kind="HTTPRoute",
        spec={
            "parentRefs": [{"name": "agentgateway"}],
            "rules": [
                {
                    "matches": [{"path": {"type": match, "value": "/mistral"}}],
                    "backendRefs": [{"name": "mistral", "group": "gateway.kgateway.dev", "kind": "Backend"}],
                }
            ],
        },
        **{"metadata": {"name": "mistral", "namespace": namespace}, **more},
    )


def live_secret(core: CoreV1Api, namespace: str) -> Any:
    return core.read_namespaced_secret("mistral-secret", namespace)


def live_key(core: CoreV1Api, namespace: str) -> str:
    return base64.b64decode(live_secret(core, namespace).data["Authorization"]).decode()
