"""`docs/role.yaml` on an API server with RBAC: it is enough, and not enough with one verb less."""

import functools
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from kubernetes.client import AuthorizationV1Api, RbacAuthorizationV1Api
from pulumi_kubernetes.apiextensions import CustomResource

from components import OpenAICompatibleLLM
from tests.e2e import inline_stack
from tests.e2e.cluster import CUSTOM, Cluster
from tests.e2e.inline_stack import Stack
from tests.pages import CREATE_ROLE

pytestmark = inline_stack.pytestmark

FILE = inline_stack.REPOSITORY / "docs/role.yaml"
NAME = "openai-compatible-llm"
RESOURCES = {"secrets": "", **{plural: group for group, _, plural in CUSTOM.values()}}

USED_BY_THE_STAND_IN = {"get", "create", "patch", "delete"}
# The stand-in asks again and again where the official provider's informers list and watch: see docs/role.yaml.
USED_BY_THE_OFFICIAL_PROVIDER_ALONE = {"list", "watch"}


@dataclass
class Account:
    """A ServiceAccount that is bound to the Role alone."""

    cluster: Cluster
    namespace: str

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{self.namespace}:{NAME}"

    @property
    def _rbac(self) -> RbacAuthorizationV1Api:
        return RbacAuthorizationV1Api(self.cluster.core.api_client)

    def create(self, manifests: list[dict[str, Any]]) -> None:
        make: dict[str, Any] = {
            "ServiceAccount": self.cluster.core.create_namespaced_service_account,
            "Role": self._rbac.create_namespaced_role,
            "RoleBinding": self._rbac.create_namespaced_role_binding,
        }
        for manifest in manifests:
            make[manifest["kind"]](self.namespace, manifest)
        self._wait("get", allowed=True)

    def write_kubeconfig(self, file: Path) -> None:
        """Writes the administrator's kubeconfig with the account's token in place of the certificate."""
        content = yaml.safe_load(self.cluster.kubeconfig.read_text())
        request: Any = {"spec": {"audiences": []}}
        answer: Any = self.cluster.core.create_namespaced_service_account_token(NAME, self.namespace, request)
        content["users"][0]["user"] = {"token": answer.status.token}
        file.write_text(yaml.safe_dump(content))

    def may(self, verb: str, resource: str, group: str = "", namespace: str | None = None) -> bool:
        attributes = {"verb": verb, "resource": resource, "group": group, "namespace": namespace or self.namespace}
        groups = ["system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{self.namespace}"]
        review: Any = {"spec": {"user": self.user, "groups": groups, "resourceAttributes": attributes}}
        answer: Any = AuthorizationV1Api(self.cluster.core.api_client).create_subject_access_review(review)
        return bool(answer.status.allowed)

    def set_verbs(self, *, without: str = "") -> None:
        """Replaces the Role with one that has all verbs except this one."""
        role: Any = next(each for each in manifests(self.namespace) if each["kind"] == "Role")
        for rule in role["rules"]:
            rule["verbs"] = [verb for verb in rule["verbs"] if verb != without]
        self._rbac.replace_namespaced_role(NAME, self.namespace, role)
        for verb in USED_BY_THE_STAND_IN:
            self._wait(verb, allowed=verb != without)

    def _wait(self, verb: str, *, allowed: bool) -> None:
        """Waits until the API server has noticed the changed Role."""
        deadline = time.monotonic() + 30
        for resource, group in RESOURCES.items():
            while self.may(verb, resource, group) != allowed:
                assert time.monotonic() < deadline, f"{verb} {resource} didn't become {allowed}"
                time.sleep(0.05)


def manifests(namespace: str) -> list[dict[str, Any]]:
    """Returns the file's objects for another namespace, changed as the file says."""
    return list(yaml.safe_load_all(FILE.read_text().replace("namespace: gloo-system", f"namespace: {namespace}")))


@pytest.fixture
def account(cluster: Cluster, namespace: str, stack: Stack, tmp_path: Path) -> Account:
    """The account with which the stack's programs run."""
    account = Account(cluster, namespace)
    account.create(manifests(namespace))
    account.write_kubeconfig(tmp_path / "kubeconfig")
    stack.variables["KUBECONFIG"] = str(tmp_path / "kubeconfig")
    return account


