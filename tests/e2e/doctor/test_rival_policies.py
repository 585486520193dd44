"""What `make chat` finds on the API server of policies beside the component's that set the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import AGENTGATEWAY
from components.openai_compatible_llm.doctor.hops import Hop
from components.openai_compatible_llm.inputs import parse
from tests.e2e.doctor.conftest import Deploy, SetOutputs, StandInChat
from tests.support.broken_hops import REFUSED_KEY
from tests.support.chat_run import ChatRun, run_chat
from tests.support.cluster import Cluster
from tests.support.provider_objects import API_KEY, AcceptedObjects
from tests.support.service_account import Account
from tests.support.stand_in_gateway import MODEL, TOKENS, completion

RETRY = {"traffic": {"retry": {"attempts": 5}}}
GROUP = "gateway.networking.k8s.io"
NOTE = "Note: AgentgatewayPolicy"

AskStack = Callable[[AcceptedObjects], ChatRun]


def create_policy(cluster: Cluster, namespace: str, name: str, spec: Any) -> None:
    metadata = {"name": name, "namespace": namespace}
    version, kind = AGENTGATEWAY.api_version, AGENTGATEWAY.policy_kind
    cluster.create({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


def of(kind: str, name: str) -> dict[str, Any]:
    return {"targetRefs": [{"group": GROUP, "kind": kind, "name": name}]}


def create_own_policy(objects: AcceptedObjects) -> None:
    """Creates the policy that the component makes for retries."""
    given = {"preset": "mistral", "api_key": API_KEY, "route_path": objects.path, "namespace": objects.namespace}
    settings: Any = parse("mistral", {**given, "api": "agentgateway", "retries": {"attempts": 2}}).settings
    create_policy(objects.cluster, objects.namespace, "mistral", AGENTGATEWAY.policy_spec(settings))


@pytest.fixture
def objects(deploy: Deploy) -> AcceptedObjects:
    objects = deploy(BackendApi.AGENTGATEWAY)
    create_own_policy(objects)
    return objects


@pytest.fixture
def ask_stack(chat: StandInChat, set_outputs: SetOutputs, capsys: pytest.CaptureFixture[str]) -> AskStack:
    """Asks the provider of a stack whose outputs say where the objects are."""

    def ask(objects: AcceptedObjects) -> ChatRun:
        names = {"namespace": objects.namespace, "routeName": "mistral"}
        set_outputs({"providers": {"mistral": {"path": objects.path, "model": MODEL, **names}}})
        where = ["--stack", "prod", "--gateway-url", chat.gateway.url, "--kubeconfig", str(chat.kubeconfig)]
        return run_chat("mistral", where, capsys)

    return ask


def test_a_second_policy_is_named_after_an_answer_and_after_a_report(
    objects: AcceptedObjects, chat: StandInChat
) -> None:
    namespace = objects.namespace
    create_policy(objects.cluster, namespace, "of-another-route", {**of("HTTPRoute", "deepseek"), **RETRY})
    assert NOTE not in chat.where(completion).stderr
    create_policy(objects.cluster, namespace, "theirs", {**of("HTTPRoute", "mistral"), **RETRY})
    note = f"{NOTE} {namespace}/theirs sets `traffic.retry`, as AgentgatewayPolicy {namespace}/mistral does: only one "
    asked = chat.where(completion)
    assert (asked.status, asked.stdout) == (0, f"{''.join(TOKENS)}\n")
    assert asked.stderr.splitlines()[-1].startswith(note)
    assert f"Secret {namespace}/mistral-secret has a key" in chat.where(REFUSED_KEY).broken_at(Hop.KEY, note=note)


def test_a_policy_of_the_gateway_in_another_namespace_is_named_where_it_may_be_read(
    cluster: Cluster, deploy: Deploy, chat: StandInChat, ask_stack: AskStack, tmp_path: Path
) -> None:
    elsewhere = deploy(BackendApi.AGENTGATEWAY)
    gateway = {"name": "agentgateway", "namespace": elsewhere.namespace}
    objects = deploy(BackendApi.AGENTGATEWAY, gateway=gateway)
    create_own_policy(objects)
    create_policy(cluster, elsewhere.namespace, "theirs", {**of("Gateway", "agentgateway"), **RETRY})
    own = f"AgentgatewayPolicy {objects.namespace}/mistral"
    effect = f"for this request, {own} counts alone."
    note = f"{NOTE} {elsewhere.namespace}/theirs sets `traffic.retry`, as {own} does: {effect}"
    asked = chat.where(completion)
    assert note in asked.stderr

    account = Account(cluster, objects.namespace)
    account.create()
    chat.kubeconfig = tmp_path / "account"
    account.write_kubeconfig(chat.kubeconfig)
    asked = ask_stack(objects)
    assert (asked.status, NOTE in asked.stderr) == (0, False)
