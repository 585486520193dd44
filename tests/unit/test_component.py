import asyncio
import json
from typing import Any

import pulumi
import pulumi_kubernetes
import pytest
import yaml
from pulumi.provider.experimental.analyzer import Analyzer

from components import BackendApi, Endpoints, InvalidArguments, OpenAICompatibleLLM, OpenAICompatibleLLMArgs
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


AGENTGATEWAY: OpenAICompatibleLLMArgs = {**MISTRAL, "api": BackendApi.AGENTGATEWAY}


def newer(args: Any) -> Any:
    return spec({**AGENTGATEWAY, **args}, "AgentgatewayBackend")


def test_the_newer_generation_has_the_same_provider_in_its_own_words() -> None:
    assert newer({"model": "mistral-medium-latest", "endpoints": "chat"}) == {
        "ai": {
            "provider": {
                "openai": {"model": "mistral-medium-latest"},
                "host": "api.mistral.ai",
                "port": 443,
                "path": "/v1/chat/completions",
            }
        },
        "policies": {"auth": {"secretRef": {"name": "mistral-secret"}}},
    }
    assert newer({})["ai"]["provider"]["openai"] == {}


def test_route_and_policy_point_to_the_newer_backend() -> None:
    recording = made(AGENTGATEWAY)
    (backend,) = recording.one(":HTTPRoute").inputs["spec"]["rules"][0]["backendRefs"]
    (policed,) = recording.one(":BackendTLSPolicy").inputs["spec"]["targetRefs"]
    assert (backend["group"], backend["kind"]) == ("agentgateway.dev", "AgentgatewayBackend")
    assert policed == {"name": "mistral", "kind": "AgentgatewayBackend", "group": "agentgateway.dev"}


def test_the_generation_may_be_a_plain_name() -> None:
    plain: Any = {**MISTRAL, "api": "agentgateway"}
    assert made(plain).objects() == made(AGENTGATEWAY).objects()


def test_only_backend_and_policy_are_others_in_the_other_generation() -> None:
    def places(args: OpenAICompatibleLLMArgs) -> set[tuple[str, str]]:
        return {(each["kind"], each["metadata"]["name"]) for each in made(args).objects()}

    assert places(MISTRAL) ^ places(AGENTGATEWAY) == {
        ("Backend", "mistral"),
        ("AgentgatewayBackend", "mistral"),
        ("BackendTLSPolicy", "mistral-tls"),
        ("BackendTLSPolicy", "mistral-agentgateway-tls"),
    }


@pytest.mark.parametrize(
    ("auth_header", "sent"),
    [
        ({"header_name": "api-key"}, {"name": "api-key"}),
        ({"header_name": "X-Key", "prefix": "Token"}, {"name": "X-Key", "prefix": "Token "}),
        ({"prefix": "Token"}, {"name": "Authorization", "prefix": "Token "}),
        ({"header_name": "Authorization"}, {"name": "Authorization", "prefix": "Bearer "}),
    ],
)
def test_the_newer_generation_sends_the_auth_header(auth_header: Any, sent: dict[str, str]) -> None:
    assert newer({"auth_header": auth_header})["policies"]["auth"]["location"] == {"header": sent}
    assert made({**AGENTGATEWAY, "auth_header": auth_header}).warnings == []


def test_the_newer_generation_passes_the_callers_token_on() -> None:
    args: OpenAICompatibleLLMArgs = {"preset": "mistral", "passthrough": True, "api": BackendApi.AGENTGATEWAY}
    assert spec(args, "AgentgatewayBackend")["policies"]["auth"] == {"passthrough": {}}


def test_agentgateway_is_not_waited_for_at_the_policy_which_it_accepts_only_with_its_route() -> None:
    older, newer = (
        {
            each["kind"].removeprefix("Agentgateway"): each["metadata"].get("annotations")
            for each in made({**args, "wait_for_ready": True}).objects()
        }
        for args in (MISTRAL, AGENTGATEWAY)
    )
    assert older.pop("BackendTLSPolicy") is not None
    assert newer.pop("BackendTLSPolicy") is None
    assert older == newer
    assert not made({**AGENTGATEWAY, "wait_for_ready": True}).one(":BackendTLSPolicy").timeouts