def test_up_refresh_and_destroy_need_no_more_than_the_role(stack: Stack, account: Account, cluster: Cluster) -> None:
    def program(model: str) -> inline_stack.Program:
        def make() -> None:
            for name, api in (("mistral", "kgateway"), ("deepseek", "agentgateway")):
                args = {"preset": name, "api": api, "api_key": "sk-test", "model": model}
                OpenAICompatibleLLM(name, cast("Any", {**args, "namespace": account.namespace}))

        return make

    assert stack.up(program("first")) == {"11 created"}
    made = {kind for name in ("mistral", "deepseek") for kind in cluster.objects(name, account.namespace)}
    assert made == {"Secret", *CUSTOM}
    assert stack.up(program("second"), refresh=True) == {"2 updated", "9 unchanged"}
    stack.destroy()
    assert cluster.objects("mistral", account.namespace) == {}


def test_the_role_grants_proven_verbs_on_its_kinds_in_its_namespace_only(account: Account) -> None:
    role = next(each for each in manifests(account.namespace) if each["kind"] == "Role")
    granted = {resource: set(rule["verbs"]) for rule in role["rules"] for resource in rule["resources"]}
    assert granted == dict.fromkeys(RESOURCES, USED_BY_THE_STAND_IN | USED_BY_THE_OFFICIAL_PROVIDER_ALONE)

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
        shown = kubectl(["bash", "-euo", "pipefail", "-c", CREATE_ROLE], capture_output=True, text=True).stdout
    finally:
        kubectl(["kubectl", "delete", "--ignore-not-found", "--filename", "docs/role.yaml"], stdout=subprocess.DEVNULL)
    verbs = r"\[get list watch create patch delete\]"
    assert len(re.findall(rf"^(?:secrets|[a-z]+\.[a-z0-9.]+) .*{verbs}$", shown, re.MULTILINE)) == len(RESOURCES), shown


def one_of_each(namespace: str) -> None:
    """Creates an object of each kind, independent of each other, so that one run tries them all."""
    inline_stack.secret(namespace)
    inline_stack.backend(namespace)
    inline_stack.route(namespace)
    target = {"group": "gateway.kgateway.dev", "kind": "Backend", "name": "mistral"}
    validation = {"hostname": "api.example.com", "wellKnownCACertificates": "System"}
    policy = {"targetRefs": [target], "validation": validation}
    provider = {"openai": {}, "host": "api.example.com", "port": 443}
    for api_version, kind, name, spec in (
        ("agentgateway.dev/v1alpha1", "AgentgatewayBackend", "mistral", {"ai": {"provider": provider}}),
        ("gateway.networking.k8s.io/v1", "BackendTLSPolicy", "mistral-tls", policy),
    ):
        CustomResource(kind, api_version, kind, metadata={"name": name, "namespace": namespace}, spec=spec)


def assert_forbids(said: str, verb: str, account: Account) -> None:
    for resource, group in RESOURCES.items():
        denied = f'User "{account.user}" cannot {verb} resource "{resource}" in API group "{group}"'
        assert f'{denied} in the namespace "{account.namespace}"' in said, said


@pytest.mark.slow
@pytest.mark.parametrize("verb", sorted(USED_BY_THE_STAND_IN - {"delete"}))
def test_up_without_one_of_the_verbs_fails_for_every_kind(stack: Stack, account: Account, verb: str) -> None:
    account.set_verbs(without=verb)
    program = inline_stack.of(lambda: one_of_each(account.namespace))
    assert_forbids(stack.fails(stack.up, program, continue_on_error=True), verb, account)


@pytest.mark.slow
def test_destroy_without_delete_fails_for_every_kind(stack: Stack, account: Account, cluster: Cluster) -> None:
    stack.up(inline_stack.of(lambda: one_of_each(account.namespace)))
    account.set_verbs(without="delete")
    destroy = functools.partial(stack.stack.destroy, on_output=stack.printed.append, color="never")
    said = stack.fails(destroy, continue_on_error=True)
    assert_forbids(said, "delete", account)
    assert len(cluster.objects("mistral", account.namespace)) == 5

    account.set_verbs()
    stack.destroy()
