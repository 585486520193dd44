from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml

from components.openai_compatible_llm.args import BackendApi
from tests.chat_run import ChatRun, run_chat
from tests.e2e.cluster import Cluster
from tests.e2e.doctor.objects import API_KEY, ProviderObjects, deployed
from tests.stand_in_gateway import MODEL, Reply, StandInGateway


class Chat:
    """Runs the command with the path of a route, by which it finds the route in the cluster."""

    def __init__(self, gateway: StandInGateway, kubeconfig: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.gateway, self.kubeconfig = gateway, kubeconfig
        self._capture = capture
        self.path = "/of-no-route"

    def __call__(self, *arguments: str) -> ChatRun:
        where = ["--gateway-url", self.gateway.url, "--path", self.path, "--model", MODEL]
        run = run_chat(self.path, [*where, "--kubeconfig", str(self.kubeconfig), *arguments], self._capture)
        assert API_KEY not in run.stdout + run.stderr
        return run

    def where(self, reply: Reply, *arguments: str) -> ChatRun:
        """Runs the command while the gateway replies like this."""
        self.gateway.replies[self.path] = reply
        return self(*arguments)


Deploy = Callable[..., ProviderObjects]


@pytest.fixture
def chat(gateway: StandInGateway, kubeconfig: Path, capsys: pytest.CaptureFixture[str]) -> Chat:
    return Chat(gateway, kubeconfig, capsys)


@pytest.fixture
def deploy(cluster: Cluster, chat: Chat) -> Iterator[Deploy]:
    """Makes a provider's objects with the component's arguments, and directs the command to them."""
    with ExitStack() as stack:

        def deploy(api: BackendApi, **arguments: Any) -> ProviderObjects:
            objects = stack.enter_context(deployed(cluster, api, **arguments))
            chat.path = objects.path
            return objects

        yield deploy


@pytest.fixture(params=list(BackendApi))
def api(request: pytest.FixtureRequest) -> BackendApi:
    value: BackendApi = request.param
    return value


@pytest.fixture
def objects(api: BackendApi, deploy: Deploy) -> ProviderObjects:
    return deploy(api)


@pytest.fixture
def kubeconfig_without_secrets(cluster: Cluster, objects: ProviderObjects, tmp_path: Path) -> Path:
    """The kubeconfig of a service account that may read everything except Secrets."""
    api = cluster.core.api_client
    namespace = objects.namespace
    account = kubernetes.client.V1ServiceAccount(metadata=kubernetes.client.V1ObjectMeta(name="reader"))
    cluster.core.create_namespaced_service_account(namespace, account)
    access = kubernetes.client.RbacAuthorizationV1Api(api)
    name = f"{namespace}-reader"
    groups = ["gateway.networking.k8s.io", "gateway.kgateway.dev", "agentgateway.dev"]
    rules = [kubernetes.client.V1PolicyRule(api_groups=groups, resources=["*"], verbs=["get", "list"])]
    metadata = kubernetes.client.V1ObjectMeta(name=name)
    access.create_cluster_role(kubernetes.client.V1ClusterRole(metadata=metadata, rules=rules))
    subject = kubernetes.client.RbacV1Subject(kind="ServiceAccount", name="reader", namespace=namespace)
    role = kubernetes.client.V1RoleRef(api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=name)
    access.create_cluster_role_binding(
        kubernetes.client.V1ClusterRoleBinding(metadata=metadata, role_ref=role, subjects=[subject])
    )
    request = kubernetes.client.AuthenticationV1TokenRequest(
        spec=kubernetes.client.V1TokenRequestSpec(audiences=None, expiration_seconds=600)
    )
    token: Any = cluster.core.create_namespaced_service_account_token("reader", namespace, request)
    kubeconfig = yaml.safe_load(cluster.kubeconfig.read_text())
    for user in kubeconfig["users"]:
        user["user"] = {"token": token.status.token}
    file = tmp_path / "reader"
    file.write_text(yaml.safe_dump(kubeconfig))
    return file
