"""Validates every object of OpenAICompatibleGateway, and the longest texts of both components for a shared path."""

from collections.abc import Mapping
from inspect import get_annotations
from typing import Any

import pulumi
import pytest

from components import InvalidArguments, OpenAICompatibleGatewayArgs
from tests.contract.schemas import StrictSchemas, field_schema
from tests.support.recording import record_gateway
from tests.support.shared_url import (
    CLIENTS,
    GATEWAYS,
    LONGEST_EXPRESSION,
    LONGEST_MATCH,
    LONGEST_PATH,
    SERVICE,
    header_match,
    list_expression,
    list_of_length,
    route_of_length,
)

OF_CLIENTS: dict[str, Any] = {"clients": CLIENTS, "rate_limit_service": SERVICE}

# Arguments that decide what is created, or how, are always plain values.
AT_ONCE = ("client_label", "wait_for_ready", "ready_timeout_seconds")


def late(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: each if name in AT_ONCE else late(each) for name, each in value.items()}
    if isinstance(value, list):
        return [late(each) for each in value]
    return pulumi.Output.from_input(value)


@pytest.mark.parametrize("known", ["at once", "later"])
@pytest.mark.parametrize("args", GATEWAYS.values(), ids=GATEWAYS)
def test_every_object_of_a_gateway_passes_the_strict_schemas(
    args: dict[str, Any], known: str, schemas: StrictSchemas
) -> None:
    objects = record_gateway(lambda: late(args) if known == "later" else args).objects()
    policies = ["llm", "llm-models", "llm-unknown"]
    if "max_request_bytes" in args or "client_label" in args:
        policies.append("llm-gateway")
    expected = {("HTTPRoute", "llm"), *(("AgentgatewayPolicy", name) for name in policies)}
    if "clients" in args:
        expected.add(("Secret", "llm-clients"))
    if "rate_limit_service" in args:
        expected.add(("AgentgatewayBackend", "llm-rate-limits"))
        expected |= {("ConfigMap", "llm-rate-limits")} if "clients" in args else set()
    found = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert sorted(found) == sorted(expected)
    assert found[-1] == ("HTTPRoute", "llm")
    assert [problem for each in objects for problem in schemas.problems(each)] == []
    namespace = args.get("gateway", {}).get("namespace", "gloo-system")
    assert {each["metadata"]["namespace"] for each in objects} == {namespace}


def test_every_argument_of_a_gateway_has_a_case() -> None:
    assert {name for args in GATEWAYS.values() for name in args} == set(get_annotations(OpenAICompatibleGatewayArgs))


def test_a_longer_expression_than_the_schema_allows_is_refused(
    crds: dict[str, dict[str, Any]], schemas: StrictSchemas
) -> None:
    field = "spec.rules.[].matches.[].headers.[].value"
    assert field_schema(crds["httproutes.gateway.networking.k8s.io"], field)["maxLength"] == LONGEST_MATCH
    longest = route_of_length(LONGEST_MATCH)
    assert len(header_match(longest)) == LONGEST_MATCH
    assert schemas.problems(longest) == []
    with pytest.raises(InvalidArguments, match=rf"has {LONGEST_MATCH + 1} characters.* {LONGEST_MATCH} at most"):
        route_of_length(LONGEST_MATCH + 1)


@pytest.mark.parametrize("more", [{}, OF_CLIENTS], ids=["anyone's", "its clients'"])
def test_a_longer_list_than_the_schema_allows_is_refused(
    more: dict[str, Any], crds: dict[str, dict[str, Any]], schemas: StrictSchemas
) -> None:
    field = "spec.traffic.directResponse.bodyExpression"
    crd = crds["agentgatewaypolicies.agentgateway.dev"]
    assert field_schema(crd, field)["maxLength"] == LONGEST_EXPRESSION
    longest = list_of_length(LONGEST_EXPRESSION, **more)
    assert len(list_expression(longest)) == LONGEST_EXPRESSION
    assert schemas.problems(longest) == []
    with pytest.raises(
        InvalidArguments, match=rf"has {LONGEST_EXPRESSION + 1} characters.* {LONGEST_EXPRESSION} at most"
    ):
        list_of_length(LONGEST_EXPRESSION + 1, **more)


def test_a_path_whose_list_would_be_longer_than_the_schema_allows_is_refused(crds: dict[str, dict[str, Any]]) -> None:
    field = "spec.rules.[].matches.[].path.value"
    assert field_schema(crds["httproutes.gateway.networking.k8s.io"], field)["maxLength"] == LONGEST_PATH
    (longest,) = GATEWAYS["the longest path"].values()
    record_gateway({"route_path": longest})
    with pytest.raises(InvalidArguments, match=r"route_path"):
        record_gateway({"route_path": f"{longest}."})
