"""OpenAICompatibleGateway: the objects of a base URL that several providers share, and what its arguments can't be."""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import pulumi
import pytest

from components import InvalidArguments, OpenAICompatibleGateway, OpenAICompatibleGatewayArgs
from tests.support.recording import Recording, record

GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "agentgateway"}
SLASH = 'route_path: "llm" doesn\'t start with a slash; give a path such as /llm'
LABEL = {"attributes": {"add": [{"name": "client", "expression": "apiKey.client"}]}}


def record_gateway(late: Callable[[], Mapping[str, Any]] = dict, /, name: Any = "llm", **args: Any) -> Recording:
    def program() -> None:
        OpenAICompatibleGateway(name, cast("OpenAICompatibleGatewayArgs", {"route_path": "/llm", **args, **late()}))

    return record(program)


def errors(late: Callable[[], Mapping[str, Any]] = dict, /, name: Any = "llm", **args: Any) -> list[str]:
    with pytest.raises(InvalidArguments) as caught:
        record_gateway(late, name, **args)
    title, *found = str(caught.value).split("\n  - ")
    assert title.startswith("OpenAICompatibleGateway")
    return found


def spec(recording: Recording, kind: str, name: str) -> Any:
    return recording.one(f":{kind}", name).inputs["spec"]


def body(recording: Recording, name: str) -> str:
    return str(spec(recording, "AgentgatewayPolicy", name)["traffic"]["directResponse"]["bodyExpression"])


def test_its_objects_are_three_policies_and_then_a_route_in_the_gateways_namespace() -> None:
    recording = record_gateway(gateway={"name": "edge", "namespace": "gateways"})
    assert [(each["kind"], each["metadata"]) for each in recording.objects()] == [
        ("AgentgatewayPolicy", {"name": "llm", "namespace": "gateways"}),
        ("AgentgatewayPolicy", {"name": "llm-models", "namespace": "gateways"}),
        ("AgentgatewayPolicy", {"name": "llm-unknown", "namespace": "gateways"}),
        ("HTTPRoute", {"name": "llm", "namespace": "gateways"}),
    ]
    route = recording.one(":HTTPRoute")
    assert {urn.rpartition("::")[2] for urn in route.dependencies} == {"llm", "llm-models", "llm-unknown"}
    assert all(each.parent == recording.one(":OpenAICompatibleGateway").urn for each in recording.resources[1:])


def test_a_policy_of_the_gateway_reads_the_model_before_it_routes() -> None:
    assert spec(record_gateway(), "AgentgatewayPolicy", "llm") == {
        "targetRefs": [GATEWAY],
        "traffic": {
            "phase": "PreRouting",
            "transformation": {
                "request": {"set": [{"name": "x-llm-model", "value": "json(request.body).model"}]},
            },
        },
    }


def test_with_a_listener_the_policy_and_the_route_are_of_that_alone() -> None:
    recording = record_gateway(gateway={"section_name": "llm"}, max_request_bytes=5)
    assert spec(recording, "AgentgatewayPolicy", "llm")["targetRefs"] == [{**GATEWAY, "sectionName": "llm"}]
    parent = {"name": "agentgateway", "namespace": "gloo-system", "sectionName": "llm"}
    assert spec(recording, "HTTPRoute", "llm")["parentRefs"] == [parent]
    assert spec(recording, "AgentgatewayPolicy", "llm-gateway")["targetRefs"] == [GATEWAY]


@pytest.mark.parametrize(
    ("route_path", "paths"),
    [
        ("/llm", ["/llm/v1/models", "/llm/models"]),
        ("/", ["/v1/models", "/models"]),
        ("/a/b", ["/a/b/v1/models", "/a/b/models"]),
    ],
)
def test_the_route_lists_models_and_takes_what_no_provider_takes(route_path: str, paths: list[str]) -> None:
    assert spec(record_gateway(route_path=route_path), "HTTPRoute", "llm") == {
        "parentRefs": [{"name": "agentgateway", "namespace": "gloo-system"}],
        "rules": [
            {
                "name": "models",
                "matches": [{"path": {"type": "Exact", "value": path}, "method": "GET"} for path in paths],
            },
            {"name": "unknown", "matches": [{"path": {"type": "PathPrefix", "value": route_path}}]},
        ],
    }


