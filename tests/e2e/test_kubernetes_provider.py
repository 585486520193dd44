"""What the Kubernetes provider does with objects of its own, and how the stand-in's process ends."""

import base64
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pytest
from kubernetes.client import CoreV1Api, CustomObjectsApi
from kubernetes.client.exceptions import ApiException
from pulumi import automation

from tests.e2e import inline_stack
from tests.e2e.inline_stack import (
    CANARY,
    ROTATED,
    Stack,
    backend,
    live_backend,
    live_key,
    live_secret,
    model_of,
    of,
    route,
    secret,
)

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "local.kubernetes_provider"]
pytestmark = inline_stack.pytestmark


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
    assert inline_stack.counts(refreshed.stdout) == {"2 unchanged"}
    assert stack.up(rotated) == {"2 unchanged"}

    written = stack.everything_written()
    assert "mistral-secret" in written
    for value in (CANARY, ROTATED):
        assert value not in written
        assert base64.b64encode(value.encode()).decode().rstrip("=") not in written


@pytest.mark.slow
def test_a_secret_is_replaced_by_default(stack: Stack, namespace: str, core: CoreV1Api) -> None:
    stack.up(of(lambda: secret(namespace)))
    before = live_secret(core, namespace)
    assert stack.up(of(lambda: secret(namespace, ROTATED))) == {"1 replaced", "1 unchanged"}
    assert live_key(core, namespace) == ROTATED
    assert live_secret(core, namespace).metadata.uid != before.metadata.uid


@pytest.mark.slow
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
