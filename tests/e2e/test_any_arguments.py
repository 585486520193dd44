"""With any arguments, either the API server accepts every object, or one error refuses them."""

from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, example, given, note, settings

from components import InvalidArguments, OpenAICompatibleLLM
from tests.support.arguments import CANARY, accepted_arguments, mangled_arguments
from tests.support.cluster import Cluster
from tests.support.recording import record, record_component

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


@settings(max_examples=200, **UNHURRIED)
@given(args=mangled_arguments())
@example(args={"host": "llm.example.com", "port": 10**10, "api_key": CANARY})
def test_mangled_arguments_give_accepted_objects_or_one_error(cluster: Cluster, args: dict[str, Any]) -> None:
    complete: Any = {"namespace": "default", **args}
    refused: list[InvalidArguments] = []

    def program() -> None:
        try:
            OpenAICompatibleLLM("any", complete)
        except InvalidArguments as error:
            refused.append(error)

    recording = record(program)
    if refused:
        (error,) = refused
        note(str(error))
        assert recording.resources == []
        assert CANARY not in f"{error} {error!r} {error.errors} {error.issues} {recording.messages}"
        assert isinstance(error, pulumi.RunError)
    for manifest in recording.objects():
        assert cluster.refusal(manifest) is None
