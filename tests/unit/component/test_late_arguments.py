"""Arguments that are Outputs, of which the values are known only later, or not in a preview."""

from typing import Any

import pulumi
import pytest

from components import BackendApi, InvalidArguments, OpenAICompatibleLLM
from tests.support.recording import record, record_component
from tests.unit.example_component import unknown_output


def as_outputs(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_outputs(each) for key, each in value.items()}
    if isinstance(value, BackendApi):
        return value
    if isinstance(value, list):
        return [as_outputs(each) for each in value]
    return pulumi.Output.from_input(value)


def test_outputs_give_the_same_objects_as_plain_values(host: dict[str, Any], api: BackendApi) -> None:
    args = {
        **host,
        "port": 8443,
        "model": "m",
        "namespace": "llm",
        "gateway": {"name": "edge", "namespace": "gateways"},
        "route_path": "/x",
        "path": "/api/chat/completions",
        "hostnames": ["a.example.com", "*.b.example.com"],
        "labels": {"team": "llm"},
        "annotations": {"example.com/team": "llm"},
    }
    if api is BackendApi.AGENTGATEWAY:
        args |= {"auth_header": {"header_name": "api-key"}, "endpoints": "all"}
    else:
        args["rewrite_host"] = False
    assert record_component(lambda: as_outputs(args)).objects() == record_component(args).objects()


@pytest.mark.parametrize(
    ("argument", "value", "problem"),
    [("port", 0, "port: 0 is not a port"), ("api_key", " ", "api_key: the key is empty")],
)
def test_an_output_is_checked_when_it_is_resolved(
    argument: str, value: object, problem: str, mistral: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArguments, match=problem):
        record_component(lambda: {**mistral, argument: pulumi.Output.from_input(value)})


def test_known_arguments_are_checked_before_unknown_ones_are_resolved(mistral: dict[str, Any]) -> None:
    def program() -> None:
        args: Any = {**mistral, "port": 0, "modle": "m", "host": unknown_output()}
        with pytest.raises(InvalidArguments, match=r"(?s)modle: .*port: 0 is not a port"):
            OpenAICompatibleLLM("mistral", args)

    assert record(program, preview=True).resources == []


def test_a_preview_succeeds_while_an_argument_is_unknown(mistral: dict[str, Any]) -> None:
    recording = record_component(lambda: {**mistral, "model": unknown_output()}, preview=True)
    assert len(recording.objects()) == 4
