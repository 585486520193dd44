"""The rules of the policy pack, on objects that programs register. tests/e2e/test_policy_pack.py runs them in the engine."""

import ast
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from components.openai_compatible_llm.args import BackendApi
from policy.gateway_policies import access, clients, keys, tls
from policy.gateway_policies.apis import APIS, GatewayApi
from policy.gateway_policies.gateway_api import GROUP as GATEWAY_API
from policy.gateway_policies.objects import UNKNOWN, KubernetesObject, kubernetes_object
from tests.support import refused
from tests.support.arguments import accepted_arguments
from tests.support.pages import STACK_FILES
from tests.support.recording import PROJECT, Recording, record_component, record_program
from tests.support.refused import (
    KEY,
    REFUSED,
    Manifest,
    agentgateway_backend,
    backend,
    manifest,
    route,
    set_header,
    tls_policy,
)
from tests.support.repository import REPOSITORY

CASES = [
    pytest.param(rule, objects, id=f"{rule}: {name}") for rule in REFUSED for name, objects in REFUSED[rule].items()
]

PRE_ROUTING: dict[str, Any] = {"phase": "PreRouting", "jwtAuthentication": {"providers": []}}


def in_namespace(namespace: str, obj: Manifest) -> Manifest:
    return {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}


VALID: list[list[Manifest]] = [
    [backend(port=8443)],
    [agentgateway_backend(tls={})],
    [refused.two_providers(tls={})],
    [
        refused.first_and_fallback(tls={"sni": "Second.example.com"}),
        tls_policy(refused.first_and_fallback(), "first.example.com"),
    ],
    [
        refused.first_and_fallback(),
        tls_policy(refused.first_and_fallback(), "second.example.com", "second"),
    ],
    [backend(host="API.mistral.ai"), tls_policy(backend())],
    [tls_policy(backend(name="of-another-stack"), "api.deepseek.com")],
    [refused.mcp_backend(), tls_policy(refused.mcp_backend(), section="tools")],
    [route(set_header("X-Team", "llm")), route(path="/sk-north-1-cluster-gateway-internal")],
    [route(path="/sk-inferenceproduction1"), route(headers=[{"name": "Authorization", "value": "hJ2kfoT4x"}])],
    [manifest("example.com/v1", "Note", "note", {"text": "Bearer authentication is required; sk-... is a key"})],
    [manifest("apps/v1", "Deployment", "app", {"env": [{"name": "OPENAI_API_KEY", "value": KEY}]})],
    [manifest("networking.k8s.io/v1", "Ingress", "ingress", {"defaultBackend": KEY})],
    [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"Authorization": KEY}}],
    [{"length": 16}, {"kind": "Backend"}],
    [*refused.OPEN_ROUTES["an AgentgatewayBackend"], refused.access_policy()],
    [*refused.OPEN_ROUTES["an AgentgatewayBackend"], refused.access_policy("Gateway", "agentgateway")],
    [*refused.OPEN_ROUTES["an AgentgatewayBackend"], refused.access_policy(jwtAuthentication={"providers": []})],
    [*refused.OPEN_ROUTES["an AgentgatewayBackend"], refused.access_policy(basicAuthentication={})],
    [*refused.OPEN_ROUTES["an AgentgatewayBackend"], refused.access_policy(extAuth={"backendRef": {}})],
    [*refused.OPEN_ROUTES["an AgentgatewayBackend"], {**refused.access_policy(), "spec": UNKNOWN}],
    [*refused.OPEN_ROUTES["an AgentgatewayBackend"], refused.access_policy_by_labels()],
    [*refused.TWO_RULES, refused.access_policy_for("own"), refused.access_policy_for("shared")],
    [*refused.TWO_RULES, refused.access_policy()],
    [*refused.at(rules=("own", UNKNOWN)), refused.access_policy_for("own")],
    [*refused.at(refused.LISTENER), refused.access_policy_for("llm", "Gateway", "agentgateway")],
    [*refused.at(refused.LISTENER), refused.access_policy("Gateway", "agentgateway")],
    [*refused.at(refused.LISTENER), refused.access_policy("Gateway", "agentgateway", **PRE_ROUTING)],
    [
        *refused.at({**refused.LISTENER, "sectionName": UNKNOWN}),
        refused.access_policy_for("llm", "Gateway", "agentgateway"),
    ],
    [
        *refused.at(refused.LISTENER, refused.EDGE),
        refused.access_policy("Gateway", "agentgateway"),
        in_namespace("infra", refused.access_policy("Gateway", "edge")),
    ],
    [refused.agentgateway_backend(port=8443), {**refused.route_to(agentgateway_backend()), "spec": UNKNOWN}],
    [*refused.OPEN_ROUTES["a Backend"], refused.traffic_policy(extAuth={"extensionRef": {"name": "auth"}})],
    [agentgateway_backend({"passthrough": {}}, port=8443), refused.route_to(agentgateway_backend())],
    [backend({"kind": "Passthrough"}, port=8443), refused.route_to(backend())],
    [refused.keyless_backend(), refused.route_to(refused.keyless_backend())],
    [refused.route_to(agentgateway_backend())],
    [refused.access_policy(), refused.client_secret(web=refused.HASHED, cron=refused.HASHED)],
    [refused.access_policy(), refused.client_secret(web=KEY, name="of-something-else")],
    [refused.access_policy(), refused.in_another_namespace(refused.client_secret(web=KEY))],
    [refused.access_policy(jwtAuthentication={"providers": []}), refused.client_secret(web=KEY)],
    [{**refused.access_policy(), "spec": UNKNOWN}, refused.client_secret(web=KEY)],
    [refused.access_policy(), {**refused.client_secret(), "stringData": UNKNOWN}],
    [refused.access_policy(), {**refused.client_secret(), "stringData": {"web": UNKNOWN}}],
]

