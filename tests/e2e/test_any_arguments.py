"""With any arguments, either the API server accepts every object, or one error refuses them."""

from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, example, given, note, settings

from components import InvalidArguments, OpenAICompatibleGateway, OpenAICompatibleLLM
from tests.support.arguments import CANARY, CLIENT_CANARY, accepted_arguments, accepted_gateway_arguments, mangled
from tests.support.cluster import Cluster
from tests.support.recording import Recording, record, record_component, record_gateway

UNHURRIED: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
}


def test_the_dry_run_notices_misspelt_fields_and_broken_rules(cluster: Cluster) -> None:
    recording = record_component({"preset": "mistral", "api_key": CANARY})
    for manifest in recording.objects():
        assert cluster.refusal(manifest) is None
        field = "stringDat" if manifest["kind"] == "Secret" else "spc"
        assert f'unknown field \\"{field}\\"' in str(cluster.refusal({**manifest, field: {}}))
    backend = recording.one(":Backend").inputs
    backend["spec"]["ai"]["llm"].pop("port")
    assert "both host and port must be set together" in str(cluster.refusal(backend))


@pytest.mark.slow
@settings(max_examples=500, **UNHURRIED)
@given(args=accepted_arguments)
def test_the_api_server_accepts_the_objects_of_accepted_arguments(cluster: Cluster, args: dict[str, Any]) -> None:
    recording = record_component({"namespace": "default", **args})
    backend = {"agentgateway": "AgentgatewayBackend"}.get(args.get("api", ""), "Backend")
    assert {backend, "HTTPRoute"} <= {manifest["kind"] for manifest in recording.objects()}
    for manifest in recording.objects():
        assert cluster.refusal(manifest) is None
    assert CANARY not in f"{recording.messages} {recording.outputs}"
    assert CLIENT_CANARY not in f"{recording.resources}"


@settings(max_examples=200, **UNHURRIED)
@given(args=accepted_gateway_arguments)
def test_the_api_server_accepts_the_objects_of_a_gateways_accepted_arguments(
    cluster: Cluster, args: dict[str, Any]
) -> None:
    recording = record_gateway({**args, "gateway": {"namespace": "default", **args.get("gateway", {})}})
    has_policy_of_gateway = "max_request_bytes" in args or args.get("client_label", False)
    expected = ["AgentgatewayPolicy"] * (3 + has_policy_of_gateway) + ["HTTPRoute"]
    expected += ["Secret"] if "clients" in args else []
    if "rate_limit_service" in args:
        expected += ["AgentgatewayBackend", *(["ConfigMap"] if "clients" in args else [])]
    assert sorted(recording.kinds()) == sorted(expected)
    for manifest in recording.objects():
        assert cluster.refusal(manifest) is None
    assert CANARY not in f"{recording.messages} {recording.outputs} {recording.resources}"


@settings(max_examples=200, **UNHURRIED)
@given(args=mangled(accepted_arguments))
@example(args={"host": "llm.example.com", "port": 10**10, "api_key": CANARY})
def test_mangled_arguments_give_accepted_objects_or_one_error(cluster: Cluster, args: dict[str, Any]) -> None:
    recording = recorded_or_refused(OpenAICompatibleLLM, {"namespace": "default", **args})
    for manifest in recording.objects():
        assert cluster.refusal(manifest) is None


@settings(max_examples=200, **UNHURRIED)
@given(args=mangled(accepted_gateway_arguments))
def test_so_do_those_of_a_gateway(cluster: Cluster, args: dict[str, Any]) -> None:
    recording = recorded_or_refused(OpenAICompatibleGateway, args)
    for manifest in recording.objects():
        # A dry run needs a namespace that exists.
        in_default = {**manifest, "metadata": {**manifest["metadata"], "namespace": "default"}}
        assert cluster.refusal(in_default) is None


def recorded_or_refused(component: Any, args: dict[str, Any]) -> Recording:
    """Records what the component registers, which is nothing where one error refuses the arguments."""
    refused: list[InvalidArguments] = []

    def program() -> None:
        try:
            component("any", args)
        except InvalidArguments as error:
            refused.append(error)

    recording = record(program)
    if refused:
        (error,) = refused
        note(str(error))
        assert recording.resources == []
        assert CANARY not in f"{error} {error!r} {error.errors} {error.issues} {recording.messages}"
        assert isinstance(error, pulumi.RunError)
    return recording
