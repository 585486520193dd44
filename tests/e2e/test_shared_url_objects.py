"""The API server accepts every object for a shared path: unknown fields are refused, and its CEL rules count."""

import copy
from typing import Any

import pytest

from components import InvalidArguments
from tests.support.cluster import Cluster
from tests.support.recording import record_component, record_gateway
from tests.support.shared_url import (
    CLIENTS,
    GATEWAYS,
    LONGEST_EXPRESSION,
    LONGEST_MATCH,
    MOST_CONDITIONS,
    PROVIDERS,
    SERVICE,
    clients_with_limits,
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


@pytest.mark.parametrize(
    "more", [{}, {"clients": CLIENTS, "rate_limit_service": SERVICE}], ids=["anyone's", "its clients'"]
)
def test_the_longest_list_is_accepted_and_no_longer_one(more: dict[str, Any], cluster: Cluster) -> None:
    policy = list_of_length(LONGEST_EXPRESSION, **more)
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


def policy_of(**args: Any) -> Any:
    """Returns the route's policy of a provider with these arguments."""
    return (
        record_component({**PROVIDERS["a shared path"], "namespace": NAMESPACE, **args})
        .one(":AgentgatewayPolicy")
        .inputs
    )


def test_as_many_clients_with_limits_as_there_can_be_are_accepted_and_no_more(cluster: Cluster) -> None:
    most = policy_of(clients=clients_with_limits(MOST_CONDITIONS))
    assert len(most["spec"]["traffic"]["rateLimit"]["conditional"]) == MOST_CONDITIONS
    assert cluster.refusal(most) is None
    with pytest.raises(InvalidArguments, match=rf"{MOST_CONDITIONS} at most"):
        policy_of(clients=clients_with_limits(MOST_CONDITIONS + 1))
    more = copy.deepcopy(most)
    conditions = more["spec"]["traffic"]["rateLimit"]["conditional"]
    conditions.append({**conditions[0], "condition": 'apiKey.client == "one-more"'})
    assert f"{MOST_CONDITIONS}" in str(cluster.refusal(more))


def test_the_longest_paths_leave_room_for_the_rule_on_models(cluster: Cluster) -> None:
    policy = policy_of(**{**PROVIDERS["the longest paths"], "clients": CLIENTS})
    expressions = policy["spec"]["traffic"]["authorization"]["policy"]["matchExpressions"]
    assert max(map(len, expressions)) <= LONGEST_EXPRESSION
    assert cluster.refusal(policy) is None


def test_limits_of_clients_and_of_the_route_stand_together_with_the_service_alone(cluster: Cluster) -> None:
    """So the component is right to refuse what the gateway's definitions refuse."""
    rate_limit = policy_of(clients=clients_with_limits(1))["spec"]["traffic"]["rateLimit"]
    both = policy_of(clients=CLIENTS, rate_limit_service=SERVICE, rate_limits=[{"requests": 5, "per": "minute"}])
    assert cluster.refusal(both) is None
    both["spec"]["traffic"]["rateLimit"] |= rate_limit
    assert cluster.refusal(both) is not None