AGENTGATEWAY = APIS[1]

# No field, kind or value is an existing API's, so a policy that names one of those fails.
THIRD = GatewayApi(
    group="edge.example.com",
    backend="Origin",
    llm="generators",
    host="address",
    port="tcpPort",
    section="label",
    tls_hostname=("connection", "encryption", "peerName"),
    auth="credentials",
    inline_key="literal",
    secret="fromSecret",
    passthrough=("forwarded", {}),
    keyless="anonymous",
    policy="Guard",
    selectors="byLabels",
    traffic=("requests",),
    authentications=("keyCheck", "tokenCheck", "passwordCheck", "serviceCheck"),
    clients_secret=("keyCheck", "fromSecret"),
    key_hash="digest",
    unenforced=(("strictness", "Hint"), ("strictness", "Lenient")),
    header_modifiers="headerEdits",
    remedy="a Guard with keyCheck",
)

ANOTHER: dict[str, Any] = {
    "tls_hostname": (),
    "passthrough": ("another", {}),
    "traffic": ("another",),
    "authentications": (),
    "clients_secret": ("another",),
    "unenforced": (),
}
"""Other values for fields that aren't strings."""

THIRD_CASES = {
    f"{rule or 'valid'}: {name}": ({rule} - {""}, objects)
    for rule, cases in {**REFUSED, "": {str(objects): objects for objects in VALID}}.items()
    for name, objects in cases.items()
    if any(each.get("apiVersion", "").startswith(f"{AGENTGATEWAY.group}/") for each in objects)
}
"""What agentgateway's objects violate, and the third API's have to as well."""


def objects_of(properties: Iterable[Mapping[str, Any]], apis: Collection[GatewayApi] = APIS) -> list[KubernetesObject]:
    objects = (kubernetes_object(f"urn:{number}", each, apis) for number, each in enumerate(properties))
    return [each for each in objects if each]


def refusals(
    properties: Iterable[Mapping[str, Any]], allowed: Iterable[str] = (), apis: Collection[GatewayApi] = APIS
) -> dict[str, list[str]]:
    """Returns the messages of each rule that is broken."""
    objects = objects_of(properties, apis)
    violations = {
        "no-inline-token": keys.inline_tokens(objects),
        "no-key-in-spec": keys.keys_in_spec(objects),
        "backend-has-tls": tls.backends_without_tls(objects),
        "tls-hostname-is-host": tls.wrong_hostnames(objects, list(allowed)),
        "routes-ask-for-a-key": access.routes_without_authentication(objects),
        "clients-keys-are-hashed": clients.bare_client_keys(objects),
    }
    messages = {rule: [message for message, _ in each] for rule, each in violations.items()}
    return {rule: each for rule, each in messages.items() if each}


