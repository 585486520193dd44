"""`docs/role.yaml` on an API server with RBAC: it is enough, and not enough with one verb less."""

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pulumi import automation
from pulumi_kubernetes.apiextensions import CustomResource

from components import OpenAICompatibleGateway, OpenAICompatibleLLM
from tests.e2e import inline_stack
from tests.e2e.inline_stack import Stack
from tests.support.cluster import CUSTOM, Cluster
from tests.support.pages import block
from tests.support.repository import REPOSITORY
from tests.support.service_account import (
    CLIENTS_FILE,
    FILE,
    GATEWAY_FILE,
    RESOURCES,
    ROUTING,
    ROUTING_CLIENTS,
    VERBS,
    Account,
    gateway_manifests,
    manifests,
)

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


@pytest.fixture
def gateways(cluster: Cluster, account: Account) -> Iterator[str]:
    """The namespace of a Gateway, in which the account has no rights yet."""
    with cluster.new_namespace(f"{account.namespace}-gateways") as name:
        yield name


def test_the_gateways_role_grants_routes_and_policies_in_the_gateways_namespace_only(
    account: Account, gateways: str
) -> None:
    assert not account.may("create", "httproutes", RESOURCES["httproutes"], gateways)
    account.may_deploy_to_gateways_in(gateways)
    (role,) = (each for each in gateway_manifests(account.namespace, gateways) if each["kind"] == "Role")
    granted = {resource: set(rule["verbs"]) for rule in role["rules"] for resource in rule["resources"]}
    assert granted == dict.fromkeys(ROUTING, set(VERBS) | USED_FOR_WAITING)
    may = {resource for resource, group in RESOURCES.items() if account.may("get", resource, group, gateways)}
    assert may == set(ROUTING)
    assert not account.may("get", "gateways", RESOURCES["httproutes"], gateways)


def test_a_shared_url_needs_the_gateways_role_besides(
    stack: Stack, account: Account, cluster: Cluster, gateways: str
) -> None:
    def program(*models: str, size: int = 4_000_000) -> inline_stack.Program:
        shared: Any = {"gateway": {"name": "edge", "namespace": gateways}}
        own: Any = {**shared, "api": "agentgateway", "preset": "mistral", "api_key": "sk-test"}

        def make() -> None:
            joined = {"namespace": account.namespace, "shared_route_path": "/llm", "models": models}
            mistral = OpenAICompatibleLLM("mistral", cast("Any", {**own, **joined}))
            of_gateway = {"route_path": "/llm", "models": {"mistral": mistral.models}, "max_request_bytes": size}
            OpenAICompatibleGateway("llm", cast("Any", {**shared, **of_gateway}))

        return make

    said = stack.fails(stack.up, program("mistral-small-latest"), continue_on_error=True)
    denied = f'User "{account.user}" cannot patch resource "agentgatewaypolicies" in API group "agentgateway.dev"'
    assert f'{denied} in the namespace "{gateways}"' in said
    assert cluster.everything_in(gateways) == {}

    account.may_deploy_to_gateways_in(gateways)
    assert stack.up(program("mistral-small-latest")) == {"5 created", "7 unchanged"}
    assert stack.up(program("codestral-latest", size=8_000_000), refresh=True) == {"3 updated", "9 unchanged"}
    stack.destroy()
    assert cluster.everything_in(account.namespace) == cluster.everything_in(gateways) == {}


CLIENTS = {"web": {"api_key": "canary-client-web-51d0c7e29b", "models": ["mistral-*"]}}
BY_SERVICE: dict[str, Any] = {"clients": CLIENTS, "rate_limit_service": {"host": "limits.svc"}}


def test_the_clients_role_grants_what_clients_need_in_the_gateways_namespace_only(
    account: Account, gateways: str
) -> None:
    account.may_deploy_clients_in(gateways)
    (role,) = (each for each in gateway_manifests("", gateways, CLIENTS_FILE) if each["kind"] == "Role")
    granted = {resource: set(rule["verbs"]) for rule in role["rules"] for resource in rule["resources"]}
    assert granted == dict.fromkeys(ROUTING_CLIENTS, set(VERBS) | USED_FOR_WAITING)
    kinds = {**RESOURCES, **ROUTING_CLIENTS}
    may = {resource for resource, group in kinds.items() if account.may("get", resource, group, gateways)}
    assert may == set(ROUTING_CLIENTS)
    assert not account.may("get", "configmaps")


def test_a_provider_with_clients_and_their_service_needs_no_more_than_the_role(
    stack: Stack, account: Account, cluster: Cluster
) -> None:
    def program(*more: str) -> inline_stack.Program:
        limited = [{"tokens": 200000, "per": each} for each in ("day", *more)]
        clients = {"web": {**CLIENTS["web"], "rate_limits": limited}}
        own = {"api": "agentgateway", "preset": "mistral", "api_key": "sk-test", "namespace": account.namespace}

        def make() -> None:
            OpenAICompatibleLLM("mistral", cast("Any", {**own, **BY_SERVICE, "clients": clients}))

        return make

    assert stack.up(program()) == {"8 created"}
    made = cluster.everything_in(account.namespace)
    assert {("Secret", "mistral-clients"), ("AgentgatewayBackend", "mistral-rate-limits")} < made.keys()
    # The limits are the service's own matter.
    assert stack.up(program("hour"), refresh=True) == {"8 unchanged"}
    stack.destroy()
    assert cluster.everything_in(account.namespace) == {}


