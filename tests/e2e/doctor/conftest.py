import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml

from components.openai_compatible_llm.args import BackendApi
from tests.support.chat import Chat
from tests.support.chat_run import ChatRun
from tests.support.cluster import Cluster
from tests.support.provider_objects import AcceptedObjects, deployed
from tests.support.stand_in_gateway import Reply, StandInGateway


class StandInChat(Chat):
    """Asks a stand-in for a gateway, which replies as a test says."""

    def __init__(self, gateway: StandInGateway, kubeconfig: Path, capture: pytest.CaptureFixture[str]) -> None:
        super().__init__(gateway.url, kubeconfig, capture)
        self.gateway = gateway

    def where(self, reply: Reply, *arguments: str) -> ChatRun:
        """Runs the command while the gateway replies like this."""
        self.gateway.replies[self.path] = reply
        return self(*arguments)


Deploy = Callable[..., AcceptedObjects]
SetOutputs = Callable[[object], None]


@pytest.fixture
def chat(gateway: StandInGateway, kubeconfig: Path, capsys: pytest.CaptureFixture[str]) -> StandInChat:
    return StandInChat(gateway, kubeconfig, capsys)


@pytest.fixture
def set_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SetOutputs:
    """Sets the outputs of any stack, which a stand-in for the Pulumi CLI on the PATH prints."""

    def set_outputs(outputs: object) -> None:
        cli = tmp_path / "pulumi"
        cli.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(outputs)}\nEND\n")
        cli.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    return set_outputs


@pytest.fixture
def deploy(cluster: Cluster, chat: StandInChat) -> Iterator[Deploy]:
    """Makes a provider's objects with the component's arguments, and directs the command to them."""
    with ExitStack() as stack:

        def deploy(api: BackendApi, **arguments: Any) -> AcceptedObjects:
            objects = stack.enter_context(deployed(cluster, api, **arguments))
            chat.path = objects.path
            return objects

        yield deploy


@pytest.fixture(params=list(BackendApi))
def api(request: pytest.FixtureRequest) -> BackendApi:
    value: BackendApi = request.param
    return value


@pytest.fixture
def objects(api: BackendApi, deploy: Deploy) -> AcceptedObjects:
    return deploy(api)


@pytest.fixture
def kubeconfig_without_secrets(cluster: Cluster, objects: AcceptedObjects, tmp_path: Path) -> Path:
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