def mandatory(messages: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Leaves out what only warns."""
    return {rule: each for rule, each in messages.items() if rule not in refused.ADVISORY}


def properties_of(recording: Recording) -> list[dict[str, Any]]:
    """Returns the inputs of all resources, Kubernetes objects or not."""
    return [resource.inputs for resource in recording.resources]


def apis_of(stack: str) -> list[str]:
    """Returns all gateway APIs; for a stack that names one or has a shared URL, that one."""
    config = yaml.safe_load(stack)["config"]
    if f"{PROJECT}:shared" in config:
        return [BackendApi.AGENTGATEWAY.value]
    named = config.get(f"{PROJECT}:api")
    return [named] if named else [each.value for each in BackendApi]


@pytest.mark.parametrize(("rule", "objects"), CASES)
def test_an_object_that_breaks_one_rule_is_refused_by_that_rule_alone(rule: str, objects: list[Manifest]) -> None:
    messages = refusals(objects)
    assert set(messages) == {rule}
    assert KEY not in str(messages)


def test_a_message_says_where_and_what_is_wrong_and_what_to_do() -> None:
    messages = [refusals(refused.INLINE_TOKENS["a Backend"]), refusals(refused.KEYS_IN_SPECS["a header"])]
    messages += [refusals(refused.OPEN_ROUTES[each]) for each in ("an AgentgatewayBackend", "a Backend")]
    anyone = "HTTPRoute gloo-system/mistral: anyone who reaches the gateway may use"
    assert messages == [
        {
            "no-inline-token": [
                "Backend gloo-system/mistral: spec.ai.llm.openai.authToken.inline contains the key itself. "
                "Put it into a Secret, and name the Secret in secretRef."
            ]
        },
        {
            "no-key-in-spec": [
                "HTTPRoute gloo-system/mistral: spec.rules[0].filters[0].requestHeaderModifier.set[0].value looks like a "
                "key. Put it into a Secret, and refer to the Secret."
            ]
        },
        {
            "routes-ask-for-a-key": [
                f"{anyone} AgentgatewayBackend gloo-system/mistral, because no policy asks for a key. Give the route or its "
                "Gateway an AgentgatewayPolicy with traffic.apiKeyAuthentication; for the component, give `clients`."
            ]
        },
        {
            "routes-ask-for-a-key": [
                f"{anyone} Backend gloo-system/mistral, because no policy asks for a key. Give the route or its Gateway a "
                "TrafficPolicy with extAuth, or move to `api: agentgateway`, whose gateways check keys themselves."
            ]
        },
    ]
    assert refusals([backend(), tls_policy(backend(), "api.deepseek.com"), agentgateway_backend()]) == {
        "backend-has-tls": [
            "AgentgatewayBackend gloo-system/mistral: port 443 of api.mistral.ai expects TLS, and no BackendTLSPolicy in its "
            "namespace targets it. Create one."
        ],
        "tls-hostname-is-host": [
            'BackendTLSPolicy gloo-system/mistral-tls: validation.hostname is "api.deepseek.com", but the host of Backend '
            'gloo-system/mistral is "api.mistral.ai". If that is intended, add it to allowedHostnames in '
            "the policy's configuration."
        ],
    }


def test_the_message_about_an_open_route_names_the_rules_and_gateways_that_no_policy_guards() -> None:
    def message(case: str) -> str:
        ((only,),) = refusals(refused.OPEN_ROUTES[case]).values()
        return only.removeprefix("HTTPRoute gloo-system/mistral: anyone who reaches the gateway may use ")

    because = "because no policy asks for a key. Give the route or its Gateway an AgentgatewayPolicy with"
    remedy = "traffic.apiKeyAuthentication; for the component, give `clients`"
    hint = "A policy with `sectionName` is for that rule or listener alone"
    backend = "AgentgatewayBackend gloo-system/mistral"
    assert [
        message("a policy for another rule"),
        message("a policy for one of two Gateways"),
        message("a policy for one listener of all"),
        message("a policy that reads the model"),
    ] == [
        f"{backend} by spec.rules[0], {because} {remedy}. {hint}.",
        f"{backend} at spec.parentRefs[1], {because} {remedy}. {hint}.",
        f"{backend}, {because} {remedy}. {hint}.",
        f"{backend}, {because} {remedy}.",
    ]


def test_the_message_about_clients_keys_counts_them_and_quotes_no_entry() -> None:
    (messages,) = refusals(refused.BARE_KEYS["a bare key"]).values()
    assert messages == [
        "Secret gloo-system/mistral-clients: 1 of 2 entries have a client's key itself. Give its SHA-256 as keyHash "
        "instead."
    ]


def test_an_encoded_hash_is_one() -> None:
    assert refusals([refused.access_policy(), refused.client_secret(web=refused.HASHED, encoded=True)]) == {}


def test_each_backend_with_a_key_to_which_an_open_route_leads_is_reported() -> None:
    first, second = agentgateway_backend(port=8443), agentgateway_backend(name="deepseek", port=8443)
    route = refused.route_to(first)
    route["spec"]["rules"] += refused.route_to(second)["spec"]["rules"]
    (messages,) = refusals([first, second, route]).values()
    assert [re.findall("AgentgatewayBackend [^ ,]+", each) for each in messages] == [
        ["AgentgatewayBackend gloo-system/mistral"],
        ["AgentgatewayBackend gloo-system/deepseek"],
    ]


def test_a_key_in_a_header_that_carries_keys_is_reported_once() -> None:
    (messages,) = refusals([route(set_header("Authorization", f"Bearer {KEY}"))]).values()
    assert len(messages) == 1


def test_a_violation_names_the_object_that_is_wrong() -> None:
    objects = objects_of([backend(), tls_policy(backend(), "api.deepseek.com"), agentgateway_backend()])
    assert [urn for _, urn in tls.wrong_hostnames(objects)] == ["urn:1"]
    assert [urn for _, urn in tls.backends_without_tls(objects)] == ["urn:2"]


@pytest.mark.parametrize(
    ("file", "api"),
    [
        pytest.param(file, api, id=f"{file.stem.split('.')[1]} {api}")
        for file in sorted((REPOSITORY / "stacks").glob("Pulumi.*.yaml"))
        for api in apis_of(file.read_text())
    ],
)
def test_every_stack_passes(file: Path, api: str) -> None:
    recording = run_program(yaml.safe_load(file.read_text())["config"], api)
    assert mandatory(refusals(properties_of(recording))) == {}


@pytest.mark.parametrize(
    ("block", "api"),
    [
        pytest.param(block, api, id=f"{block.partition(chr(10))[0]} {api}")
        for block in STACK_FILES
        for api in apis_of(block)
    ],
)
def test_every_stack_in_the_readme_passes(block: str, api: str) -> None:
    assert mandatory(refusals(properties_of(run_program(yaml.safe_load(block)["config"], api)))) == {}


CLIENTS = {"web": {"apiKey": "the-key-of-the-client-web"}}
SHARED: dict[str, Any] = {
    f"{PROJECT}:shared": {"routePath": "/llm", "maxRequestBytes": 33554432, "clientLabel": True},
    f"{PROJECT}:gateway": {"name": "edge", "namespace": "infra", "sectionName": "llm"},
}


def shared_program(**of_mistral: Any) -> list[dict[str, Any]]:
    """Returns the inputs of all resources of two providers at one URL, of which the second asks for a key."""
    mistral = {"models": ["mistral-*"], **of_mistral}
    deepseek = {"models": ["deepseek-flash"], "clients": CLIENTS}
    config = {**SHARED, f"{PROJECT}:providers": {"mistral": mistral, "deepseek": deepseek}}
    return properties_of(run_program(config, "agentgateway"))


def test_of_a_shared_url_only_providers_are_open_whose_own_route_asks_for_no_key() -> None:
    (messages,) = refusals(shared_program()).values()
    assert [each.partition(",")[0] for each in messages] == [
        "HTTPRoute gloo-system/mistral: anyone who reaches the gateway may use AgentgatewayBackend gloo-system/mistral"
    ]
    assert refusals(shared_program(clients=CLIENTS)) == {}


def test_a_policy_for_the_listener_of_a_shared_url_guards_its_providers() -> None:
    guard = in_namespace("infra", refused.access_policy_for("llm", "Gateway", "edge", **PRE_ROUTING))
    assert refusals([*shared_program(), guard]) == {}


def run_program(config: dict[str, Any], api: str) -> Recording:
    """Runs the project's program with this config and gateway API, and with a key where one is needed."""
    for component in config.get(f"{PROJECT}:providers", {}).values():
        for provider in with_fallbacks(component):
            if not provider.keys() & {"apiKeySecret", "passthrough", "keyless"}:
                provider["apiKey"] = KEY
    return record_program({f"{PROJECT}:api": api, **config})


@settings(max_examples=60, deadline=None)
@given(accepted_arguments)
def test_all_objects_of_the_component_pass_except_for_a_given_tls_hostname(args: dict[str, Any]) -> None:
    providers = [{**each, **({"api_key": KEY} if "api_key" in each else {})} for each in with_fallbacks(args)]
    allowed = [each["tls"]["hostname"] for each in providers if "hostname" in each.get("tls", {})]
    fallbacks = {"fallbacks": providers[1:]} if "fallbacks" in args else {}
    recording = record_component({**providers[0], **fallbacks})
    asked = {"client_api_keys", "passthrough"} & args.keys()
    expected = set() if asked or all("keyless" in each for each in providers) else {"routes-ask-for-a-key"}
    assert set(refusals(properties_of(recording), allowed)) == expected


def with_fallbacks(args: dict[str, Any]) -> list[dict[str, Any]]:
    return [args, *args.get("fallbacks", ())]


def test_an_allowed_hostname_passes_and_no_other() -> None:
    objects = refused.WRONG_HOSTNAMES["an own certificate authority"]
    assert refusals(objects, ["LLM.internal"]) == {}
    assert refusals(refused.WRONG_HOSTNAMES["the backend's own TLS"], ["api.deepseek.com"]) == {}
    assert set(refusals(objects, ["llm.example.com"])) == {"tls-hostname-is-host"}


def test_the_hostname_for_an_address_is_not_compared() -> None:
    assert refusals([backend(host="10.0.0.1"), tls_policy(backend(), "llm.internal")]) == {}


@pytest.mark.parametrize("objects", VALID, ids=str)
def test_valid_and_unrelated_objects_pass(objects: list[Manifest]) -> None:
    assert refusals(objects) == {}


@pytest.mark.parametrize(
    "key",
    [
        "sk-0123456789abcdef0123456789abcdef",
        "sk-ant-api03-Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4AA",
        "sk-or-v1-0123456789abcdef0123456789abcdef",
        "gsk_abcdefghijklmnopqrstuvwxYZ0123456789",
        "xai-abcdefghijklmnopqrstuvwxYZ0123456789",
        "AIzaSyA-abcdefgHIJKLMNOPQRSTUVWXYZ01234",
        "hf_abcdefghijklmnopqRSTUVWXYZabcdefgh",
        "Bearer 0123456789abcdefghijklmnopqrstuv",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQ",
    ],
)
def test_the_key_formats_of_many_providers_are_recognized_in_any_custom_resource(key: str) -> None:
    for text in (key, f"before {key} after"):
        assert set(refusals([manifest("example.com/v1", "Note", "note", {"texts": [text]})])) == {"no-key-in-spec"}


def test_unknown_values_pass_but_an_unknown_inline_token_does_not() -> None:
    unnamed: Manifest = {**tls_policy(backend(), "api.deepseek.com"), "metadata": UNKNOWN}
    assert refusals([backend(), unnamed]) == {}
    assert refusals([backend(), {**tls_policy(backend()), "spec": UNKNOWN}]) == {}
    assert refusals([backend(host=UNKNOWN), tls_policy(backend(), "api.deepseek.com")]) == {}
    assert (
        refusals(
            [backend(), manifest("gateway.networking.k8s.io/v1", "BackendTLSPolicy", "x", {"targetRefs": UNKNOWN})]
        )
        == {}
    )
    assert refusals([{**backend(), "spec": UNKNOWN}, {**backend(port=8443), "metadata": UNKNOWN}]) == {}
    assert set(refusals([{**backend(host=UNKNOWN), "metadata": UNKNOWN}])) == {"backend-has-tls"}
    assert set(refusals([backend({"kind": "Inline", "inline": UNKNOWN}, port=8443)])) == {"no-inline-token"}


@pytest.mark.parametrize(("rules", "objects"), THIRD_CASES.values(), ids=THIRD_CASES)
def test_the_policies_need_nothing_but_a_record_for_a_third_api(rules: set[str], objects: list[Manifest]) -> None:
    messages = refusals([of_third_api(each) for each in objects], apis=[*APIS, THIRD])
    assert set(messages) == rules
    assert not re.search("gateway(policy|backend)|sni|secretRef", str(messages), re.IGNORECASE)


@pytest.mark.parametrize("field", [each.name for each in fields(GatewayApi)])
def test_no_field_of_a_record_is_without_effect(field: str) -> None:
    value: Any = ANOTHER.get(field, "another")
    other = replace(THIRD, **{field: value})
    cases = [[of_third_api(each) for each in objects] for _, objects in THIRD_CASES.values()]
    assert [refusals(each, apis=[other]) for each in cases] != [refusals(each, apis=[THIRD]) for each in cases]


def of_third_api(obj: Manifest) -> Manifest:
    """Writes an object of agentgateway, or a reference to one, as the third API has it."""
    group, _, version = obj.get("apiVersion", "").rpartition("/")
    words = dict(zip(names_of(AGENTGATEWAY), names_of(THIRD), strict=True))
    if obj.get("kind") != AGENTGATEWAY.backend:
        # In a reference, it isn't the section.
        del words[AGENTGATEWAY.section]
    entries = obj.get("stringData")
    if isinstance(entries, dict):
        return {**obj, "stringData": {client: entry_of_third_api(entry) for client, entry in entries.items()}}
    if group not in (AGENTGATEWAY.group, GATEWAY_API):
        return obj
    return {**translated(obj, words), "apiVersion": f"{words.get(group, group)}/{version}", "metadata": obj["metadata"]}


def entry_of_third_api(entry: Any) -> Any:
    """Writes an entry with a client's key, if it is JSON, with the third API's fields."""
    fields = {AGENTGATEWAY.key_hash: THIRD.key_hash, AGENTGATEWAY.inline_key: THIRD.inline_key}
    if entry is UNKNOWN or not entry.startswith("{"):
        return entry
    return json.dumps({fields.get(name, name): value for name, value in json.loads(entry).items()})


def translated(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {words.get(name, name): translated(each, words) for name, each in value.items()}
    if isinstance(value, list):
        return [translated(each, words) for each in value]
    return words.get(value, value) if isinstance(value, str) else value


def names_of(value: Any) -> list[str]:
    """Returns all names in a record, but for the remedy."""
    if isinstance(value, GatewayApi):
        return names_of([each for field, each in asdict(value).items() if field != "remedy"])
    return [value] if isinstance(value, str) else [name for each in value for name in names_of(each)]


def test_no_module_but_that_of_the_records_names_an_api_or_a_field_of_one() -> None:
    folder = REPOSITORY / "policy"
    modules = {folder / "__main__.py", *folder.glob("gateway_policies/**/*.py")} - {folder / "gateway_policies/apis.py"}
    # Objects of other APIs have these, too.
    names = {name for api in APIS for name in names_of(api)} - {"kind", "name"}
    for module in sorted(modules):
        source = module.read_text()
        assert not re.search("kgateway|agentgateway", source, re.IGNORECASE), module
        texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
        assert names.isdisjoint(text for text in texts if isinstance(text, str)), module
        distinctive = [name for name in names if not name.islower()]
        assert [name for name in distinctive if re.search(rf"\b{re.escape(name)}\b", source)] == [], module
