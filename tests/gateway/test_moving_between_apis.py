"""A provider moves from one gateway API to the other, by a second component beside the first."""

from typing import Any

from tests.gateway.deployment import KEY, Deployment
from tests.gateway.installation import Installation, using
from tests.gateway.load import Load

OTHER = {"kgateway": "agentgateway", "agentgateway": "kgateway"}


def test_by_a_second_component_no_request_is_lost_at_either_gateway(
    deployment: Deployment, installation: Installation
) -> None:
    other_api = OTHER[deployment.api]
    other = installation.gateways[other_api]
    second: dict[str, Any] = {
        **deployment.config(),
        "api": other_api,
        "gateway": {"name": other.name, "namespace": other.namespace},
    }
    deployment.up()
    with using(installation, other_api), deployment.load() as at_the_first:
        at_the_first.wait_for(40)
        deployment.write({"mistral": deployment.config(), "mistral-2": second})
        deployment.project.up()
        at_the_first.wait_for(40)
        with Load(f"{other.url}{deployment.route_path}/v1/chat/completions") as at_the_second:
            at_the_second.wait_for(40)
            at_the_first.__exit__(None, None, None)
            deployment.write({"mistral-2": second})
            deployment.project.up()
            at_the_second.wait_for(40)
    assert at_the_first.lost == {}
    assert at_the_second.lost == {}
    assert deployment.provider.keys() == {f"Bearer {KEY}"}
