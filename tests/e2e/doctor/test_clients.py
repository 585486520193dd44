"""What `make chat` finds of clients on the API server: where their key goes, and what is wrong with it."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import AGENTGATEWAY, model_routing
from components.openai_compatible_llm.backends.clients import secret_entry, service_config, service_spec
from components.openai_compatible_llm.doctor.hops import Hop
from components.openai_compatible_llm.inputs import parse, parse_gateway
from tests.e2e.doctor.conftest import Deploy, SetOutputs, StandInChat
from tests.support.chat_run import run_chat
from tests.support.cluster import Cluster
from tests.support.provider_objects import API_KEY, AcceptedObjects
from tests.support.stand_in_gateway import MODEL, Reply, completion, gateways_own

WEB, STRANGER = "canary-client-web-51d0c7e29b", "canary-client-stranger-51d0c7e29b"
WRONG_KEY = gateways_own(401, "api key authentication failure: invalid credentials")
WITHOUT_KEY = gateways_own(401, "api key authentication failure: no API Key found")
FORBIDDEN = gateways_own(403, "authorization failed")
SERVICE_FAILED = gateways_own(500, "rate limit failed")
HEADER = {"header_name": "x-api-key", "prefix": "Key"}
ALLOWED = ["fast", "codestral-*"]


def service_refuses(handler: Any, _: object) -> None:
    handler.send_response(429)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


class Clients:
    """The objects by which a provider's route, or a shared URL, asks for the key of a client with models of its own."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def of_route(self, path: str, **arguments: object) -> None:
        given = {"preset": "mistral", "api_key": API_KEY, "route_path": path, "namespace": self.namespace, **arguments}
        settings: Any = parse("mistral", {**given, "api": "agentgateway", "clients": self._clients(arguments)}).settings
        self._secret("mistral-clients", settings)
        self._create("AgentgatewayPolicy", "mistral", AGENTGATEWAY.policy_spec(settings))
        if "rate_limit_service" in arguments:
            self._create("AgentgatewayBackend", "mistral-rate-limits", service_spec(settings))

    def of_shared_url(self, path: str, **arguments: object) -> None:
        given = {"gateway": {"namespace": self.namespace}, "route_path": path, **arguments}
        settings: Any = parse_gateway("llm", {**given, "clients": self._clients(arguments)}).settings
        self._secret("llm-clients", settings)
        for name, spec in (
            ("llm", model_routing.policy_spec(settings)),
            ("llm-models", model_routing.models_policy_spec(settings)),
            ("llm-unknown", model_routing.unknown_policy_spec(settings)),
        ):
            self._create("AgentgatewayPolicy", name, spec)
        self._create("HTTPRoute", "llm", model_routing.route_spec(settings))
        if "rate_limit_service" in arguments:
            metadata: Any = {"name": "llm-rate-limits"}
            config: Any = {"metadata": metadata, "data": service_config(settings)}
            self.cluster.core.create_namespaced_config_map(self.namespace, config)

    @staticmethod
    def _clients(arguments: Any) -> Any:
        limits = [{"tokens": 200000, "per": "day"}] if "rate_limit_service" in arguments else []
        return {"web": {"api_key": WEB, "models": ALLOWED, "rate_limits": limits}}

    def _secret(self, name: str, settings: Any) -> None:
        digest = hashlib.sha256(WEB.encode()).hexdigest()
        entries = {each.name: secret_entry(each, digest) for each in settings.known_clients}
        metadata = {"name": name, "namespace": self.namespace}
        self.cluster.create({"kind": "Secret", "metadata": metadata, "stringData": entries})

    def _create(self, kind: str, name: str, spec: Any) -> None:
        version = "gateway.networking.k8s.io/v1" if kind == "HTTPRoute" else AGENTGATEWAY.api_version
        metadata = {"name": name, "namespace": self.namespace}
        self.cluster.create({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_KEY", WEB)
    monkeypatch.setenv("STRANGERS_KEY", STRANGER)


@pytest.fixture
def objects(deploy: Deploy) -> AcceptedObjects:
    return deploy(BackendApi.AGENTGATEWAY)


@pytest.fixture
def clients(cluster: Cluster, objects: AcceptedObjects) -> Clients:
    return Clients(cluster, objects.namespace)


Report = Callable[..., str]


@pytest.fixture
def report(chat: StandInChat) -> Report:
    """Returns what is said of a broken hop where the gateway replies like this."""

    def ask(reply: Reply, hop: Hop, *arguments: str, variable: str | None = "WEB_KEY", note: str | None = None) -> str:
        key = ["--token-variable", variable] if variable else []
        run = chat.where(reply, *key, *arguments)
        digest = hashlib.sha256(WEB.encode()).hexdigest()
        assert not any(each in run.stdout + run.stderr for each in (WEB, STRANGER, digest))
        return run.broken_at(hop, note=note)

    return ask


def test_a_key_goes_into_the_header_of_the_routes_policy(
    clients: Clients, objects: AcceptedObjects, chat: StandInChat
) -> None:
    chat.gateway.replies[objects.path] = completion
    assert chat("--token-variable", "WEB_KEY").status == 0
    clients.of_route(objects.path, client_auth_header=HEADER)
    for arguments in ((), ("--stream",), ("--models",)):
        assert chat("--token-variable", "WEB_KEY", *arguments).status == 0
    assert chat("--token-variable", "WEB_KEY", "--token-header", "Authorization").status == 0
    sent = [(each.headers.get("x-api-key"), each.headers.get("authorization")) for each in chat.gateway.requests]
    assert sent == [(None, f"Bearer {WEB}"), *[(f"Key {WEB}", None)] * 3, (None, f"Bearer {WEB}")]


def test_what_is_wrong_with_a_key_is_named(clients: Clients, objects: AcceptedObjects, report: Report) -> None:
    clients.of_route(objects.path)
    policy, secret = (f"{kind} {objects.namespace}/mistral" for kind in ("AgentgatewayPolicy", "Secret"))
    asked = report(WITHOUT_KEY, Hop.CALLER, variable=None)
    assert f"{policy} asks for a client's key in the header Authorization" in asked
    assert "put the key of one of the clients web" in asked
    asked = report(WRONG_KEY, Hop.CALLER, variable="STRANGERS_KEY")
    assert f"{secret}-clients has keys of the clients web, and this key is none of them" in asked
    assert f"{secret}-clients has this key as that of the client web" in report(WRONG_KEY, Hop.CALLER)
    clients.cluster.delete("Secret", "mistral-clients", objects.namespace)
    assert f"{secret}-clients, which {policy} names, does not exist" in report(WRONG_KEY, Hop.CALLER)


def test_a_model_that_the_client_may_not_use_is_named(
    clients: Clients, objects: AcceptedObjects, report: Report
) -> None:
    clients.of_route(objects.path)
    asked = report(FORBIDDEN, Hop.CALLER)
    assert f"the client web may use fast, codestral-*, and the request is for {MODEL}\n" in asked
    asked = report(FORBIDDEN, Hop.CALLER, "--model", "codestral-latest")
    assert "the client web may use codestral-latest, so this isn't about its models" in asked


def test_a_secret_that_may_not_be_read_is_said(
    clients: Clients, objects: AcceptedObjects, report: Report, chat: StandInChat, kubeconfig_without_secrets: Path
) -> None:
    clients.of_route(objects.path)
    chat.kubeconfig = kubeconfig_without_secrets
    unread = (
        f"Secret {objects.namespace}/mistral-secret, 403 Forbidden; Secret {objects.namespace}/mistral-clients, 403"
    )
    asked = report(FORBIDDEN, Hop.CALLER, note=f"  (Could not be read: {unread} Forbidden.)")
    assert "allows each client its own models, and whose key this is can't be read" in asked


def test_the_service_that_counts_is_named_with_its_address(
    clients: Clients, objects: AcceptedObjects, report: Report
) -> None:
    clients.of_route(objects.path, rate_limit_service={"host": "limits.svc"})
    backend = f"AgentgatewayBackend {objects.namespace}/mistral-rate-limits"
    assert f"the rate limit service limits.svc:8081 ({backend})" in report(SERVICE_FAILED, Hop.REQUEST)
    assert (
        f"the rate limit service that AgentgatewayPolicy {objects.namespace}/mistral asks, limits.svc:8081"
        in report(service_refuses, Hop.CALLER)
    )
    clients.cluster.delete("AgentgatewayBackend", "mistral-rate-limits", objects.namespace)
    assert f"there is no {backend}, by which AgentgatewayPolicy" in report(SERVICE_FAILED, Hop.REQUEST)


def test_at_a_shared_url_the_policy_of_the_rule_that_answers_counts(
    cluster: Cluster, deploy: Deploy, chat: StandInChat, report: Report
) -> None:
    shared = "/llm-of-clients"
    objects = deploy(BackendApi.AGENTGATEWAY, shared_route_path=shared, models=["mistral-*"])
    clients = Clients(cluster, objects.namespace)
    clients.of_route(objects.path, shared_route_path=shared, models=["mistral-*"], client_auth_header=HEADER)
    clients.of_shared_url(shared)
    chat.path = shared
    names = {each: f"{each} {objects.namespace}" for each in ("AgentgatewayPolicy", "Secret")}
    # A provider takes the model, and asks for the key by its own policy.
    asked = report(WITHOUT_KEY, Hop.CALLER, variable=None)
    assert f"{names['AgentgatewayPolicy']}/mistral asks for a client's key in the header x-api-key" in asked
    assert f"the client web may use fast, codestral-*, and the request is for {MODEL}" in report(FORBIDDEN, Hop.CALLER)
    # The list and the error are the shared URL's own.
    asked = report(WITHOUT_KEY, Hop.CALLER, "--models", variable=None)
    assert f"{names['AgentgatewayPolicy']}/llm-models asks for a client's key in the header Authorization" in asked
    asked = report(WRONG_KEY, Hop.CALLER, "--model", "gpt-x", variable="STRANGERS_KEY")
    assert f"{names['Secret']}/llm-clients has keys of the clients web" in asked

    listed = chat.where(completion, "--models", "--token-variable", "WEB_KEY")
    assert listed.stderr.endswith(" s; the client web may use fast, codestral-*, and sees no other\n")
    assert chat.gateway.requests[-1].headers["authorization"] == f"Bearer {WEB}"
    assert chat.where(completion, "--token-variable", "WEB_KEY").status == 0
    assert chat.gateway.requests[-1].headers["x-api-key"] == f"Key {WEB}"


def test_the_limits_that_the_stack_gives_the_service_are_told(
    clients: Clients,
    objects: AcceptedObjects,
    chat: StandInChat,
    set_outputs: SetOutputs,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = {"host": "limits.svc"}
    clients.of_route(objects.path, rate_limit_service=service)
    clients.of_shared_url("/llm-of-limits", rate_limit_service=service)
    provider = {"path": objects.path, "model": MODEL, "namespace": objects.namespace, "routeName": "mistral"}
    shared = {"path": "/llm-of-limits", "namespace": objects.namespace, "rateLimitConfigMapName": "llm-rate-limits"}
    set_outputs({"providers": {"mistral": provider}, "shared": shared})
    chat.gateway.replies[objects.path] = service_refuses
    where = ["--stack", "prod", "--gateway-url", chat.gateway.url, "--kubeconfig", str(chat.kubeconfig)]
    asked = run_chat("mistral", [*where, "--token-variable", "WEB_KEY"], capsys).broken_at(Hop.CALLER)
    told = f"; ConfigMap {objects.namespace}/llm-rate-limits lets the client web use 200000 tokens per day\n"
    assert told in asked