REMOVE_AUTHORIZATION = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["Authorization"]}}


@pytest.mark.parametrize(
    ("args", "removed"),
    [
        ({}, False),
        ({"auth_header": {"prefix": "Token"}}, False),
        ({"auth_header": {"header_name": "authorization"}}, False),
        ({"auth_header": {"header_name": "api-key"}}, True),
        ({"api_key": None, "passthrough": True}, False),
    ],
)
def test_with_the_key_in_another_header_the_callers_authorization_is_removed(args: Any, removed: bool) -> None:
    filters = spec({**AGENTGATEWAY, **args}, "HTTPRoute")["rules"][0]["filters"]
    assert (REMOVE_AUTHORIZATION in filters) is removed


@pytest.mark.parametrize(
    ("base_url", "host", "port", "path"),
    [
        ("https://api.mistral.ai/v1", "api.mistral.ai", 443, "/v1/chat/completions"),
        ("https://api.mistral.ai/v1/", "api.mistral.ai", 443, "/v1/chat/completions"),
        ("https://llm.example.com:8443", "llm.example.com", 8443, "/chat/completions"),
        ("http://vllm.models.svc.cluster.local:8000/v1", "vllm.models.svc.cluster.local", 8000, "/v1/chat/completions"),
        ("http://ollama/v1", "ollama", 80, "/v1/chat/completions"),
    ],
)
def test_a_base_url_says_host_port_and_path(base_url: str, host: str, port: int, path: str) -> None:
    llm = spec({"base_url": base_url, "api_key": CANARY}, "Backend")["ai"]["llm"]
    assert (llm["host"], llm["port"], llm["path"]["full"]) == (host, port, path)


def kinds(recording: Recording) -> list[str]:
    return [each["kind"] for each in recording.objects()]


@pytest.mark.parametrize(
    "args",
    [
        {"base_url": "http://vllm.models:8000/v1", "api_key": CANARY},
        {"host": "vllm.models", "port": 8000, "tls": {"disabled": True}, "api_key": CANARY},
    ],
)
def test_plain_http_makes_no_tls_policy(args: OpenAICompatibleLLMArgs) -> None:
    recording = made(args)
    assert kinds(recording) == ["Secret", "Backend", "HTTPRoute"]
    assert "tlsPolicyName" not in recording.outputs[recording.one(":OpenAICompatibleLLM").urn]


def test_a_base_url_known_only_later_must_be_https_unless_tls_is_off() -> None:
    def program(args: Any) -> None:
        url = pulumi.Output.from_input(args["base_url"])
        complete: Any = {**args, "base_url": url, "api_key": CANARY}
        OpenAICompatibleLLM("vllm", complete)

    assert kinds(record(lambda: program({"base_url": "https://vllm:8443/v1"}))).count("BackendTLSPolicy") == 1
    off = {"base_url": "http://vllm:8000/v1", "tls": {"disabled": True}}
    assert kinds(record(lambda: program(off))).count("BackendTLSPolicy") == 0
    with pytest.raises(InvalidArguments, match="base_url: an output that turned out to be http"):
        record(lambda: program({"base_url": "http://vllm:8000/v1"}))


def test_a_secret_that_is_there_already_is_used_and_none_is_made() -> None:
    recording = made({"preset": "mistral", "api_key_secret": {"name": "house-keys"}})
    assert kinds(recording) == ["Backend", "BackendTLSPolicy", "HTTPRoute"]
    token = recording.one(":Backend").inputs["spec"]["ai"]["llm"]["openai"]["authToken"]
    assert token == {"kind": "SecretRef", "secretRef": {"name": "house-keys"}}
    assert recording.outputs[recording.one(":OpenAICompatibleLLM").urn]["secretName"] == "house-keys"


