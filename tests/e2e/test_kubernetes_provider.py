"""What the pages say of the Kubernetes provider: rotation, objects that exist already, what a refusal shows."""

import base64
from functools import partial
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from kubernetes.client import CoreV1Api
from pulumi import automation

from tests.e2e import inline_stack
from tests.e2e.inline_stack import CANARY, ROTATED, Stack, backend, live_key, live_secret, secret

pytestmark = inline_stack.pytestmark


def test_a_mutable_secret_is_rotated_in_place_and_its_value_is_nowhere_to_be_read(
    stack: Stack, namespace: str, core: CoreV1Api
) -> None:
    stack.stack.set_config("kubernetes:enableSecretMutable", automation.ConfigValue("true"))
    stack.up(lambda: secret(namespace))
    before = live_secret(core, namespace)
    rotated = partial(secret, namespace, ROTATED)
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
    stack.up(lambda: secret(namespace))
    before = live_secret(core, namespace)
    assert stack.up(lambda: secret(namespace, ROTATED)) == {"1 replaced", "1 unchanged"}
    assert live_key(core, namespace) == ROTATED
    assert live_secret(core, namespace).metadata.uid != before.metadata.uid


@pytest.mark.slow
@pytest.mark.kubernetes_provider("4.29", does="keeps a Secret's values out of the API server's refusals")
def test_a_refusal_that_quotes_the_secret_is_shown_without_it(stack: Stack, namespace: str) -> None:
    def program() -> None:
        wrong: Any = pulumi.Output.secret(CANARY)
        k8s.core.v1.Secret("secret", metadata={"name": "mistral-secret", "namespace": namespace}, data=wrong)

    assert CANARY not in stack.fails(stack.up, program)
    assert CANARY not in stack.everything_written()


@pytest.mark.slow
@pytest.mark.kubernetes_provider("4.29", does="refuses an object that exists already")
def test_an_object_that_exists_already_is_refused_unless_it_is_to_be_taken_over(
    stack: Stack, namespace: str, core: CoreV1Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {"metadata": {"name": "mistral-secret"}, "stringData": {"Authorization": "theirs"}}
    core.create_namespaced_secret(namespace, theirs, field_manager="somebody")  # type: ignore[arg-type]
    said = stack.fails(stack.up, lambda: secret(namespace))
    assert "was not successfully created by the Kubernetes API server" in said
    assert "already exists" in said
    assert live_key(core, namespace) == "theirs"

    monkeypatch.setenv("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", "true")
    monkeypatch.setenv("PULUMI_K8S_ENABLE_PATCH_FORCE", "true")
    stack.up(lambda: secret(namespace))
    assert live_key(core, namespace) == CANARY


@pytest.mark.slow
def test_what_the_api_server_drops_is_a_change_at_every_up(stack: Stack, namespace: str) -> None:
    def program() -> None:
        backend(namespace, metadata={"name": "mistral", "namespace": namespace, "annotations": {}})

    assert stack.up(program) == {"2 created"}
    assert stack.up(program) == {"1 updated", "1 unchanged"}
    assert stack.preview(program) == {"1 to update", "1 unchanged"}
    assert any("+ annotations: {" in line for line in stack.printed)


@pytest.mark.slow
def test_what_was_deleted_by_hand_is_made_again_after_a_refresh(stack: Stack, namespace: str, core: CoreV1Api) -> None:
    stack.up(lambda: secret(namespace))
    core.delete_namespaced_secret("mistral-secret", namespace)
    assert stack.up(lambda: secret(namespace), refresh=True) == {"1 created", "1 unchanged"}
    assert live_key(core, namespace) == CANARY
    core.delete_namespaced_secret("mistral-secret", namespace)
    stack.destroy()