@pytest.mark.parametrize(("rule", "status"), [("models", 200), ("unknown", 404)])
def test_a_policy_answers_the_requests_of_each_rule(rule: str, status: int) -> None:
    policy = spec(record_gateway(), "AgentgatewayPolicy", f"llm-{rule}")
    route = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "llm", "sectionName": rule}
    assert policy["targetRefs"] == [route]
    response = policy["traffic"]["directResponse"]
    assert response.pop("bodyExpression").startswith("toJson(")
    assert response == {"status": status, "headers": [{"name": "content-type", "value": '"application/json"'}]}


def test_the_list_has_exact_names_by_name_each_once_with_its_owner() -> None:
    models = {"mistral": ["mistral-*", "small", "codestral"], "deepseek": ["chat", "small"], "empty": []}
    pairs = '[["chat", "deepseek"], ["codestral", "mistral"], ["small", "deepseek"]]'
    assert pairs in body(record_gateway(models=models), "llm-models")


def test_without_models_the_list_is_empty() -> None:
    assert '"data": [].map(' in body(record_gateway(), "llm-models")


@pytest.mark.parametrize(
    ("args", "frontend"),
    [
        ({"max_request_bytes": 33554432}, {"http": {"maxBufferSize": 33554432}}),
        ({"client_label": True}, {"metrics": LABEL, "accessLog": LABEL}),
        (
            {"max_request_bytes": 1, "client_label": True},
            {"http": {"maxBufferSize": 1}, "metrics": LABEL, "accessLog": LABEL},
        ),
    ],
)
def test_a_policy_of_the_whole_gateway_has_what_is_asked_of_it(args: dict[str, Any], frontend: dict[str, Any]) -> None:
    recording = record_gateway(**args)
    assert spec(recording, "AgentgatewayPolicy", "llm-gateway") == {"targetRefs": [GATEWAY], "frontend": frontend}
    assert recording.component_outputs()["gatewayPolicyName"] == "llm-gateway"


def test_a_limit_that_turns_out_to_be_none_is_the_gateways_own() -> None:
    recording = record_gateway(lambda: {"max_request_bytes": pulumi.Output.from_input(None)})
    policy = spec(recording, "AgentgatewayPolicy", "llm-gateway")
    assert policy["frontend"] == {"http": {"maxBufferSize": 2097152}}


def test_the_text_that_reads_the_model_is_the_same_whatever_the_arguments() -> None:
    texts = {
        json.dumps(spec(record_gateway(**args), "AgentgatewayPolicy", "llm")["traffic"], sort_keys=True)
        for args in ({}, {"route_path": "/"}, {"models": {"a": ["b"]}}, {"max_request_bytes": 7, "client_label": True})
    }
    assert len(texts) == 1


def test_the_outputs_have_the_one_url_and_the_names() -> None:
    recording = record_gateway(gateway={"url": "https://llm.example.com/", "namespace": "edge"})
    assert recording.component_outputs() == {
        "url": "https://llm.example.com/llm/v1",
        "routePath": "/llm",
        "namespace": "edge",
        "routeName": "llm",
        "policyName": "llm",
        "modelsPolicyName": "llm-models",
        "unknownPolicyName": "llm-unknown",
    }


def test_labels_and_annotations_are_on_all_objects() -> None:
    recording = record_gateway(labels={"team": "a"}, annotations={"x": "y"}, client_label=True)
    metadata = [each["metadata"] for each in recording.objects()]
    assert len(metadata) == 5
    assert all(each["labels"] == {"team": "a"} and each["annotations"] == {"x": "y"} for each in metadata)


def test_it_can_wait_until_the_gateway_reads_models_and_has_the_route() -> None:
    recording = record_gateway(wait_for_ready=True, ready_timeout_seconds=7, max_request_bytes=9)
    waited = {
        each.name: each.timeouts
        for each in recording.resources
        if "annotations" in each.inputs.get("metadata", {}) and each.type.endswith("AgentgatewayPolicy")
    }
    assert waited == {"llm": {"create": "7s", "update": "7s"}}
    conditions = recording.one(":HTTPRoute").inputs["metadata"]["annotations"]["pulumi.com/waitFor"]
    assert 'parentRef.name=="agentgateway"' in json.loads(conditions)[0]


def test_all_arguments_may_be_outputs() -> None:
    args = {
        "route_path": "/llm",
        "models": {"mistral": ["a"]},
        "max_request_bytes": 5,
        "gateway": {"name": "edge", "section_name": "x", "url": "https://a"},
        "labels": {"a": "b"},
    }
    late = record_gateway(lambda: {name: pulumi.Output.from_input(value) for name, value in args.items()})
    assert late.objects() == record_gateway(**args).objects()


