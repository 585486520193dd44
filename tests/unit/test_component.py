import asyncio
import json
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.provider.experimental.analyzer import Analyzer

from components import InvalidArguments, OpenAICompatibleLLM, OpenAICompatibleLLMArgs
from tests.unit.recording import Recording, record

CANARY = "sk-canary-8c1f"
MISTRAL: OpenAICompatibleLLMArgs = {"preset": "mistral", "api_key": CANARY}

SEED = yaml.safe_load("""
Backend:
  type: AI
  ai:
    llm:
      openai:
        authToken: {kind: SecretRef, secretRef: {name: mistral-secret}}
        model: mistral-medium-2505
      host: api.mistral.ai
      port: 443
      path: {full: /v1/chat/completions}
HTTPRoute:
  parentRefs: [{name: agentgateway, namespace: gloo-system}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /mistral}}]
    filters: [{type: URLRewrite, urlRewrite: {hostname: api.mistral.ai}}]
    backendRefs: [{name: mistral, namespace: gloo-system, group: gateway.kgateway.dev, kind: Backend}]
BackendTLSPolicy:
  targetRefs: [{name: mistral, kind: Backend, group: gateway.kgateway.dev}]
  validation: {hostname: api.mistral.ai, wellKnownCACertificates: System}
""")


def made(args: OpenAICompatibleLLMArgs, name: str = "mistral", **options: Any) -> Recording:
    return record(lambda: OpenAICompatibleLLM(name, args), **options)


def spec(args: OpenAICompatibleLLMArgs, kind: str, name: str = "mistral") -> Any:
    return made(args, name).one(f":{kind}").inputs["spec"]


@pytest.mark.parametrize("kind", SEED)
def test_the_walk_through_needs_only_a_preset_a_model_and_a_key(kind: str) -> None:
    assert spec({**MISTRAL, "model": "mistral-medium-2505"}, kind) == SEED[kind]


def test_the_secret_holds_the_key_where_the_gateway_looks_for_it() -> None:
    secret = made(MISTRAL).one(":Secret").inputs
    assert (secret["type"], secret["stringData"]) == ("Opaque", {"Authorization": CANARY})
    assert secret["metadata"] == {"name": "mistral-secret", "namespace": "gloo-system"}


def test_all_four_objects_stand_in_one_namespace() -> None:
    recording = made({**MISTRAL, "namespace": "llm"})
    assert [each["metadata"]["namespace"] for each in recording.objects()] == ["llm"] * 4
    route = recording.one(":HTTPRoute").inputs["spec"]
    assert route["parentRefs"][0]["namespace"] == "llm"
    assert route["rules"][0]["backendRefs"][0]["namespace"] == "llm"


def test_the_gateway_may_stand_in_another_namespace() -> None:
    route = spec({**MISTRAL, "namespace": "llm", "gateway": {"name": "edge", "namespace": "gateways"}}, "HTTPRoute")
    assert route["parentRefs"] == [{"name": "edge", "namespace": "gateways"}]


def test_names_of_the_objects_come_from_the_components_name() -> None:
    names = {r.type.rsplit(":", 1)[1]: r.inputs["metadata"]["name"] for r in made(MISTRAL, "eu").resources[1:]}
    assert names == {"Secret": "eu-secret", "Backend": "eu", "BackendTLSPolicy": "eu-tls", "HTTPRoute": "eu"}


def test_a_host_alone_gets_https_and_the_openai_path() -> None:
    llm = spec({"host": "llm.example.com", "api_key": CANARY}, "Backend")["ai"]["llm"]
    assert (llm["host"], llm["port"], llm["path"]) == ("llm.example.com", 443, {"full": "/v1/chat/completions"})