def test_a_shared_url_with_clients_needs_their_role_besides(
    stack: Stack, account: Account, cluster: Cluster, gateways: str
) -> None:
    def program(tokens: int) -> inline_stack.Program:
        clients = {"web": {**CLIENTS["web"], "rate_limits": [{"tokens": tokens, "per": "day"}]}}
        of_gateway: Any = {"gateway": {"name": "edge", "namespace": gateways}, "route_path": "/llm"}
        args = cast("Any", {**of_gateway, **BY_SERVICE, "clients": clients})
        return lambda: OpenAICompatibleGateway("llm", args)

    account.may_deploy_to_gateways_in(gateways)
    said = stack.fails(stack.up, program(9), continue_on_error=True)
    for resource, group in ROUTING_CLIENTS.items():
        denied = f'User "{account.user}" cannot patch resource "{resource}" in API group "{group}"'
        assert f'{denied} in the namespace "{gateways}"' in said, said

    account.may_deploy_clients_in(gateways)
    stack.stack.set_config("kubernetes:enableConfigMapMutable", automation.ConfigValue("true"))
    stack.up(program(9))
    made = cluster.everything_in(gateways)
    assert {("Secret", "llm-clients"), ("AgentgatewayBackend", "llm-rate-limits")} < made.keys()
    assert '"requests_per_unit": 9' in limits(cluster, gateways)
    assert "1 updated" in stack.up(program(12), refresh=True)
    assert '"requests_per_unit": 12' in limits(cluster, gateways)
    stack.destroy()
    assert cluster.everything_in(gateways) == {}


def limits(cluster: Cluster, namespace: str) -> str:
    config_map: Any = cluster.core.read_namespaced_config_map("llm-rate-limits", namespace)
    return str(config_map.data["limits.yaml"])


needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="the page's commands need kubectl")


@pytest.fixture
def llm(cluster: Cluster) -> Iterator[None]:
    """The namespace of the providers in production. Other tests have one of this name, too."""
    with cluster.new_namespace("llm"):
        yield
    cluster.wait_for_deletion("llm")


@needs_kubectl
def test_the_page_makes_the_account_and_shows_what_it_may(cluster: Cluster) -> None:
    shown = run_on(cluster, block("docs/access-control.md", "--filename docs/role.yaml"), FILE)
    assert granted_in(shown) == set(RESOURCES)


@needs_kubectl
@pytest.mark.usefixtures("llm")
def test_the_page_makes_the_account_in_another_namespace_without_a_change_of_the_file(cluster: Cluster) -> None:
    shown = run_on(cluster, block("docs/access-control.md", "sed 's/gloo-system/llm/g' docs/role.yaml"))
    assert granted_in(shown) == set(RESOURCES)
    account = Account(cluster, "llm")
    assert not account.may("get", "secrets", namespace="gloo-system")


@needs_kubectl
def test_the_page_binds_the_account_in_the_gateways_namespace_and_shows_what_it_may(cluster: Cluster) -> None:
    commands = block("docs/access-control.md", "--filename docs/gateway-role.yaml")
    for_clients = block("docs/access-control.md", "--filename docs/gateway-clients-role.yaml")
    with cluster.new_namespace("agentgateway-system"):
        assert granted_in(run_on(cluster, commands, GATEWAY_FILE)) == set(ROUTING)
        commands = commands.replace("kubectl auth", f"{for_clients}\nkubectl auth")
        assert granted_in(run_on(cluster, commands, GATEWAY_FILE, CLIENTS_FILE)) == {*ROUTING, *ROUTING_CLIENTS}


@needs_kubectl
@pytest.mark.usefixtures("llm")
@pytest.mark.parametrize(
    ("file", "granted"),
    [("docs/gateway-role.yaml", ROUTING), ("docs/gateway-clients-role.yaml", ROUTING_CLIENTS)],
)
def test_the_page_binds_the_account_of_production_at_its_gateway(
    cluster: Cluster, file: str, granted: Mapping[str, str]
) -> None:
    commands = block("docs/access-control.md", "s/agentgateway-system/gloo-system/g")
    assert "docs/gateway-role.yaml" in commands
    try:
        assert granted_in(run_on(cluster, commands.replace("docs/gateway-role.yaml", file))) == set(granted)
    finally:
        delete(cluster, yaml.safe_dump_all(gateway_manifests("llm", "gloo-system", REPOSITORY / file)))


def run_on(cluster: Cluster, commands: str, *files: Path) -> str:
    """Returns what the page's commands print, and deletes the files' objects."""
    try:
        return kubectl(cluster, "bash", "-euo", "pipefail", "-c", commands)
    finally:
        for file in files:
            delete(cluster, file.read_text())


def delete(cluster: Cluster, manifests: str) -> None:
    kubectl(cluster, "kubectl", "delete", "--ignore-not-found", "--filename", "-", sent=manifests)


def kubectl(cluster: Cluster, *command: str, sent: str | None = None) -> str:
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    done = subprocess.run(
        command, input=sent, cwd=REPOSITORY, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def granted_in(shown: str) -> set[str]:
    """Returns the resources of which everything is granted that the Role grants."""
    verbs = r"\[get list watch create patch delete\]"
    found = re.findall(rf"^([a-z]+)(?:\.[a-z0-9.]+)? .*{verbs}$", shown, re.MULTILINE)
    assert len(found) == len(set(found)), shown
    return set(found)


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