def test_passthrough_leaves_the_key_to_the_caller() -> None:
    recording = made({"preset": "mistral", "passthrough": True})
    assert kinds(recording) == ["Backend", "BackendTLSPolicy", "HTTPRoute"]
    assert recording.one(":Backend").inputs["spec"]["ai"]["llm"]["openai"]["authToken"] == {"kind": "Passthrough"}
    assert "secretName" not in recording.outputs[recording.one(":OpenAICompatibleLLM").urn]


def test_passthrough_switched_off_counts_as_not_given() -> None:
    assert kinds(made({**MISTRAL, "passthrough": False, "tls": {"disabled": False}})) == kinds(made(MISTRAL))


def test_the_route_answers_to_hostnames_and_attaches_to_one_listener() -> None:
    route = spec({**MISTRAL, "hostnames": ["llm.example.com"], "gateway": {"section_name": "https"}}, "HTTPRoute")
    assert route["hostnames"] == ["llm.example.com"]
    assert route["parentRefs"] == [{"name": "agentgateway", "namespace": "gloo-system", "sectionName": "https"}]


def test_the_certificate_may_be_for_another_name_and_by_another_authority() -> None:
    args: OpenAICompatibleLLMArgs = {
        "host": "10.0.0.7",
        "tls": {"hostname": "llm.internal", "ca_certificate_configmap": "house-ca"},
        "api_key": CANARY,
    }
    assert spec(args, "BackendTLSPolicy")["validation"] == {
        "hostname": "llm.internal",
        "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "house-ca"}],
    }


def test_labels_and_annotations_go_on_all_four_objects() -> None:
    objects = made({**MISTRAL, "labels": {"team": "llm"}, "annotations": {"example.com/cost": "7"}}).objects()
    assert [each["metadata"]["labels"] for each in objects] == [{"team": "llm"}] * 4
    assert [each["metadata"]["annotations"] for each in objects] == [{"example.com/cost": "7"}] * 4


def test_without_labels_and_annotations_there_are_no_empty_maps() -> None:
    for args in (MISTRAL, OpenAICompatibleLLMArgs(**MISTRAL, labels={}, annotations={})):
        assert all(set(each["metadata"]) == {"name", "namespace"} for each in made(args).objects())


def test_nothing_waits_unless_asked_to() -> None:
    assert all(not r.timeouts for r in made(MISTRAL).resources)


def test_waiting_is_for_the_three_custom_resources_and_the_routes_own_gateway() -> None:
    recording = made({**MISTRAL, "wait_for_ready": True, "gateway": {"name": "edge"}, "annotations": {"a": "b"}})
    waits = {each["kind"]: each["metadata"]["annotations"].get("pulumi.com/waitFor") for each in recording.objects()}
    parent = '.status.parents[?@.parentRef.name=="edge"].conditions'
    assert json.loads(waits.pop("HTTPRoute")) == [
        f'jsonpath={{{parent}[?@.type=="Accepted" && @.status=="True"]}}',
        f'jsonpath={{{parent}[?@.type=="ResolvedRefs" && @.status=="True"]}}',
    ]
    assert waits == {
        "Secret": None,
        "Backend": "condition=Accepted",
        "BackendTLSPolicy": 'jsonpath={.status.ancestors[*].conditions[?@.type=="Accepted" && @.status=="True"]}',
    }
    timeouts = {r.type.rsplit(":", 1)[1]: r.timeouts for r in recording.resources if r.timeouts}
    two_minutes = {"create": "120s", "update": "120s"}
    assert timeouts == dict.fromkeys(("Backend", "HTTPRoute", "BackendTLSPolicy"), two_minutes)


def test_the_wait_can_be_made_shorter() -> None:
    recording = made({**MISTRAL, "wait_for_ready": True, "ready_timeout_seconds": 5})
    assert recording.one(":Backend").timeouts == {"create": "5s", "update": "5s"}


@pytest.mark.parametrize("auth_header", [None, {"header_name": "Authorization", "prefix": "Bearer"}])
def test_kgateway_takes_only_the_header_that_it_sends_anyway(auth_header: Any) -> None:
    assert made({**MISTRAL, "auth_header": auth_header}).objects() == made(MISTRAL).objects()


