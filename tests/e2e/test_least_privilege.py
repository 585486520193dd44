"""`docs/role.yaml` on an API server with RBAC: it is enough, and not enough with one verb less."""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
from pulumi_kubernetes.apiextensions import CustomResource

from components import OpenAICompatibleLLM
from tests.e2e import inline_stack
from tests.e2e.inline_stack import Stack
from tests.support.cluster import CUSTOM, Cluster
from tests.support.pages import block
from tests.support.service_account import FILE, RESOURCES, VERBS, Account, manifests

pytestmark = inline_stack.pytestmark

# For the informers by which the Kubernetes provider waits: see docs/role.yaml.
USED_FOR_WAITING = {"list", "watch"}


@pytest.fixture
def account(cluster: Cluster, namespace: str, stack: Stack, tmp_path: Path) -> Account:
    """The account with which the stack's programs run."""
    account = Account(cluster, namespace)
    account.create()
    account.write_kubeconfig(tmp_path / "kubeconfig")
    stack.variables["KUBECONFIG"] = str(tmp_path / "kubeconfig")
    return account


def test_up_refresh_and_destroy_need_no_more_than_the_role(stack: Stack, account: Account, cluster: Cluster) -> None:
    def program(model: str) -> inline_stack.Program:
        def make() -> None:
            for name, api in (("mistral", "kgateway"), ("deepseek", "agentgateway")):
                limits = [{"requests": 100, "per": "minute"}]
                args = {"preset": name, "api": api, "api_key": "sk-test", "model": model, "rate_limits": limits}
                OpenAICompatibleLLM(name, cast("Any", {**args, "namespace": account.namespace}))

        return make

    assert stack.up(program("first")) == {"12 created"}
    made = {kind for name in ("mistral", "deepseek") for kind in cluster.objects(name, account.namespace)}
    assert made == {"Secret", *CUSTOM}
    assert stack.up(program("second"), refresh=True) == {"2 updated", "10 unchanged"}
    stack.destroy()
    assert cluster.objects("mistral", account.namespace) == {}


def test_the_role_grants_proven_verbs_on_its_kinds_in_its_namespace_only(account: Account) -> None:
    role = next(each for each in manifests(account.namespace) if each["kind"] == "Role")
    granted = {resource: set(rule["verbs"]) for rule in role["rules"] for resource in rule["resources"]}
    assert granted == dict.fromkeys(RESOURCES, set(VERBS) | USED_FOR_WAITING)

    assert account.may("get", "secrets")
    assert not account.may("get", "secrets", namespace="default")
    assert not account.may("get", "configmaps")
    assert not account.may("deletecollection", "secrets")
    assert not account.may("create", "roles", "rbac.authorization.k8s.io")


@pytest.mark.skipif(not shutil.which("kubectl"), reason="the page's commands need kubectl")
def test_the_page_makes_the_account_and_shows_what_it_may(cluster: Cluster) -> None:
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    kubectl = functools.partial(subprocess.run, cwd=FILE.parents[1], env=environment, check=True)
    try:
        commands = block("docs/access-control.md", "docs/role.yaml")
        shown = kubectl(["bash", "-euo", "pipefail", "-c", commands], capture_output=True, text=True).stdout
    finally:
        kubectl(["kubectl", "delete", "--ignore-not-found", "--filename", "docs/role.yaml"], stdout=subprocess.DEVNULL)
    verbs = r"\[get list watch create patch delete\]"
    assert len(re.findall(rf"^(?:secrets|[a-z]+\.[a-z0-9.]+) .*{verbs}$", shown, re.MULTILINE)) == len(RESOURCES), shown


def one_of_each(namespace: str, label: str = "first") -> None:
    """Creates an object of each kind, independent of each other, so that one run tries them all."""

    def metadata(name: str) -> dict[str, Any]:
        return {"name": name, "namespace": namespace, "labels": {"change": label}}

    inline_stack.secret(namespace, metadata=metadata("mistral-secret"))
    inline_stack.backend(namespace, metadata=metadata("mistral"))
    inline_stack.route(namespace, metadata=metadata("mistral"))
    target = {"group": "gateway.kgateway.dev", "kind": "Backend", "name": "mistral"}
    validation = {"hostname": "api.example.com", "wellKnownCACertificates": "System"}
    policy = {"targetRefs": [target], "validation": validation}
    provider = {"openai": {}, "host": "api.example.com", "port": 443}
    of_route = {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "mistral"}]}
    limit = {"local": [{"requests": 1, "unit": "Minutes"}]}
    for api_version, kind, name, spec in (
        ("agentgateway.dev/v1alpha1", "AgentgatewayBackend", "mistral", {"ai": {"provider": provider}}),
        ("gateway.networking.k8s.io/v1", "BackendTLSPolicy", "mistral-tls", policy),
        ("agentgateway.dev/v1alpha1", "AgentgatewayPolicy", "mistral", {**of_route, "traffic": {"rateLimit": limit}}),
        ("gateway.kgateway.dev/v1alpha1", "TrafficPolicy", "mistral", of_route),
    ):
        CustomResource(kind, api_version, kind, metadata=metadata(name), spec=spec)


def assert_forbids(said: str, verb: str, account: Account) -> None:
    for resource, group in RESOURCES.items():
        denied = f'User "{account.user}" cannot {verb} resource "{resource}" in API group "{group}"'
        assert f'{denied} in the namespace "{account.namespace}"' in said, said


@pytest.mark.slow
def test_up_without_create_fails_for_every_kind(stack: Stack, account: Account) -> None:
    account.set_verbs(without="create")
    program = functools.partial(one_of_each, account.namespace)
    assert_forbids(stack.fails(stack.up, program, continue_on_error=True), "create", account)


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "options"), [("get", {"refresh": True}), ("patch", {})])
def test_a_second_up_without_the_verb_that_it_needs_fails_for_every_kind(
    stack: Stack, account: Account, verb: str, options: dict[str, Any]
) -> None:
    stack.up(lambda: one_of_each(account.namespace))
    account.set_verbs(without=verb)
    changed = functools.partial(one_of_each, account.namespace, label="second")
    assert_forbids(stack.fails(stack.up, changed, continue_on_error=True, **options), verb, account)


@pytest.mark.slow
def test_destroy_without_delete_fails_for_every_kind(stack: Stack, account: Account, cluster: Cluster) -> None:
    stack.up(lambda: one_of_each(account.namespace))
    account.set_verbs(without="delete")
    destroy = functools.partial(stack.stack.destroy, on_output=stack.printed.append, color="never")
    said = stack.fails(destroy, continue_on_error=True)
    assert_forbids(said, "delete", account)
    assert len(cluster.objects("mistral", account.namespace)) == len(RESOURCES)

    account.set_verbs()
    stack.destroy()
