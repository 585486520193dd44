"""Which certificates of a provider the real gateways accept."""

from typing import Any

import kubernetes
import trustme

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import BACKENDS
from components.openai_compatible_llm.doctor.hops import Hop
from tests.e2e.cluster import CUSTOM, Cluster
from tests.gateway.deployment import Deployment
from tests.gateway.openai_provider import tls_context

POLICIES = {"kgateway": "mistral-tls", "agentgateway": "mistral-agentgateway-tls"}


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


def test_without_its_policy_nothing_reaches_the_provider(deployment: Deployment, cluster: Cluster) -> None:
    deployment.up()
    deployment.until(200)
    group, version, plural = CUSTOM["BackendTLSPolicy"]
    at: tuple[Any, ...] = (group, version, deployment.namespace, plural, POLICIES[deployment.api])
    cluster.custom.delete_namespaced_custom_object(*at)
    assert b"upstream call failed" in deployment.until(503).data
    named = deployment.project.chat()
    assert named.returncode == Hop.TLS.status, named.stderr
    assert (
        f"no BackendTLSPolicy targets {BACKENDS[BackendApi(deployment.api)].kind} {deployment.namespace}/"
        in named.stderr
    )
    assert f"({POLICIES[deployment.api]} is missing)" in named.stderr
    deployment.project("up", "--yes", "--skip-preview", "--refresh", "--stack", "test")
    deployment.until(200)