def test_host_port_and_path_win_over_the_presets() -> None:
    args: OpenAICompatibleLLMArgs = {**MISTRAL, "host": "eu.example.com", "port": 8443, "path": "/api/chat/completions"}
    llm = spec(args, "Backend")["ai"]["llm"]
    assert (llm["host"], llm["port"], llm["path"]["full"]) == ("eu.example.com", 8443, "/api/chat/completions")
    assert spec(args, "BackendTLSPolicy")["validation"]["hostname"] == "eu.example.com"
    assert spec(args, "HTTPRoute")["rules"][0]["filters"][0]["urlRewrite"] == {"hostname": "eu.example.com"}


def test_without_a_model_the_backend_names_none() -> None:
    assert "model" not in spec(MISTRAL, "Backend")["ai"]["llm"]["openai"]


def test_without_rewriting_the_route_has_no_filters() -> None:
    assert "filters" not in spec({**MISTRAL, "rewrite_host": False}, "HTTPRoute")["rules"][0]


def test_the_route_path_is_the_names_unless_said_otherwise() -> None:
    def prefix(args: OpenAICompatibleLLMArgs) -> Any:
        return spec(args, "HTTPRoute", "eu")["rules"][0]["matches"][0]["path"]["value"]

    assert prefix(MISTRAL) == "/eu"
    assert prefix({**MISTRAL, "route_path": "/llm/mistral"}) == "/llm/mistral"


@pytest.mark.parametrize(
    ("auth_header", "field"),
    [
        ({"header_name": "api-key"}, {"headerName": "api-key"}),
        ({"prefix": "Token"}, {"prefix": "Token"}),
        ({"header_name": "X-Key", "prefix": "Token"}, {"headerName": "X-Key", "prefix": "Token"}),
    ],
)
def test_an_auth_header_goes_into_the_backend(auth_header: Any, field: dict[str, str]) -> None:
    assert spec({**MISTRAL, "auth_header": auth_header}, "Backend")["ai"]["llm"]["authHeader"] == field


def test_the_objects_are_children_of_the_component() -> None:
    recording = made(MISTRAL)
    component = recording.one(":OpenAICompatibleLLM")
    assert [r.parent for r in recording.resources[1:]] == [component.urn] * 4


def test_the_key_is_there_before_the_backend_and_the_route_comes_last() -> None:
    recording = made(MISTRAL)
    secret, backend, policy, route = (
        recording.one(f":{kind}") for kind in ("Secret", "Backend", "BackendTLSPolicy", "HTTPRoute")
    )
    assert secret.dependencies == []
    assert backend.dependencies == [secret.urn]
    assert policy.dependencies == [backend.urn]
    assert set(route.dependencies) == {backend.urn, policy.urn}


def test_only_the_key_is_secret_and_it_is_however_it_came() -> None:
    for way in (str, pulumi.Output.from_input, pulumi.Output.secret):

        def program(way: Any = way) -> None:
            OpenAICompatibleLLM("mistral", {"preset": "mistral", "api_key": way(CANARY)})

        recording = record(program)
        assert {r.type: r.secret_inputs for r in recording.resources if r.secret_inputs} == {
            "kubernetes:core/v1:Secret": {"stringData"}
        }


def test_a_key_still_awaited_is_taken() -> None:
    async def from_a_vault() -> str:
        await asyncio.sleep(0)
        return CANARY

    recording = record(lambda: OpenAICompatibleLLM("mistral", {**MISTRAL, "api_key": from_a_vault()}))
    assert recording.one(":Secret").inputs["stringData"] == {"Authorization": CANARY}


def test_the_key_is_in_no_other_resource_output_or_message() -> None:
    recording = made(MISTRAL)
    others = [r for r in recording.resources if not r.type.endswith(":Secret")]
    assert CANARY not in f"{others} {recording.outputs} {recording.messages}"


def test_outputs_tell_where_the_provider_is_and_what_was_made() -> None:
    recording = made({**MISTRAL, "model": "mistral-medium-latest"})
    assert recording.outputs[recording.one(":OpenAICompatibleLLM").urn] == {
        "path": "/mistral",
        "host": "api.mistral.ai",
        "model": "mistral-medium-latest",
        "namespace": "gloo-system",
        "secretName": "mistral-secret",
        "backendName": "mistral",
        "routeName": "mistral",
        "tlsPolicyName": "mistral-tls",
    }