def two_providers(**options: Any) -> Recording:
    def program() -> None:
        OpenAICompatibleLLM("mistral", MISTRAL)
        OpenAICompatibleLLM("deepseek", {"preset": "deepseek", "api_key": CANARY})

    return record(program, **options)


def test_a_secret_that_a_new_key_would_replace_is_warned_of_once_a_program() -> None:
    (warning,) = two_providers(config={}).warnings
    assert "pulumi config set kubernetes:enableSecretMutable true" in warning
    assert "without a key" in warning


@pytest.mark.parametrize("value", ["true", "True", "1"])
def test_no_warning_where_the_secret_is_updated_in_place(value: str) -> None:
    assert two_providers(config={"kubernetes:enableSecretMutable": value}).warnings == []


def test_no_warning_where_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_K8S_ENABLE_SECRET_MUTABLE", "true")
    assert two_providers(config={}).warnings == []


def test_no_warning_where_there_is_no_secret_or_the_provider_is_the_programs_own() -> None:
    def with_own_provider() -> None:
        cluster = pulumi_kubernetes.Provider("cluster", enable_secret_mutable=True)
        OpenAICompatibleLLM("mistral", MISTRAL, pulumi.ResourceOptions(providers=[cluster]))

    assert record(with_own_provider, config={}).warnings == []
    assert made({"preset": "mistral", "passthrough": True}, config={}).warnings == []


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


@pytest.mark.parametrize(
    ("gateway_url", "route_path", "hostnames", "url"),
    [
        ("https://llm.example.com", "/mistral", [], "https://llm.example.com/mistral/v1"),
        ("http://127.0.0.1:8080/", "/llm/eu", [], "http://127.0.0.1:8080/llm/eu/v1"),
        ("https://example.com/gateway", "/", [], "https://example.com/gateway/v1"),
        ("https://llm.example.com", "/m", ["llm.example.com"], "https://llm.example.com/m/v1"),
        ("https://LLM.example.com", "/m", ["*.example.com"], "https://LLM.example.com/m/v1"),
        ("https://10.0.0.7:8443", "/m", ["*.example.com", "llm.example.com"], "https://llm.example.com:8443/m/v1"),
        ("https://10.0.0.7", "/m", ["*.example.com"], None),
        ("https://example.com", "/m", ["*.example.com"], None),
        (None, "/m", ["llm.example.com"], None),
    ],
)
def test_the_url_is_one_by_which_an_openai_client_reaches_the_route(
    gateway_url: str | None, route_path: str, hostnames: list[str], url: str | None
) -> None:
    args: OpenAICompatibleLLMArgs = {**MISTRAL, "route_path": route_path, "hostnames": hostnames}

    def program() -> None:
        at_once: Any = {} if gateway_url is None else {"url": gateway_url}
        later: Any = {} if gateway_url is None else {"url": pulumi.Output.from_input(gateway_url)}
        OpenAICompatibleLLM("mistral", {**args, "gateway": at_once})
        OpenAICompatibleLLM("later", {**args, "gateway": later})

    urls = [outputs.get("url") for urn, outputs in record(program).outputs.items() if "pulumi:Stack::" not in urn]
    assert urls == [url, url]


def test_arguments_known_only_later_give_the_same_objects() -> None:
    def later(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: later(each) for key, each in value.items()}
        if isinstance(value, BackendApi):
            return value
        if isinstance(value, list):
            return [later(each) for each in value]
        return pulumi.Output.from_input(value)

    args: OpenAICompatibleLLMArgs = {
        "host": "llm.example.com",
        "port": 8443,
        "model": "m",
        "api_key": CANARY,
        "namespace": "llm",
        "gateway": {"name": "edge", "namespace": "gateways"},
        "auth_header": {"header_name": "api-key"},
        "api": BackendApi.AGENTGATEWAY,
        "rewrite_host": True,
        "endpoints": Endpoints.CHAT,
        "route_path": "/x",
        "path": "/api/chat/completions",
        "hostnames": ["a.example.com", "*.b.example.com"],
        "labels": {"team": "llm"},
        "annotations": {"example.com/team": "llm"},
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
