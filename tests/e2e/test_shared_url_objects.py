"""The API server accepts every object for a shared path: unknown fields are refused, and its CEL rules count."""

import copy
from typing import Any

import pytest

from tests.support.cluster import Cluster
from tests.support.recording import record_component, record_gateway
from tests.support.shared_url import (
    GATEWAYS,
    LONGEST_EXPRESSION,
    LONGEST_MATCH,
    PROVIDERS,
    header_match,
    list_expression,
    list_of_length,
    route_of_length,
)

# A dry run needs a namespace that exists.
NAMESPACE = "default"


def refusals(cluster: Cluster, objects: list[dict[str, Any]]) -> list[str]:
    return [refusal for each in objects if (refusal := cluster.refusal(each)) is not None]


@pytest.mark.parametrize("args", PROVIDERS.values(), ids=PROVIDERS)
def test_every_object_of_a_provider_is_accepted(args: dict[str, Any], cluster: Cluster) -> None:
    assert refusals(cluster, record_component({**args, "namespace": NAMESPACE}).objects()) == []


@pytest.mark.parametrize("args", GATEWAYS.values(), ids=GATEWAYS)
def test_every_object_of_a_gateway_is_accepted(args: dict[str, Any], cluster: Cluster) -> None:
    gateway = {**args.get("gateway", {}), "namespace": NAMESPACE}
    assert refusals(cluster, record_gateway({**args, "gateway": gateway}).objects()) == []


def test_the_longest_expression_is_accepted_and_no_longer_one(cluster: Cluster) -> None:
    route = route_of_length(LONGEST_MATCH)
    assert len(header_match(route)) == LONGEST_MATCH
    assert cluster.refusal(route) is None
    longer = copy.deepcopy(route)
    longer["spec"]["rules"][-1]["matches"][0]["headers"][0]["value"] += "x"
    assert f"may not be more than {LONGEST_MATCH}" in str(cluster.refusal(longer))


def test_the_longest_list_is_accepted_and_no_longer_one(cluster: Cluster) -> None:
    policy = list_of_length(LONGEST_EXPRESSION)
    assert len(list_expression(policy)) == LONGEST_EXPRESSION
    assert cluster.refusal(policy) is None
    longer = copy.deepcopy(policy)
    longer["spec"]["traffic"]["directResponse"]["bodyExpression"] += " "
    assert f"may not be more than {LONGEST_EXPRESSION}" in str(cluster.refusal(longer))


def test_the_api_server_would_refuse_the_policies_that_no_component_makes(cluster: Cluster) -> None:
    """So the rules of the real definitions count here."""
    (reads_model, of_gateway) = (
        next(
            each
            for each in record_gateway({**GATEWAYS["everything"], "gateway": {"namespace": NAMESPACE}}).objects()
            if each["metadata"]["name"] == name
        )
        for name in ("llm", "llm-gateway")
    )
    reads_model["spec"]["targetRefs"][0].update(kind="HTTPRoute")
    assert cluster.refusal(reads_model) is not None
    of_gateway["spec"]["targetRefs"][0].update(sectionName="http")
    assert cluster.refusal(of_gateway) is not None
