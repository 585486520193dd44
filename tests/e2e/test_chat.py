"""Every link between a client and a provider broken in turn, with the real objects of both generations."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.doctor.__main__ import main
from components.openai_compatible_llm.doctor.hops import Hop
from tests.e2e.chain import API_KEY, GATEWAY, POLICY, ROUTE, SECRET, Chain, chain_in, condition
from tests.e2e.cluster import Cluster
from tests.stand_in_gateway import (
    MODEL,
    NO_ROUTE,
    TOKENS,
    Reply,
    StandInGateway,
    completion,
    gateways_own,
    page,
    providers,
    silent,
)
from tests.stand_in_gateway import gateway as gateway

UPSTREAM = "upstream call failed"
REFUSED_KEY = providers(401, {"error": {"message": f"Incorrect API key provided: {API_KEY}."}})


@dataclass(frozen=True)
class Asked:
    path: str
    status: int
    stdout: str
    stderr: str

    def broken_at(self, hop: Hop) -> str:
        """What was seen and what to do, after making sure that this link is named and its status is the command's."""
        assert (self.status, self.stdout) == (hop.status, ""), self.stderr
        named, seen, do = self.stderr.splitlines()
        assert named == f"{self.path}: broken at the hop {hop.label}: {hop.meaning}."
        return f"{seen.removeprefix('  evidence: ')}\n{do.removeprefix('  fix:      ')}"


