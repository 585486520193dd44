"""What the Kubernetes provider says when something can't be done."""

from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
import yaml
from pulumi import automation

from tests.e2e import inline_stack
from tests.e2e.inline_stack import CANARY, Stack, of, route, secret

pytestmark = [*inline_stack.pytestmark, pytest.mark.slow]


def test_what_the_api_server_refuses_is_an_error(stack: Stack, namespace: str, kubernetes_provider: str) -> None:
    # The stand-in previews without the API server.
    actions = [stack.preview, stack.up] if kubernetes_provider == "official" else [stack.up]
    wrong = of(lambda: route(namespace, match="Nonsense"))
    for action in actions:
        said = stack.fails(action, wrong)
        assert 'spec.rules[0].matches[0].path.type: Unsupported value: "Nonsense"' in said
    assert "was not successfully created by the Kubernetes API server" in said

    stack.up(of(lambda: route(namespace)))
    for action in actions:
        assert 'Unsupported value: "Nonsense"' in stack.fails(action, wrong)
    stack.up(of(lambda: route(namespace)))
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
    assert "connection refused" in said.lower()


def test_without_a_kubeconfig_nothing_is_done(stack: Stack, namespace: str) -> None:
    stack.variables["KUBECONFIG"] = ""
    assert "kubeconfig" in stack.fails(stack.up, of(lambda: secret(namespace)))
