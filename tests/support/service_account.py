"""A ServiceAccount that is bound to the Roles of the files in docs/."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import AuthorizationV1Api, RbacAuthorizationV1Api

from tests.support.cluster import CUSTOM, Cluster
from tests.support.repository import REPOSITORY

FILE, GATEWAY_FILE = REPOSITORY / "docs/role.yaml", REPOSITORY / "docs/gateway-role.yaml"
CLIENTS_FILE = REPOSITORY / "docs/gateway-clients-role.yaml"
NAME = "openai-compatible-llm"
RESOURCES = {"secrets": "", **{plural: group for group, _, plural in CUSTOM.values()}}
ROUTING = {each: RESOURCES[each] for each in ("agentgatewaypolicies", "httproutes")}
"""What a shared URL needs in the Gateway's namespace."""
ROUTING_CLIENTS = {"secrets": "", "configmaps": "", "agentgatewaybackends": "agentgateway.dev"}
"""What it needs there besides if it has clients."""
VERBS = ("get", "create", "patch", "delete")


@dataclass
class Account:
    """A ServiceAccount of this namespace."""

    cluster: Cluster
    namespace: str

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{self.namespace}:{NAME}"

    @property
    def _rbac(self) -> RbacAuthorizationV1Api:
        return RbacAuthorizationV1Api(self.cluster.core.api_client)

    def create(self) -> None:
        """Applies docs/role.yaml."""
        self._apply(manifests(self.namespace))
        self._wait("get", allowed=True)

    def may_deploy_to_gateways_in(self, namespace: str) -> None:
        """Applies docs/gateway-role.yaml."""
        self._apply(gateway_manifests(self.namespace, namespace))
        self._wait("get", ROUTING, namespace=namespace, allowed=True)

    def may_deploy_clients_in(self, namespace: str) -> None:
        """Applies docs/gateway-clients-role.yaml."""
        self._apply(gateway_manifests(self.namespace, namespace, CLIENTS_FILE))
        self._wait("get", ROUTING_CLIENTS, namespace=namespace, allowed=True)

    def _apply(self, objects: Iterable[dict[str, Any]]) -> None:
        create: dict[str, Any] = {
            "ServiceAccount": self.cluster.core.create_namespaced_service_account,
            "Role": self._rbac.create_namespaced_role,
            "RoleBinding": self._rbac.create_namespaced_role_binding,
        }
        for each in objects:
            create[each["kind"]](each["metadata"]["namespace"], each)

    def write_kubeconfig(self, file: Path) -> None:
        """That of the cluster's administrator, with a token of the account in place of the certificate."""
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
        """All that the Role has but one."""
        role: Any = next(each for each in manifests(self.namespace) if each["kind"] == "Role")
        for rule in role["rules"]:
            rule["verbs"] = [verb for verb in rule["verbs"] if verb != without]
        self._rbac.replace_namespaced_role(NAME, self.namespace, role)
        for verb in VERBS:
            self._wait(verb, allowed=verb != without)

    def _wait(
        self, verb: str, resources: Mapping[str, str] = RESOURCES, namespace: str | None = None, *, allowed: bool
    ) -> None:
        """The API server hears of its own Roles a moment later."""
        deadline = time.monotonic() + 30
        for resource, group in resources.items():
            while self.may(verb, resource, group, namespace) != allowed:
                assert time.monotonic() < deadline, f"{verb} {resource} didn't become {allowed}"
                time.sleep(0.05)


def manifests(namespace: str) -> list[dict[str, Any]]:
    """The file's, for another namespace as the file says."""
    return list(yaml.safe_load_all(FILE.read_text().replace("namespace: gloo-system", f"namespace: {namespace}")))


def gateway_manifests(namespace: str, gateway_namespace: str, file: Path = GATEWAY_FILE) -> list[dict[str, Any]]:
    """Another file's, for the account of this namespace, and Gateways in that one."""
    text = file.read_text().replace("namespace: gloo-system", f"namespace: {namespace}")
    text = text.replace("namespace: agentgateway-system", f"namespace: {gateway_namespace}")
    return list(yaml.safe_load_all(text))
