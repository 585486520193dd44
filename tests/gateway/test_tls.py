"""Which certificates of a provider the real gateways accept."""

import json
import subprocess

import kubernetes
import pytest
import trustme

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import BACKENDS
from components.openai_compatible_llm.doctor.hops import Hop
from tests.gateway.deployment import Deployment
from tests.gateway.openai_provider import tls_context
from tests.support.cluster import Cluster
from tests.support.question import QUESTION

COMPLETIONS = "/v1/chat/completions"

agentgateway_only = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)


def test_an_authority_of_ones_own_is_trusted_by_its_configmap(
    deployment: Deployment, cluster: Cluster, foreign_authority: trustme.CA
) -> None:
    data = {"ca.crt": foreign_authority.cert_pem.bytes().decode()}
    metadata = kubernetes.client.V1ObjectMeta(name="house-ca")
    cluster.core.create_namespaced_config_map(
        deployment.namespace, kubernetes.client.V1ConfigMap(metadata=metadata, data=data)
    )
    deployment.provider.tls = tls_context(foreign_authority)
    deployment.up()
    assert b"upstream call failed" in deployment.until(503).data
    assert deployment.provider.requests == []
    deployment.up(tls={"caCertificateConfigmap": "house-ca"})
    deployment.until(200)


def test_a_certificate_for_another_name_is_refused_unless_that_name_is_given(
    deployment: Deployment, installation_authority: trustme.CA
) -> None:
    deployment.provider.tls = tls_context(installation_authority, "llm.internal")
    deployment.up()
    assert b"upstream call failed" in deployment.until(503).data
    assert deployment.provider.requests == []
    deployment.up(tls={"hostname": "llm.internal"})
    deployment.until(200)
    assert deployment.provider.requests[0].server_name == "llm.internal"


@agentgateway_only
def test_without_its_tls_settings_nothing_reaches_the_provider(deployment: Deployment, cluster: Cluster) -> None:
    deployment.up()
    deployment.until(200)
    deployment.provider.requests.clear()
    cluster.patch("AgentgatewayBackend", "mistral", deployment.namespace, {"spec": {"policies": {"tls": None}}})
    assert deployment.until(503).data
    assert deployment.provider.requests == []
    restore = ("up", "--yes", "--skip-preview", "--refresh", "--stack", "test")
    deployment.project(*restore)
    deployment.until(200)


@pytest.mark.parametrize("hostname", ["localhost", "llm.internal"])
@agentgateway_only
def test_a_provider_by_its_address_gets_its_own_host_and_its_certificate_is_checked(
    deployment: Deployment, installation_authority: trustme.CA, hostname: str
) -> None:
    deployment.provider.tls = tls_context(installation_authority, hostname)
    deployment.up(host="127.0.0.1", tls={"hostname": hostname})
    for path in ("", COMPLETIONS, "/v1/other"):
        deployment.ask(path)
    assert [(each.host.partition(":")[0], each.server_name) for each in deployment.provider.requests] == [
        (hostname, hostname)
    ] * 3


@agentgateway_only
def test_a_provider_by_its_address_in_plain_http_gets_the_address_as_host(deployment: Deployment) -> None:
    deployment.provider.tls = None
    deployment.up(host="127.0.0.1", tls={"disabled": True})
    for path in ("", COMPLETIONS):
        assert deployment.ask(path).status == 200
    assert {each.host.partition(":")[0] for each in deployment.provider.requests} == {"127.0.0.1"}


@pytest.mark.parametrize("endpoints", ["chat", "all"])
@agentgateway_only
def test_a_client_with_http_2_reaches_a_provider_in_plain_http_that_has_http_1_1_alone(
    deployment: Deployment, endpoints: str
) -> None:
    deployment.provider.tls = None
    deployment.up(tls={"disabled": True}, endpoints=endpoints)
    deployment.until(200)
    body = ("--header", "content-type: application/json", "--data", json.dumps(QUESTION))
    asks = ("curl", "--silent", "--http2-prior-knowledge", *body, deployment.url)
    says = ("--output", "/dev/null", "--write-out", "%{http_code} over %{http_version}")
    answered = subprocess.run([*asks, *says], capture_output=True, text=True, timeout=30, check=False)
    assert answered.stdout == "200 over 2", answered
    assert len(deployment.provider.requests) == 2


@pytest.mark.parametrize("api", ["kgateway"], indirect=True)
def test_without_its_policy_nothing_reaches_the_provider(deployment: Deployment, cluster: Cluster) -> None:
    deployment.up()
    deployment.until(200)
    cluster.delete("BackendTLSPolicy", "mistral-tls", deployment.namespace)
    assert b"upstream call failed" in deployment.until(503).data
    named = deployment.project.chat()
    assert named.returncode == Hop.TLS.status, named.stderr
    assert (
        f"no BackendTLSPolicy targets {BACKENDS[BackendApi(deployment.api)].kind} {deployment.namespace}/"
        in named.stderr
    )
    assert "(mistral-tls is missing)" in named.stderr
    deployment.project("up", "--yes", "--skip-preview", "--refresh", "--stack", "test")
    deployment.until(200)
