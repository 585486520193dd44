"""What `make chat` finds on the API server at a URL that several providers share."""

import copy
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import AGENTGATEWAY, model_routing
from components.openai_compatible_llm.doctor.hops import Hop
from components.openai_compatible_llm.inputs import parse_gateway
from tests.e2e.doctor.conftest import Deploy, SetOutputs, StandInChat
from tests.support.broken_hops import MISSING_SECRET, NO_ROUTE, REFUSED_KEY, without_secret
from tests.support.chat_run import ChatRun, run_chat
from tests.support.cluster import AGENTGATEWAY_POLICY, ROUTE, Cluster
from tests.support.provider_objects import ROUTE as ROUTE_KIND
from tests.support.provider_objects import AcceptedObjects, condition
from tests.support.service_account import Account
from tests.support.stand_in_gateway import MODEL, completion, gateways_own, not_served

AskStack = Callable[..., ChatRun]


class SharedUrl:
    """The objects of an OpenAICompatibleGateway, beside those of a provider that has joined."""

    def __init__(self, objects: AcceptedObjects, path: str) -> None:
        self.cluster, self.namespace, self.path = objects.cluster, objects.namespace, path
        self._arguments: dict[str, Any] = {"gateway": {"namespace": self.namespace}, "route_path": path}
        settings: Any = parse_gateway("llm", self._arguments).settings
        self._reading = model_routing.policy_spec(settings)
        self.create_policy("llm", self._reading)
        self.create_policy("llm-models", model_routing.models_policy_spec(settings))
        self.create_policy("llm-unknown", model_routing.unknown_policy_spec(settings))
        self._create("gateway.networking.k8s.io/v1", ROUTE_KIND, "llm", model_routing.route_spec(settings))
        status = [{"op": "add", "path": "/status", "value": objects.route_status(condition("Accepted"))}]
        self.cluster.custom.patch_namespaced_custom_object_status(
            *ROUTE[:2], self.namespace, ROUTE[2], "llm", status, _content_type="application/json-patch+json"
        )

    def create_policy(self, name: str, spec: Any) -> None:
        self._create(AGENTGATEWAY.api_version, "AgentgatewayPolicy", name, spec)

    def create_rival(self) -> None:
        spec = copy.deepcopy(self._reading)
        spec["traffic"]["transformation"]["request"]["set"][0]["value"] = '"fast"'
        self.create_policy("rival", spec)

    def delete_policy(self, name: str) -> None:
        group, version, plural = AGENTGATEWAY_POLICY
        self.cluster.custom.delete_namespaced_custom_object(group, version, self.namespace, plural, name)

    def _create(self, version: str, kind: str, name: str, spec: Any) -> None:
        metadata = {"name": name, "namespace": self.namespace}
        self.cluster.create({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


@pytest.fixture
def path() -> str:
    """The path of a shared URL that no other test uses."""
    return f"/llm-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def objects(deploy: Deploy, path: str) -> AcceptedObjects:
    return deploy(BackendApi.AGENTGATEWAY, shared_route_path=path, models=["mistral-*"])


@pytest.fixture
def shared(objects: AcceptedObjects, chat: StandInChat, path: str) -> SharedUrl:
    """The shared URL, to which the command is directed by its path."""
    chat.path = path
    return SharedUrl(objects, path)


@pytest.fixture
def ask_stack(chat: StandInChat, path: str, set_outputs: SetOutputs, capsys: pytest.CaptureFixture[str]) -> AskStack:
    """Asks for the model at the shared URL of a stack with these outputs."""

    def ask(namespace: str, model: str = MODEL, **providers: Any) -> ChatRun:
        models = {name: ["mistral-*"] for name in providers}
        shared = {"path": path, "namespace": namespace, "routeName": "llm", "models": models}
        set_outputs({"providers": providers, "shared": shared})
        where = ["--shared", "--stack", "prod", "--gateway-url", chat.gateway.url, "--model", model]
        return run_chat(f"{model} at {path}", [*where, "--kubeconfig", str(chat.kubeconfig)], capsys)

    return ask


def test_a_failure_behind_the_shared_rule_is_the_providers_own(
    shared: SharedUrl, objects: AcceptedObjects, chat: StandInChat
) -> None:
    assert shared.path != objects.path
    assert chat.where(completion).status == 0
    report = chat.where(REFUSED_KEY).broken_at(Hop.KEY)
    assert f"Secret {objects.namespace}/mistral-secret has a key" in report
    without_secret(objects)
    missing = MISSING_SECRET.format(namespace=objects.namespace)
    assert missing in chat.where(REFUSED_KEY).broken_at(Hop.SECRET)
    asked = chat.where(completion)
    assert (asked.status, f"a completion arrived, yet {missing}" in asked.stderr) == (Hop.SECRET.status, True)


def test_the_backend_is_that_of_the_rule_that_takes_the_model(
    shared: SharedUrl, objects: AcceptedObjects, chat: StandInChat
) -> None:
    def lead_elsewhere(spec: Any) -> None:
        rule = spec["rules"][2]
        rule["backendRefs"] = [{**rule["backendRefs"][0], "name": "elsewhere"}]

    objects.change(ROUTE_KIND, lead_elsewhere)
    report = chat.where(gateways_own(500, "backend does not exist")).broken_at(Hop.BACKEND)
    assert f"there is no AgentgatewayBackend {shared.namespace}/elsewhere, to which HTTPRoute" in report


def test_of_two_providers_of_one_model_the_requests_host_decides(
    shared: SharedUrl, objects: AcceptedObjects, deploy: Deploy, chat: StandInChat
) -> None:
    gateway = {"name": "agentgateway", "namespace": objects.namespace}
    models = {"shared_route_path": shared.path, "models": ["mistral-*"]}
    deploy(BackendApi.AGENTGATEWAY, gateway=gateway, hostnames=["llm.example.com"], **models)
    chat.path = shared.path
    assert f"Secret {objects.namespace}/mistral-secret has a key" in chat.where(REFUSED_KEY).broken_at(Hop.KEY)


def test_a_gateway_that_does_not_read_the_model_is_found(
    shared: SharedUrl, objects: AcceptedObjects, chat: StandInChat
) -> None:
    reply = not_served(MODEL, shared.path)
    taken = f"is not served at this URL, yet HTTPRoute {objects.namespace}/mistral takes it"
    assert f"{taken}\n" in chat.where(reply).broken_at(Hop.ROUTE)
    shared.create_rival()
    policies = (f"AgentgatewayPolicy {objects.namespace}/{name}" for name in ("llm", "rival"))
    assert f"{taken}; {' and '.join(policies)} transform" in chat.where(reply).broken_at(Hop.ROUTE)
    shared.delete_policy("rival")
    shared.delete_policy("llm")
    nothing = f"no AgentgatewayPolicy sets the header x-llm-model for Gateway {objects.namespace}/agentgateway"
    assert f"{taken}; {nothing}" in chat.where(reply).broken_at(Hop.ROUTE)


def test_a_model_that_no_route_takes_is_the_models_fault(
    shared: SharedUrl, objects: AcceptedObjects, chat: StandInChat, ask_stack: AskStack
) -> None:
    objects.delete(ROUTE_KIND)
    reply = not_served(MODEL, shared.path)
    none = f"there is no HTTPRoute with the model {MODEL} at {shared.path} in the cluster of context"
    assert none in chat.where(reply).broken_at(Hop.MODEL_OR_PATH)
    assert none in ask_stack(objects.namespace).broken_at(Hop.MODEL_OR_PATH)
    # By these outputs a provider has it.
    mistral = {"namespace": objects.namespace, "routeName": "mistral"}
    report = ask_stack(objects.namespace, mistral=mistral).broken_at(Hop.ROUTE)
    assert f"there is no HTTPRoute {objects.namespace}/mistral in the cluster of context" in report


def test_a_shared_url_without_a_route_is_found(shared: SharedUrl, objects: AcceptedObjects, chat: StandInChat) -> None:
    shared.cluster.delete(ROUTE_KIND, "llm", objects.namespace)
    report = chat.where(NO_ROUTE).broken_at(Hop.ROUTE)
    assert f"there is no HTTPRoute with the path {shared.path}" in report
    assert "has a key" in chat.where(REFUSED_KEY).broken_at(Hop.KEY)


def test_a_provider_of_another_stack_is_found_by_the_model(
    shared: SharedUrl, objects: AcceptedObjects, chat: StandInChat, ask_stack: AskStack
) -> None:
    chat.gateway.replies[shared.path] = REFUSED_KEY
    report = ask_stack(objects.namespace).broken_at(Hop.KEY)
    assert f"Secret {objects.namespace}/mistral-secret has a key" in report
    # It isn't this stack's, so its key isn't either.
    assert "providers.<name>.apiKey" in report


def test_a_providers_own_url_is_not_the_shared_one(
    shared: SharedUrl, objects: AcceptedObjects, chat: StandInChat
) -> None:
    chat.path = objects.path
    assert "has a key" in chat.where(REFUSED_KEY).broken_at(Hop.KEY)
    chat.path = shared.path
    assert "has a key" in chat.where(REFUSED_KEY).broken_at(Hop.KEY)


def test_what_may_not_be_read_in_the_gateways_namespace_is_said(
    cluster: Cluster, deploy: Deploy, chat: StandInChat, path: str, tmp_path: Path, ask_stack: AskStack
) -> None:
    there = {"name": "agentgateway", "namespace": "kube-public"}
    objects = deploy(BackendApi.AGENTGATEWAY, shared_route_path=path, models=["mistral-*"], gateway=there)
    account = Account(cluster, objects.namespace)
    account.create()
    chat.kubeconfig = tmp_path / "account"
    account.write_kubeconfig(chat.kubeconfig)
    chat.gateway.replies[path] = not_served(MODEL, path)
    asked = ask_stack("kube-public", mistral={"namespace": objects.namespace, "routeName": "mistral"})
    unread = "HTTPRoute kube-public/llm, 403 Forbidden; Gateway kube-public/agentgateway, 403 Forbidden"
    assert "yet by the outputs of stack prod, mistral takes it\n" in asked.broken_at(
        Hop.ROUTE, note=f"  (Could not be read: {unread}; AgentgatewayPolicies.)"
    )
    chat.gateway.replies[path] = REFUSED_KEY
    asked = ask_stack("kube-public", mistral={"namespace": objects.namespace, "routeName": "mistral"})
    assert "has a key" in asked.broken_at(Hop.KEY, note="  (Could not be read: HTTPRoute kube-public/llm, 403 Forb")
    not_checked = "  (The cluster was not checked: HTTPRoute kube-public/llm of context "
    ask_stack("kube-public").broken_at(Hop.KEY, note=not_checked)


def test_who_has_the_model_may_not_be_looked_for_in_all_namespaces(
    cluster: Cluster,
    shared: SharedUrl,
    objects: AcceptedObjects,
    chat: StandInChat,
    tmp_path: Path,
    ask_stack: AskStack,
) -> None:
    account = Account(cluster, objects.namespace)
    account.create()
    chat.kubeconfig = tmp_path / "account"
    account.write_kubeconfig(chat.kubeconfig)
    chat.gateway.replies[shared.path] = REFUSED_KEY
    unread = f"  (Could not be read: HTTPRoute with the model {MODEL} at {shared.path}, 403 Forbidden; Gateway "
    ask_stack(objects.namespace).broken_at(Hop.KEY, note=unread)


def test_one_path_at_two_gateways_is_looked_up_at_the_stacks(
    shared: SharedUrl, objects: AcceptedObjects, deploy: Deploy, chat: StandInChat, ask_stack: AskStack
) -> None:
    other = deploy(BackendApi.AGENTGATEWAY, shared_route_path=shared.path, models=["mistral-*"])
    SharedUrl(other, shared.path)
    chat.path = shared.path
    chat.gateway.replies[shared.path] = REFUSED_KEY
    for each in (objects, other):
        assert f"Secret {each.namespace}/mistral-secret has a key" in ask_stack(each.namespace).broken_at(Hop.KEY)
    note = f"  (The cluster was not checked: there are 2 HTTPRoutes that match the path {shared.path}"
    chat().broken_at(Hop.KEY, note=note)


def test_where_the_gateway_has_answered_a_cluster_without_its_route_is_another_one(
    chat: StandInChat, path: str
) -> None:
    chat.path = path
    note = (
        f"  (The cluster was not checked: the request found a route, but there is no HTTPRoute with the path {path} in"
    )
    chat.where(not_served(MODEL, path)).broken_at(Hop.MODEL_OR_PATH, note=note)
