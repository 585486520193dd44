"""What the Kubernetes provider does with objects that others made, changed or deleted."""

import pulumi
import pytest
from kubernetes.client import CoreV1Api, CustomObjectsApi

from tests.e2e import inline_stack
from tests.e2e.inline_stack import (
    CANARY,
    Stack,
    backend,
    live_backend,
    live_key,
    model_of,
    of,
    secret,
    set_by_hand,
)

pytestmark = [*inline_stack.pytestmark, pytest.mark.slow]


def test_an_object_that_exists_already_is_refused_unless_it_is_to_be_taken_over(
    stack: Stack, namespace: str, core: CoreV1Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {"metadata": {"name": "mistral-secret"}, "stringData": {"Authorization": "theirs"}}
    core.create_namespaced_secret(namespace, theirs, field_manager="somebody")  # type: ignore[arg-type]
    said = stack.fails(stack.up, of(lambda: secret(namespace)))
    assert "was not successfully created by the Kubernetes API server" in said
    assert "already exists" in said
    assert live_key(core, namespace) == "theirs"

    monkeypatch.setenv("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", "true")
    monkeypatch.setenv("PULUMI_K8S_ENABLE_PATCH_FORCE", "true")
    stack.up(of(lambda: secret(namespace)))
    assert live_key(core, namespace) == CANARY


def test_what_the_api_server_drops_is_a_change_at_every_up(stack: Stack, namespace: str) -> None:
    def program() -> None:
        backend(namespace, metadata={"name": "mistral", "namespace": namespace, "annotations": {}})

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
    assert "timed out waiting for the condition" in said
    assert "finalizers might be preventing deletion (example.com/held)" in said
    set_by_hand(custom, namespace, {"metadata": {"finalizers": None}}, "a-controller")
    stack.destroy()
    assert not stack.stack.export_stack().deployment.get("resources")  # type: ignore[union-attr]