def test_models_are_usually_the_outputs_of_providers() -> None:
    recording = record_gateway(lambda: {"models": {"mistral": pulumi.Output.from_input(["a", "b-*"])}})
    assert '"data": [["a", "mistral"]].map(' in body(recording, "llm-models")


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"route_path": None}, ["route_path: required"]),
        ({"route_path": "llm"}, [SLASH]),
        ({"route_path": "/" + "x" * 1014}, ["route_path: 1015 characters long; the limit is 1014"]),
        ({"models": {"": ["a"]}}, ["models[\"\"]: '' is not a name; give one such as mistral"]),
        ({"models": {"m": [" a"]}}, ["models.m[0]: ' a' is not a model name; give it as the provider lists it"]),
        ({"models": {"m": "a"}}, ['models.m: "a" is not a list of strings']),
        ({"models": ["a"]}, ["models: ['a'] is not a map of lists"]),
        ({"models": {5: ["a"]}}, ["models.5: the name is 5, not a string; put it in quotes"]),
        ({"labels": {None: "a"}}, ["labels.None: the name is None, not a string; put it in quotes"]),
        ({"max_request_bytes": 0}, ["max_request_bytes: 0 is out of range; give 1 to 4294967295 bytes"]),
        ({"max_request_bytes": 2**32}, ["max_request_bytes: 4294967296 is out of range; give 1 to 4294967295 bytes"]),
        ({"client_label": "yes"}, ['client_label: "yes" is not a boolean']),
        ({"ready_timeout_seconds": 5}, ["ready_timeout_seconds: has no effect without `wait_for_ready`"]),
        (
            {"namespace": "edge"},
            ["namespace: unknown argument; the objects are in the Gateway's namespace; give `gateway.namespace`"],
        ),
        (
            {"api": "agentgateway"},
            ["api: unknown argument; this component is for gateways of agentgateway alone; remove the argument"],
        ),
        (
            {"endpoint": "all"},
            [
                "endpoint: unknown argument; valid arguments are `annotations`, `client_auth_header`, `client_label`, "
                "`clients`, `clients_secret`, `gateway`, `labels`, `max_request_bytes`, `models`, `rate_limit_service`, "
                "`ready_timeout_seconds`, `route_path`, `wait_for_ready`"
            ],
        ),
        ({"shared_route_path": "/x"}, ["shared_route_path: unknown argument; did you mean `route_path`?"]),
        ({"gateway": {"listener": "x"}}, ["gateway.listener: unknown argument; did you mean `section_name`?"]),
        (
            {"gateway": {"models": ["x"]}},
            ["gateway.models: unknown argument; `models` is an argument of the component, not of `gateway`"],
        ),
        (
            {"name": "x"},
            ["name: unknown argument; a component's name stands before its arguments, not among them"],
        ),
    ],
)
def test_what_can_not_be_is_refused_with_what_to_do(args: dict[str, Any], expected: list[str]) -> None:
    arguments = dict(args)
    name = "llm"
    assert errors(lambda: arguments, name) == expected


def test_all_problems_are_reported_together_and_no_value_that_may_be_a_key() -> None:
    found = errors(route_path="llm", max_request_bytes=0, models={"api_key": "canary-key"}, nonsense=1)
    assert len(found) == 4
    assert "canary" not in " ".join(found)


@pytest.mark.parametrize("name", ["api_key", "apiKey", "clients"])
def test_a_key_in_a_map_where_none_belongs_is_not_shown(name: str) -> None:
    for value in ("canary-key", {"web": "canary-key"}, [["canary-key"]]):
        found = errors(models={name: value}, labels={name: [value]}, clients={name: value})
        assert {each.partition(".")[0] for each in found} == {"models", "labels", "clients"}
        assert "canary" not in " ".join(found)


@pytest.mark.parametrize("name", ["", "LLM", "a" * 246])
def test_a_name_must_be_valid_with_what_the_objects_add_to_it(name: str) -> None:
    assert len(errors(name=name)) == 1


def test_late_arguments_are_checked_when_they_are_known() -> None:
    assert errors(lambda: {"route_path": pulumi.Output.from_input("llm")}) == [SLASH]


def test_a_list_that_the_gateway_would_not_take_is_refused_with_its_length() -> None:
    models = {"mistral": [f"model-{index:05d}" for index in range(600)]}
    (message,) = errors(models=models)
    assert message == (
        "models: the list's expression has 16908 characters, and the gateway takes 16384 at most; remove some, or give "
        "patterns such as mistral-*, which aren't listed"
    )
    few = {"mistral": models["mistral"][:500]}
    assert len(body(record_gateway(models=few), "llm-models")) <= 16384
