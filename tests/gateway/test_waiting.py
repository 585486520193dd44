"""`waitForReady` against the real controllers."""

import pytest

from tests.gateway.deployment import Deployment
from tests.gateway.installation import Installation, paused_controller

NOT_ACCEPTED = "timed out waiting for the condition"
OTHER = {"kgateway": "agentgateway", "agentgateway": "kgateway"}
KINDS = {"kgateway": "Backend", "agentgateway": "AgentgatewayBackend"}


def test_up_ends_when_the_gateway_answers(deployment: Deployment) -> None:
    deployment.up(waitForReady=True, readyTimeoutSeconds=60)
    assert deployment.ask().status == 200
    assert "unchanged" in deployment.up(waitForReady=True, readyTimeoutSeconds=60)


def test_with_a_wrong_gateway_up_fails_naming_the_route(deployment: Deployment) -> None:
    deployment.up(waitForReady=True, readyTimeoutSeconds=60)
    gateway = {"name": "nobody", "namespace": deployment.gateway.namespace}
    deployment.write({deployment.name: deployment.config(gateway=gateway, waitForReady=True, readyTimeoutSeconds=5)})
    printed = deployment.project.fails("up", "--yes", "--skip-preview", "--stack", "test")
    assert NOT_ACCEPTED in printed
    assert "HTTPRoute" in printed
    deployment.up(waitForReady=True, readyTimeoutSeconds=60)
    assert deployment.ask().status == 200


def test_with_an_api_that_nobody_serves_up_fails_at_the_backend_and_the_old_route_answers(
    unguarded_deployment: Deployment, installation: Installation
) -> None:
    deployment = unguarded_deployment
    other = OTHER[deployment.api]
    deployment.up()
    with paused_controller(installation, other), deployment.load() as load:
        load.wait_for(40)
        changed = deployment.config(api=other, waitForReady=True, readyTimeoutSeconds=5)
        deployment.write({deployment.name: changed})
        printed = deployment.project.fails("up", "--yes", "--skip-preview", "--stack", "test")
        load.wait_for(40)
    assert NOT_ACCEPTED in printed
    assert KINDS[other] in printed
    assert load.lost == {}


@pytest.mark.parametrize("api", ["kgateway"], indirect=True)
def test_it_waits_for_a_policy_whose_authorities_are_missing(deployment: Deployment) -> None:
    tls = {"caCertificateConfigmap": "not-there"}
    deployment.write({deployment.name: deployment.config(tls=tls, waitForReady=True, readyTimeoutSeconds=20)})
    printed = deployment.project.fails("up", "--yes", "--skip-preview", "--stack", "test")
    assert NOT_ACCEPTED in printed
    assert "BackendTLSPolicy" in printed