def test_arguments_known_only_later_give_the_same_objects() -> None:
    def later(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: later(each) for key, each in value.items()}
        return pulumi.Output.from_input(value)

    args: OpenAICompatibleLLMArgs = {
        "host": "llm.example.com",
        "port": 8443,
        "model": "m",
        "api_key": CANARY,
        "namespace": "llm",
        "gateway": {"name": "edge", "namespace": "gateways"},
        "auth_header": {"header_name": "api-key"},
        "rewrite_host": False,
        "route_path": "/x",
        "path": "/api/chat/completions",
    }

    def program() -> None:
        OpenAICompatibleLLM("mistral", later(args))

    assert record(program).objects() == made(args).objects()


def test_arguments_known_only_later_are_checked_then() -> None:
    with pytest.raises(InvalidArguments, match="port: 0 is not a port"):
        record(lambda: OpenAICompatibleLLM("mistral", {**MISTRAL, "port": pulumi.Output.from_input(0)}))
    with pytest.raises(InvalidArguments, match="api_key: the key is empty"):
        record(lambda: OpenAICompatibleLLM("mistral", {**MISTRAL, "api_key": pulumi.Output.from_input(" ")}))


def unknown() -> Any:
    def future(value: Any) -> Any:
        future = asyncio.get_event_loop().create_future()
        future.set_result(value)
        return future

    return pulumi.Output(set(), future(None), future(False))


def test_what_is_known_of_the_arguments_is_refused_before_the_rest_is_known() -> None:
    def program() -> None:
        args: Any = {**MISTRAL, "port": 0, "modle": "m", "host": unknown()}
        with pytest.raises(InvalidArguments, match=r"(?s)modle: .*port: 0 is not a port"):
            OpenAICompatibleLLM("mistral", args)

    assert record(program, preview=True).resources == []


def test_a_preview_goes_through_while_an_argument_is_unknown() -> None:
    recording = record(lambda: OpenAICompatibleLLM("mistral", {**MISTRAL, "model": unknown()}), preview=True)
    assert len(recording.objects()) == 4


def test_the_objects_inherit_the_consumers_provider() -> None:
    def program() -> None:
        import pulumi_kubernetes

        cluster = pulumi_kubernetes.Provider("cluster", kubeconfig="{}")
        OpenAICompatibleLLM("mistral", MISTRAL, pulumi.ResourceOptions(providers=[cluster]))

    recording = record(program)
    cluster = recording.one("pulumi:providers:kubernetes")
    objects = [r for r in recording.resources if r.type.startswith("kubernetes:")]
    assert [r.provider.startswith(cluster.urn) for r in objects] == [True] * 4


def test_two_components_in_one_program_do_not_meet() -> None:
    def program() -> None:
        OpenAICompatibleLLM("mistral", MISTRAL)
        OpenAICompatibleLLM("deepseek", {"preset": "deepseek", "api_key": "k"})

    names = [each["metadata"]["name"] for each in record(program).objects()]
    assert len(names) == 8
    assert sorted(names) == sorted([f"{n}{s}" for n in ("mistral", "deepseek") for s in ("", "", "-tls", "-secret")])


def test_pulumi_can_offer_the_component_to_other_languages() -> None:
    found = Analyzer("openai-compatible-llm").analyze([OpenAICompatibleLLM])
    component = found["component_definitions"]["OpenAICompatibleLLM"]
    undescribed = [
        name
        for properties in (
            component.inputs,
            component.outputs,
            *(each.properties for each in found["type_definitions"].values()),
        )
        for name, each in properties.items()
        if not each.description
    ]
    assert undescribed == []
    assert set(component.inputs) >= {"preset", "host", "apiKey", "routePath", "rewriteHost", "gateway"}
    assert json.dumps(sorted(found["type_definitions"])) == '["AuthHeaderArgs", "GatewayArgs"]'