class Chat:
    """Asks by the path of the route, which is found in the cluster by that."""

    def __init__(self, gateway: StandInGateway, kubeconfig: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.gateway, self.kubeconfig = gateway, kubeconfig
        self._capture = capture
        self.path = "/of-no-route"

    def __call__(self, *arguments: str, url: str | None = None) -> Asked:
        where = ["--gateway-url", url or self.gateway.url, "--path", self.path, "--model", MODEL]
        status = main([*where, "--kubeconfig", str(self.kubeconfig), *arguments])
        printed = self._capture.readouterr()
        assert API_KEY not in printed.out + printed.err
        return Asked(self.path, status, printed.out, printed.err)

    def where(self, reply: Reply, *arguments: str) -> Asked:
        """What is said where the gateway answers like this."""
        self.gateway.replies[self.path] = reply
        return self(*arguments)


@pytest.fixture
def chat(gateway: StandInGateway, kubeconfig: Path, capsys: pytest.CaptureFixture[str]) -> Chat:
    return Chat(gateway, kubeconfig, capsys)


@pytest.fixture(params=list(BackendApi))
def chain(request: pytest.FixtureRequest, cluster: Cluster, chat: Chat) -> Iterator[Chain]:
    with chain_in(cluster, request.param) as chain:
        chat.path = chain.path
        yield chain


@pytest.mark.usefixtures("chain")
def test_a_whole_chain_answers(chat: Chat) -> None:
    asked = chat.where(completion)
    assert (asked.status, asked.stdout) == (0, f"{''.join(TOKENS)}\n")
    assert "broken" not in asked.stderr


# The gateway


def test_an_unreachable_gateway_is_named_with_its_address_by_its_status(chain: Chain, chat: Chat) -> None:
    not_ready = condition("Programmed", "False", "AddressNotAssigned", "No address has been assigned")
    chain.write_status(GATEWAY, {"conditions": [not_ready]})
    said = chat(url="http://gateway.invalid").broken_at(Hop.GATEWAY)
    assert "http://gateway.invalid: its name doesn't resolve here" in said
    assert f"Gateway {chain.namespace}/agentgateway: Programmed is False: AddressNotAssigned" in said

    addresses = [{"type": "IPAddress", "value": "10.0.0.7"}]
    chain.write_status(GATEWAY, {"conditions": [condition("Programmed")], "addresses": addresses})
    said = chat(url="http://gateway.invalid").broken_at(Hop.GATEWAY)
    assert f"the status of Gateway {chain.namespace}/agentgateway has the address 10.0.0.7" in said

    chain.delete(GATEWAY)
    said = chat(url="http://gateway.invalid").broken_at(Hop.GATEWAY)
    assert f"there is no Gateway {chain.namespace}/agentgateway" in said


# The route


def test_a_route_that_its_gateway_does_not_accept(chain: Chain, chat: Chat) -> None:
    for reason, remedy in (
        ("NotAllowedByListeners", "`allowedRoutes`"),
        ("NoMatchingParent", "`gateway.sectionName`"),
        ("NoMatchingListenerHostname", "`hostnames`"),
        ("Pending", "`gateway`"),
    ):
        refused = condition("Accepted", "False", reason, "in the controller's words")
        chain.write_status(ROUTE, chain.route_status(refused))
        said = chat.where(NO_ROUTE).broken_at(Hop.ROUTE)
        assert 'HTTP 404 from the gateway itself, "route not found"; the Gateway ' in said
        assert f"doesn't accept HTTPRoute {chain.namespace}/mistral: Accepted is False: {reason}: in the cont" in said
        assert remedy in said


def test_a_route_that_no_controller_has_taken_up(chain: Chain, chat: Chat) -> None:
    chain.write_status(ROUTE, {"parents": []})
    assert "no controller has reported on HTTPRoute" in chat.where(NO_ROUTE).broken_at(Hop.ROUTE)
    chain.write_status(ROUTE, chain.route_status(condition("Accepted"), gateway="an-earlier-one"))
    assert "no controller has reported on HTTPRoute" in chat.where(NO_ROUTE).broken_at(Hop.ROUTE)


def test_a_route_to_a_gateway_that_is_not_there(chain: Chain, chat: Chat) -> None:
    chain.delete(GATEWAY)
    assert f"there is no Gateway {chain.namespace}/agentgateway" in chat.where(NO_ROUTE).broken_at(Hop.ROUTE)


def test_a_route_that_is_not_there(chain: Chain, chat: Chat) -> None:
    chain.delete(ROUTE)
    assert f"there is no HTTPRoute with the path {chat.path}" in chat.where(NO_ROUTE).broken_at(Hop.ROUTE)
    assert f"there is no HTTPRoute with the path {chat.path}" in chat.where(page(404)).broken_at(Hop.ROUTE)


def test_a_route_for_other_host_names(chain: Chain, chat: Chat) -> None:
    chain.change(ROUTE, lambda spec: spec.update(hostnames=["llm.example.com"]))
    said = chat.where(NO_ROUTE).broken_at(Hop.ROUTE)
    assert "matches llm.example.com, and the request was for 127.0.0.1" in said


def test_a_gateway_whose_listeners_are_for_other_host_names(chain: Chain, chat: Chat) -> None:
    chain.change(GATEWAY, lambda spec: spec.update(listeners=[chain.listener(hostname="*.example.com")]))
    said = chat.where(NO_ROUTE).broken_at(Hop.ROUTE)
    assert "match *.example.com, and the request was for 127.0.0.1" in said


def test_a_route_that_is_well_at_another_gateway(chain: Chain, chat: Chat) -> None:
    said = chat.where(NO_ROUTE).broken_at(Hop.ROUTE)
    assert f"yet HTTPRoute {chain.namespace}/mistral is accepted by the Gateway" in said
    assert "the URL seems to be another gateway's" in said


# The backend and its Secret


@pytest.mark.parametrize("reply", [gateways_own(500, "service not found"), gateways_own(503, UPSTREAM), REFUSED_KEY])
def test_a_backend_that_is_not_accepted(chain: Chain, chat: Chat, reply: Reply) -> None:
    chain.refuse_backend("unknown field")
    said = chat.where(reply).broken_at(Hop.BACKEND)
    assert f"{chain.backend} {chain.namespace}/mistral is not accepted: Accepted is False: TranslationError" in said


def test_a_backend_that_nobody_has_taken_up_or_that_is_not_there(chain: Chain, chat: Chat) -> None:
    nowhere = gateways_own(500, "backend does not exist")
    chain.write_status(chain.backend, {})
    assert "no controller has reported on it" in chat.where(nowhere).broken_at(Hop.BACKEND)
    chain.delete(chain.backend)
    said = chat.where(nowhere).broken_at(Hop.BACKEND)
    assert f"there is no {chain.backend} {chain.namespace}/mistral, to which HTTPRoute" in said


def test_a_route_whose_references_are_not_resolved(chain: Chain, chat: Chat) -> None:
    unresolved = condition("ResolvedRefs", "False", "RefNotPermitted", "not permitted")
    chain.write_status(ROUTE, chain.route_status(condition("Accepted"), unresolved))
    said = chat.where(gateways_own(500, "no valid backends")).broken_at(Hop.BACKEND)
    assert "ResolvedRefs is False: RefNotPermitted" in said


def test_a_route_that_leads_to_something_else(chain: Chain, chat: Chat) -> None:
    service = {"name": "llm", "port": 80}
    chain.change(ROUTE, lambda spec: spec["rules"][0].update(backendRefs=[service]))
    assert "HTTP 500 from the gateway" in chat.where(gateways_own(500, "service not found")).broken_at(Hop.BACKEND)


def test_a_secret_without_a_key(chain: Chain, chat: Chat) -> None:
    secrets: list[tuple[dict[str, str], str]] = [
        ({"api-key": API_KEY, "other": "x"}, "has no `Authorization`; it has `api-key`, `other`"),
        ({}, "has no `Authorization`; it has nothing"),
        ({"Authorization": ""}, "is empty under `Authorization`"),
        ({"Authorization": " \n"}, "is empty under `Authorization`"),
        ({"Authorization": "Bearer "}, "is empty under `Authorization`"),
    ]
    without_key = {
        "Backend": "so the gateway sends requests to the provider without an API key",
        "AgentgatewayBackend": "so the gateway sends nothing to the provider and answers HTTP 500 `service not found`",
    }[chain.backend]
    for values, says in secrets:
        chain.replace_secret(values)
        said = chat.where(REFUSED_KEY).broken_at(Hop.SECRET)
        assert f"Secret {chain.namespace}/mistral-secret {says}, {without_key}" in said


def test_a_missing_secret_is_named_whatever_it_leads_to(chain: Chain, chat: Chat) -> None:
    chain.delete(SECRET)
    chain.refuse_backend(f"secret {chain.namespace}/mistral-secret not found")
    missing = f"Secret {chain.namespace}/mistral-secret, which the backend names, does not exist"
    for reply in (REFUSED_KEY, gateways_own(500, "service not found"), providers(429, {})):
        assert missing in chat.where(reply).broken_at(Hop.SECRET)

    asked = chat.where(completion)
    assert (asked.status, asked.stdout) == (Hop.SECRET.status, f"{''.join(TOKENS)}\n")
    assert f"a completion arrived, yet {missing}" in asked.stderr


def test_a_secret_that_may_not_be_read_is_not_blamed(
    chain: Chain, chat: Chat, cluster: Cluster, tmp_path: Path
) -> None:
    chat.kubeconfig = reader_of_all_but_secrets(cluster, chain.namespace, tmp_path)
    chain.delete(SECRET)
    asked = chat.where(REFUSED_KEY)
    assert asked.status == Hop.KEY.status
    assert f"  (Could not be read: Secret {chain.namespace}/mistral-secret, 403 Forbidden.)" in asked.stderr


def reader_of_all_but_secrets(cluster: Cluster, namespace: str, folder: Path) -> Path:
    """The kubeconfig of a service account."""
    api = cluster.core.api_client
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
    file = folder / "reader"
    file.write_text(yaml.safe_dump(kubeconfig))
    return file


# TLS


def test_a_missing_policy(chain: Chain, chat: Chat) -> None:
    chain.delete(POLICY)
    said = chat.where(gateways_own(503, UPSTREAM)).broken_at(Hop.TLS)
    assert f"no BackendTLSPolicy targets {chain.backend} {chain.namespace}/mistral" in said
    assert "speaks plain HTTP to api.mistral.ai:443" in said


def test_a_missing_policy_is_known_by_the_stacks_outputs_where_the_port_does_not_tell(
    cluster: Cluster, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with chain_in(cluster, BackendApi.KGATEWAY, port=8443) as chain:
        chat.path = chain.path
        chain.delete(POLICY)
        no_upstream = gateways_own(503, UPSTREAM)
        chat.where(no_upstream).broken_at(Hop.PROVIDER)

        names = {"namespace": chain.namespace, "routeName": "mistral", "tlsPolicyName": "mistral-tls"}
        outputs = {"providers": {"mistral": {"path": chain.path, "model": MODEL, **names}}}
        cli = tmp_path / "pulumi"
        cli.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(outputs)}\nEND\n")
        cli.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        where = ["--stack", "prod", "--gateway-url", chat.gateway.url, "--kubeconfig", str(chat.kubeconfig)]
        assert main(where) == Hop.TLS.status


def test_a_policy_for_another_backend_is_none_for_this(chain: Chain, chat: Chat) -> None:
    chain.change(POLICY, lambda spec: spec["targetRefs"][0].update(name="other"))
    assert "no BackendTLSPolicy targets" in chat.where(gateways_own(503, UPSTREAM)).broken_at(Hop.TLS)


def test_a_wrong_host_name(chain: Chain, chat: Chat) -> None:
    chain.change(POLICY, lambda spec: spec["validation"].update(hostname="llm.example.com"))
    words = (
        f'{UPSTREAM}: Connect: invalid peer certificate: certificate not valid for name "llm.example.com"; '
        'certificate is only valid for DnsName("api.mistral.ai")'
    )
    said = chat.where(gateways_own(503, words)).broken_at(Hop.TLS)
    assert "mistral-" in said
    assert "expects api.mistral.ai:443 to have a certificate for llm.example.com" in said
    assert "`tls.hostname`" in said


def test_a_policy_that_is_not_accepted_or_taken_up(chain: Chain, chat: Chat) -> None:
    refused = condition("Accepted", "False", "NoValidCACertificate", "none")
    chain.write_status(POLICY, chain.policy_status(refused, condition("ResolvedRefs")))
    said = chat.where(gateways_own(503, UPSTREAM)).broken_at(Hop.TLS)
    assert "is not accepted: Accepted is False: NoValidCACertificate: none" in said
    chain.write_status(POLICY, {"ancestors": []})
    assert "no controller has reported on BackendTLSPolicy" in chat.where(gateways_own(503, UPSTREAM)).broken_at(
        Hop.TLS
    )


def test_a_policy_with_a_section_name(chain: Chain, chat: Chat) -> None:
    chain.change(POLICY, lambda spec: spec["targetRefs"][0].update(sectionName="https"))
    assert "has a `sectionName`" in chat.where(gateways_own(503, UPSTREAM)).broken_at(Hop.TLS)


def test_certificate_authorities_that_are_not_there(cluster: Cluster, chat: Chat) -> None:
    unknown = gateways_own(503, f"{UPSTREAM}: Connect: invalid peer certificate: UnknownIssuer")
    with chain_in(cluster, BackendApi.KGATEWAY, tls={"ca_certificate_configmap": "house-ca"}) as chain:
        chat.path = chain.path
        said = chat.where(unknown).broken_at(Hop.TLS)
        assert f"ConfigMap {chain.namespace}/house-ca, which BackendTLSPolicy {chain.namespace}/mistral-tls na" in said
        assert "names, does not exist" in said

        def write(data: dict[str, str]) -> None:
            metadata = kubernetes.client.V1ObjectMeta(name="house-ca", namespace=chain.namespace)
            body = kubernetes.client.V1ConfigMap(metadata=metadata, data=data)
            cluster.core.create_namespaced_config_map(chain.namespace, body)

        write({"ca.pem": "x"})
        assert "has no `ca.crt`" in chat.where(unknown).broken_at(Hop.TLS)
        cluster.core.delete_namespaced_config_map("house-ca", chain.namespace)
        write({"ca.crt": "-----BEGIN CERTIFICATE-----"})
        said = chat.where(unknown).broken_at(Hop.TLS)
        assert "`tls.caCertificateConfigmap`" in said


# The provider


@pytest.mark.usefixtures("chain")
def test_a_provider_that_can_not_be_reached_or_fails(chat: Chat) -> None:
    refused = gateways_own(503, f"{UPSTREAM}: Connect: Connection refused (os error 111)")
    assert "that the cluster can reach them" in chat.where(refused).broken_at(Hop.PROVIDER)
    assert "HTTP 500 from the provider" in chat.where(providers(500, {})).broken_at(Hop.PROVIDER)
    # TLS is as it should be, so the connection failed for something else.
    assert UPSTREAM in chat.where(gateways_own(503, UPSTREAM)).broken_at(Hop.PROVIDER)


def test_a_host_header_that_is_the_gateways(chain: Chain, chat: Chat) -> None:
    chain.change(ROUTE, lambda spec: spec["rules"][0].pop("filters"))
    wrapped = {"error": {"message": "failed to process response body (failed to parse response): <html>"}}
    for reply in (page(403), providers(403, wrapped)):
        if chain.backend == "Backend":
            said = chat.where(reply).broken_at(Hop.HOST)
            assert f"HTTPRoute {chain.namespace}/mistral leaves the Host header as it is" in said
        else:
            # The newer proxies send the provider's host by themselves.
            chat.where(reply).broken_at(Hop.KEY)
    chat.where(providers(403, {"message": "no access"})).broken_at(Hop.KEY)
    chat.where(page(421)).broken_at(Hop.HOST)


def test_a_key_that_the_provider_refuses(chain: Chain, chat: Chat) -> None:
    for status in (401, 403):
        said = chat.where(providers(status, {"detail": API_KEY})).broken_at(Hop.KEY)
        assert f"HTTP {status} from the provider; Secret {chain.namespace}/mistral-secret has a key" in said
        assert "pulumi config set --secret" in said


@pytest.mark.parametrize("api", list(BackendApi))
def test_a_token_of_the_callers_own_that_is_missing(cluster: Cluster, chat: Chat, api: BackendApi) -> None:
    with chain_in(cluster, api, api_key=None, passthrough=True) as chain:
        chat.path = chain.path
        said = chat.where(providers(401, {"detail": "Unauthorized"})).broken_at(Hop.KEY)
        assert "which gets the caller's own token" in said
        assert "--token-variable" in said


@pytest.mark.usefixtures("chain")
def test_a_gateway_that_wants_a_token_itself(chat: Chat) -> None:
    said = chat.where(gateways_own(401, "authentication failure: no bearer token found")).broken_at(Hop.CALLER)
    assert "--token-variable" in said


@pytest.mark.usefixtures("chain")
def test_a_model_or_path_that_the_provider_does_not_know(chat: Chat) -> None:
    for status in (400, 404):
        said = chat.where(providers(status, {"message": "Invalid model"})).broken_at(Hop.MODEL_OR_PATH)
        assert f'HTTP {status} from the provider, "Invalid model"' in said
        assert MODEL in said
    assert "HTTP 404 from the provider" in chat.where(page(404)).broken_at(Hop.MODEL_OR_PATH)


@pytest.mark.usefixtures("chain")
def test_a_limit(chat: Chat) -> None:
    assert "wait 30 seconds" in chat.where(providers(429, {}, Retry_After="30")).broken_at(Hop.LIMIT)
    assert "from the gateway itself" in chat.where(gateways_own(429, "rate limit exceeded")).broken_at(Hop.LIMIT)


@pytest.mark.usefixtures("chain")
def test_an_answer_that_does_not_come_in_time(chat: Chat) -> None:
    assert "from the gateway itself" in chat.where(gateways_own(504, "request timeout")).broken_at(Hop.TIMEOUT)
    assert "no response arrived for 0.3 seconds" in chat.where(silent, "--timeout", "0.3").broken_at(Hop.TIMEOUT)


@pytest.mark.usefixtures("chain")
def test_an_answer_that_breaks_off(chat: Chat) -> None:
    def cut(handler: Any, _: object) -> None:
        handler.begin_stream()
        handler.token(TOKENS[0])
        handler.break_off()

    asked = chat.where(cut, "--stream")
    assert (asked.status, asked.stdout) == (Hop.STREAM.status, f"{TOKENS[0]}\n")
    assert "broken at the hop stream" in asked.stderr


# Several at once


def test_of_two_broken_links_the_first_is_named(chain: Chain, chat: Chat) -> None:
    chain.delete(SECRET)
    chain.delete(POLICY)
    no_upstream = gateways_own(503, UPSTREAM)
    chat.where(no_upstream).broken_at(Hop.SECRET)
    chain.write_secret({"Authorization": API_KEY})
    chat.where(no_upstream).broken_at(Hop.TLS)


def test_a_link_that_the_request_has_passed_is_not_blamed(chain: Chain, chat: Chat) -> None:
    refused = condition("Accepted", "False", "OfOld", "a status that nobody has renewed")
    chain.write_status(ROUTE, chain.route_status(refused, condition("ResolvedRefs")))
    chain.write_status(POLICY, chain.policy_status(refused))
    chat.where(REFUSED_KEY).broken_at(Hop.KEY)
    chat.where(gateways_own(503, UPSTREAM)).broken_at(Hop.TLS)
    chat.where(NO_ROUTE).broken_at(Hop.ROUTE)


# Where the cluster tells nothing


def test_what_came_after_the_route_is_not_looked_for_in_another_cluster(chat: Chat, cluster: Cluster) -> None:
    context = yaml.safe_load(cluster.kubeconfig.read_text())["current-context"]
    asked = chat.where(REFUSED_KEY)
    assert asked.status == Hop.KEY.status
    assert "was not checked: the request found a route, but there is no HTTPRoute with" in asked.stderr
    assert f"in the cluster of context {context}" in asked.stderr


def test_two_routes_of_one_path_tell_nothing(cluster: Cluster, chat: Chat) -> None:
    one = chain_in(cluster, BackendApi.KGATEWAY, route_path=chat.path)
    other = chain_in(cluster, BackendApi.KGATEWAY, route_path=chat.path)
    with one, other:
        asked = chat.where(NO_ROUTE)
    assert asked.status == Hop.ROUTE.status
    assert f"was not checked: there are 2 HTTPRoutes that match the path {chat.path}" in asked.stderr


def test_a_cluster_that_can_not_be_looked_at_is_said(chat: Chat, cluster: Cluster, tmp_path: Path) -> None:
    kubeconfig = yaml.safe_load(cluster.kubeconfig.read_text())
    context = kubeconfig["current-context"]

    def says(arguments: list[str]) -> str:
        asked = chat.where(NO_ROUTE, *arguments)
        assert asked.status == Hop.ROUTE.status
        last = asked.stderr.splitlines()[-1]
        assert last.startswith("  (The cluster was not checked: ")
        return last

    assert "Expected object with name other" in says(["--context", "other"])
    kubeconfig["users"][0]["user"] = {"token": "of-nobody"}
    chat.kubeconfig = tmp_path / "of-nobody"
    chat.kubeconfig.write_text(yaml.safe_dump(kubeconfig))
    assert "fails, 401 Unauthorized" in says([])
    chat.kubeconfig = tmp_path / "unreachable"
    kubeconfig["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    chat.kubeconfig.write_text(yaml.safe_dump(kubeconfig))
    assert f"the API server of context {context} doesn't respond" in says([])
    chat.kubeconfig.write_text("{")
    assert "the kubeconfig can't be read" in says([])
