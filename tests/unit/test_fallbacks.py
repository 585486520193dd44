"""The arguments `fallbacks`, `retries` and `request_timeout_seconds`: who gets a request, and how often."""

from typing import Any

import pulumi
import pytest

from components import InvalidArguments
from components.openai_compatible_llm.inputs import parse
from components.openai_compatible_llm.presets import PRESETS
from tests.support.recording import record
from tests.unit.example_component import Arguments, ExampleComponent, unknown_output

CANARY = "sk-canary-8c1f"
OTHER_CANARY = "sk-canary-2nd-7b40"
MISTRAL = ExampleComponent(preset="mistral", model="large", api_key=CANARY, api="agentgateway")
KGATEWAY = {"api": "kgateway"}
DEEPSEEK: dict[str, Any] = {"name": "deepseek", "preset": "deepseek", "model": "flash", "api_key": OTHER_CANARY}
HEALTH = {
    "unhealthyCondition": (
        "has(proxy.upstreamDuration) && (default(response.code, 599) >= 500 || default(response.code, 599) == 429)"
    ),
    "eviction": {"duration": "3s"},
}
CODES = [429, 500, 502, 503, 504]
REMOVAL = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["Authorization"]}}
PRESET_NAMES = ", ".join(sorted(PRESETS))


def providers(*fallbacks: dict[str, Any], **args: Any) -> list[Any]:
    return MISTRAL.record(fallbacks=list(fallbacks), **args).providers()


def policy(**args: Any) -> Any:
    return MISTRAL.record(**args).spec("AgentgatewayPolicy")


def timeouts(**args: Any) -> Any:
    first, *others = (rule.get("timeouts") for rule in MISTRAL.record(**args).spec("HTTPRoute")["rules"])
    assert others in ([], [first])
    return first


def test_each_provider_is_a_group_of_its_own_in_the_order_of_use() -> None:
    house = {"name": "house", "base_url": "https://llm.example.com:8443/api", "model": "m", "api_key": "k"}
    expected = [
        ("mistral", "mistral-secret", "large", "api.mistral.ai", 443, "/v1/chat/completions"),
        ("deepseek", "mistral-deepseek-secret", "flash", PRESETS["deepseek"].host, 443, PRESETS["deepseek"].path),
        ("house", "mistral-house-secret", "m", "llm.example.com", 8443, "/api/chat/completions"),
    ]
    assert MISTRAL.record(fallbacks=[DEEPSEEK, house]).spec("AgentgatewayBackend") == {
        "ai": {"groups": [{"providers": [provider(*each)]} for each in expected]}
    }


def provider(name: str, secret: str, model: str, host: str, port: int, path: str) -> dict[str, Any]:
    policies = {"auth": {"secretRef": {"name": secret}}, "health": HEALTH, "tls": {"sni": host}}
    return {
        "name": name,
        "openai": {"model": model},
        "host": host,
        "port": port,
        "path": path,
        "policies": policies,
    }


def test_each_provider_has_a_secret_with_its_own_key() -> None:
    recording = MISTRAL.record(fallbacks=[DEEPSEEK])
    assert {each.name: each.inputs["stringData"] for each in recording.all(":Secret")} == {
        "mistral-secret": {"Authorization": CANARY},
        "mistral-deepseek-secret": {"Authorization": OTHER_CANARY},
    }
    assert all(each.secret_inputs == {"stringData"} for each in recording.all(":Secret"))
    assert not any(key in recording.outside_secrets() for key in (CANARY, OTHER_CANARY))


def test_one_existing_secret_may_serve_two_providers() -> None:
    shared = {"api_key": None, "api_key_secret": {"name": "house-key"}}
    eu = {"name": "eu", "host": "eu.example.com", "model": "m", "api_key_secret": {"name": "house-key"}}
    recording = MISTRAL.record(**shared, fallbacks=[eu])
    assert [each["policies"]["auth"] for each in recording.providers()] == [{"secretRef": {"name": "house-key"}}] * 2
    assert "Secret" not in recording.kinds()


def test_two_fallbacks_of_one_preset_are_two_keys_of_one_provider() -> None:
    one, other = (
        {"name": f"key-{number}", "preset": "mistral", "api_key": f"sk-canary-key-{number}"} for number in (2, 3)
    )
    found = providers(one, other)
    assert {each["host"] for each in found} == {"api.mistral.ai"}
    secrets = [each["policies"]["auth"]["secretRef"]["name"] for each in found]
    assert secrets == ["mistral-secret", "mistral-key-2-secret", "mistral-key-3-secret"]


def test_a_fallback_on_the_components_host_has_its_model_unless_it_has_one_of_its_own() -> None:
    same = {"name": "same", "base_url": "https://api.mistral.ai/v1", "api_key": "k"}
    own = {"name": "own", "preset": "mistral", "model": "small", "api_key": "k"}
    assert [each["openai"]["model"] for each in providers(same, own)] == ["large", "large", "small"]


def test_without_a_model_every_provider_gets_the_requests_own() -> None:
    assert [each["openai"] for each in providers({**DEEPSEEK, "model": None}, model=None)] == [{}, {}]


def test_a_fallback_has_its_own_header_and_certificate() -> None:
    house = {
        "name": "house",
        "host": "10.0.0.7",
        "port": 8443,
        "model": "m",
        "api_key": "k",
        "auth_header": {"header_name": "api-key"},
        "tls": {"hostname": "llm.internal", "ca_certificate_configmap": "house-ca"},
    }
    first, second = providers(house)
    assert second["policies"]["auth"] == {
        "secretRef": {"name": "mistral-house-secret"},
        "location": {"header": {"name": "api-key"}},
    }
    assert second["policies"]["tls"] == {"sni": "llm.internal", "caCertificateRefs": [{"name": "house-ca"}]}
    assert first["policies"]["auth"] == {"secretRef": {"name": "mistral-secret"}}
    assert all(REMOVAL in rule["filters"] for rule in MISTRAL.record(fallbacks=[house]).spec("HTTPRoute")["rules"])


PLAIN_HTTP: dict[str, Any] = {"port": 8000, "tls": {"disabled": True}}


@pytest.mark.parametrize(
    ("first", "second"), [({}, {}), (PLAIN_HTTP, {}), ({}, PLAIN_HTTP), (PLAIN_HTTP, PLAIN_HTTP)], ids=str
)
def test_each_provider_has_tls_or_plain_http_of_version_1_1(first: dict[str, Any], second: dict[str, Any]) -> None:
    given = (first, second)
    recording = MISTRAL.record(preset=None, host="vllm-a", **first, fallbacks=[{**DEEPSEEK, **second}])
    policies = [each["policies"] for each in recording.providers()]
    assert [each.get("http") for each in policies] == [{"version": "HTTP1"} if each else None for each in given]
    hosts = ("vllm-a", PRESETS["deepseek"].host)
    expected = [None if each else {"sni": host} for each, host in zip(given, hosts, strict=True)]
    assert [each.get("tls") for each in policies] == expected
    assert "BackendTLSPolicy" not in recording.kinds()


def test_a_late_base_url_of_a_fallback_may_turn_out_to_be_http() -> None:
    def args() -> dict[str, Any]:
        url = pulumi.Output.from_input("http://vllm:8000/v1")
        return {"fallbacks": [{**DEEPSEEK, "preset": None, "base_url": url}]}

    _, second = MISTRAL.record(args).providers()
    assert second["policies"]["http"] == {"version": "HTTP1"}


KEYLESS: dict[str, Any] = {"api_key": None, "keyless": True}


def test_a_provider_without_a_key_gets_none_and_not_the_callers_beside_one_that_has_its_own() -> None:
    vllm = {"preset": None, "base_url": "http://vllm:8000/v1", "model": "large"}
    for first, second in ((KEYLESS, {}), ({}, KEYLESS), (KEYLESS, KEYLESS)):
        recording = MISTRAL.record(**vllm, **first, fallbacks=[{**DEEPSEEK, **second}])
        auths = [each["policies"].get("auth") for each in recording.providers()]
        names = ("mistral-secret", "mistral-deepseek-secret")
        assert auths == [
            None if given else {"secretRef": {"name": name}} for given, name in zip((first, second), names, strict=True)
        ]
        assert recording.kinds().count("Secret") == 2 - auths.count(None)
        for rule in recording.spec("HTTPRoute")["rules"]:
            assert [each["type"] for each in rule["filters"]] == ["RequestHeaderModifier", "URLRewrite"]
            assert REMOVAL in rule["filters"]


@pytest.mark.parametrize(
    "args", [{}, {"preset": None, "host": "10.0.0.7", "tls": {"hostname": "llm.internal"}}], ids=str
)
def test_the_route_sets_no_host_because_each_provider_has_its_own(args: dict[str, Any]) -> None:
    route = MISTRAL.record(**args, fallbacks=[DEEPSEEK]).spec("HTTPRoute")
    rewrites = [each["urlRewrite"] for rule in route["rules"] for each in rule["filters"]]
    assert [set(rewrite) for rewrite in rewrites] == [{"path"}, {"path"}]


def test_with_fallbacks_the_endpoints_are_chat_unless_said_otherwise() -> None:
    default, chat, both = (MISTRAL.record(fallbacks=[DEEPSEEK], endpoints=each) for each in (None, "chat", "all"))
    assert default.objects() == chat.objects()
    prefix = PRESETS["deepseek"].path.removesuffix("/chat/completions")
    assert [each["pathPrefix"] for each in both.providers()] == ["/v1", prefix]
    assert list(both.spec("AgentgatewayBackend")["policies"]) == ["ai"]


def test_the_objects_are_created_in_an_order_that_never_routes_without_a_key_or_policy() -> None:
    recording = MISTRAL.record(fallbacks=[DEEPSEEK])
    assert recording.kinds() == ["Secret", "Secret", "AgentgatewayBackend", "AgentgatewayPolicy", "HTTPRoute"]
    *secrets, backend, of_route, route = (r for r in recording.resources if r.type.startswith("kubernetes:"))
    assert [each.dependencies for each in secrets] == [[], []]
    assert set(backend.dependencies) == {each.urn for each in secrets}
    assert of_route.dependencies == [backend.urn]
    assert set(route.dependencies) == {backend.urn, of_route.urn}


def test_the_policy_is_the_routes_and_among_the_outputs() -> None:
    recording = MISTRAL.record(fallbacks=[DEEPSEEK])
    (target,) = recording.spec("AgentgatewayPolicy")["targetRefs"]
    assert target == {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "mistral"}
    assert recording.component_outputs()["policyName"] == "mistral"
    assert "policyName" not in MISTRAL.record(endpoints="chat").component_outputs()


@pytest.mark.parametrize(
    ("args", "attempts", "codes", "backoff"),
    [
        ({"fallbacks": [DEEPSEEK]}, 1, CODES, "50ms"),
        ({"fallbacks": [DEEPSEEK, {**DEEPSEEK, "name": "third"}]}, 2, CODES, "50ms"),
        ({"retries": {}}, 1, CODES, "50ms"),
        ({"retries": {"attempts": 5}}, 5, CODES, "50ms"),
        ({"fallbacks": [DEEPSEEK], "retries": {"status_codes": [529], "backoff_milliseconds": 200}}, 1, [529], "200ms"),
        ({"fallbacks": [DEEPSEEK], "retries": {"attempts": 4}}, 4, CODES, "50ms"),
    ],
)
def test_a_request_is_sent_again_as_often_as_there_are_fallbacks_or_as_asked(
    args: dict[str, Any], attempts: int, codes: list[int], backoff: str
) -> None:
    retry = {"attempts": attempts, "codes": codes, "backoff": backoff}
    assert policy(**args, endpoints="chat")["traffic"] == {"retry": retry}


@pytest.mark.parametrize("args", [{}, {"fallbacks": []}, {**KGATEWAY, "fallbacks": []}])
def test_without_fallbacks_and_retries_there_is_no_policy_for_them(args: dict[str, Any]) -> None:
    recording = MISTRAL.record(**args, endpoints="chat")
    assert not {"AgentgatewayPolicy", "TrafficPolicy"} & set(recording.kinds())
    (backend,) = [each for each in recording.objects() if each["kind"].endswith("Backend")]
    assert "groups" not in backend["spec"]["ai"]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, None),
        ({"request_timeout_seconds": 30}, {"request": "30s"}),
        ({**KGATEWAY, "request_timeout_seconds": 30}, {"request": "30s"}),
        ({"request_timeout_seconds": 99999.0}, {"request": "99999s"}),
        ({"request_timeout_seconds": 30, "retries": {}}, {"backendRequest": "30s"}),
        ({"request_timeout_seconds": 30, "fallbacks": [DEEPSEEK]}, {"backendRequest": "30s"}),
    ],
)
def test_the_timeout_is_for_the_request_or_where_it_is_sent_again_for_each_attempt(
    args: dict[str, Any], expected: object
) -> None:
    assert timeouts(**args) == expected


def test_the_longest_names_fit() -> None:
    name = "a" * (253 - len("mistral--secret"))
    recording = MISTRAL.record(fallbacks=[{**DEEPSEEK, "name": name}])
    assert max(len(each["metadata"]["name"]) for each in recording.objects()) == 253


def test_seven_fallbacks_fit() -> None:
    assert len(providers(*({**DEEPSEEK, "name": f"f{number}"} for number in range(7)))) == 8


# What is added to MISTRAL, and the problems that the error then names.
# fmt: off
REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"fallbacks": [DEEPSEEK, DEEPSEEK]}, [
        'fallbacks[0].name: "deepseek" is the name of 2 fallbacks; give each its own',
        'fallbacks[1].name: "deepseek" is the name of 2 fallbacks; give each its own',
    ]),
    ({"fallbacks": [{**DEEPSEEK, "name": "mistral"}]}, ['fallbacks[0].name: "mistral" is the component\'s own name; give another']),
    ({"fallbacks": [{**DEEPSEEK, "name": None}]}, ["fallbacks[0].name: required"]),
    ({"fallbacks": [{**DEEPSEEK, "name": "EU"}]}, ['fallbacks[0].name: "EU" is not a valid name; use lower-case letters, digits, "-" and ".", with a letter or digit at each end']),
    ({"fallbacks": [{**DEEPSEEK, "name": "a" * 239}]}, ["fallbacks[0].name: 239 characters long; the limit is 238"]),
    ({"fallbacks": [{**DEEPSEEK, "api_key": None}]}, ["fallbacks[0].api_key: required, unless you give `api_key_secret` or `keyless`"]),
    ({"fallbacks": [{**DEEPSEEK, "keyless": True}]}, ["fallbacks[0].keyless: `api_key` already says where the key comes from; remove one of them"]),
    ({"fallbacks": [{**DEEPSEEK, "api_key": None, "keyless": True, "auth_header": {"prefix": "Token"}}]}, ["fallbacks[0].auth_header: has no effect with `keyless`, which sends no key; remove one"]),
    ({"fallbacks": [{**DEEPSEEK, "passthrough": True}]}, ["fallbacks[0].passthrough: unknown argument; `passthrough` is an argument of the component, not of `fallbacks`"]),
    ({"fallbacks": [{**DEEPSEEK, "api_key": "Bearer k"}]}, ['fallbacks[0].api_key: the key starts with "Bearer"; remove that, because the gateway adds it']),
    ({"fallbacks": [{**DEEPSEEK, "api_key_secret": {"name": "house"}}]}, ["fallbacks[0].api_key_secret: `api_key` already says where the key comes from; remove one of them"]),
    ({"fallbacks": [{**DEEPSEEK, "preset": None}]}, [f"fallbacks[0].host: required, unless you give `base_url` or a `preset`: {PRESET_NAMES}"]),
    ({"fallbacks": [{**DEEPSEEK, "preset": "depseek"}]}, ['fallbacks[0].preset: "depseek" is not a preset (for any other provider give `host` or `base_url`); did you mean `deepseek`?']),
    ({"fallbacks": [{**DEEPSEEK, "modle": "m"}]}, ["fallbacks[0].modle: unknown argument; did you mean `model`?"]),
    ({"fallbacks": [DEEPSEEK, {**DEEPSEEK, "name": "b", "port": 0}]}, ["fallbacks[1].port: 0 is not a port; give 1 to 65535"]),
    ({"fallbacks": [{**DEEPSEEK, "model": None}]}, ["fallbacks[0].model: required, because the component's `model` is for api.mistral.ai"]),
    ({"model": None, "model_aliases": {"fast": "small"}, "fallbacks": [{**DEEPSEEK, "model": None}]}, ["fallbacks[0].model: required, because the component's `model_aliases` is for api.mistral.ai"]),
    ({"api_key": None, "passthrough": True, "fallbacks": [DEEPSEEK]}, ["fallbacks: can't be used with `passthrough`, because the client has a token for one provider only; give each its key as `api_key`"]),
    ({"endpoints": "all", "fallbacks": [{**DEEPSEEK, "path": "/generate"}]}, ["fallbacks[0].path: \"/generate\" doesn't end in /chat/completions, so the other endpoints' paths are unknown; give one that does, or the component's `endpoints: chat`"]),
    ({"fallbacks": [{**DEEPSEEK, "name": f"f{number}"} for number in range(8)]}, ["fallbacks: 8 entries; give at most 7"]),
    ({"fallbacks": DEEPSEEK}, ["fallbacks: the value is not a list of groups of settings"]),
    ({"fallbacks": "deepseek"}, ['fallbacks: "deepseek" is not a list of groups of settings']),
    ({"fallbacks": ["deepseek"]}, ['fallbacks[0]: "deepseek" is not a group of settings']),
    ({"retries": 3}, ["retries: 3 is not a group of settings"]),
    ({"retries": {"attempts": 0}}, ["retries.attempts: 0 is out of range; give 1 to 254 attempts"]),
    ({"retries": {"attempts": 255}}, ["retries.attempts: 255 is out of range; give 1 to 254 attempts"]),
    ({"retries": {"attempts": 1.5}}, ["retries.attempts: 1.5 is not an integer"]),
    ({"retries": {"status_codes": []}}, ["retries.status_codes: empty; give statuses such as 429 and 503"]),
    ({"retries": {"status_codes": [503, 429, 503]}}, ["retries.status_codes: 503 is listed twice"]),
    ({"retries": {"status_codes": [200, 429]}}, ["retries.status_codes[0]: 200 is not the status of an error; give 400 to 599"]),
    ({"retries": {"status_codes": 429}}, ["retries.status_codes: 429 is not a list of integers"]),
    ({"retries": {"backoff_milliseconds": 0}}, ["retries.backoff_milliseconds: 0 is out of range; give 1 to 99999 milliseconds"]),
    ({"retries": {"backoff_milliseconds": 100000}}, ["retries.backoff_milliseconds: 100000 is out of range; give 1 to 99999 milliseconds"]),
    ({"request_timeout_seconds": 0}, ["request_timeout_seconds: 0 is out of range; give 1 to 99999 seconds"]),
    ({"request_timeout_seconds": 100000}, ["request_timeout_seconds: 100000 is out of range; give 1 to 99999 seconds"]),
    ({"request_timeout_seconds": "30s"}, ['request_timeout_seconds: "30s" is not an integer']),
    ({**KGATEWAY, "fallbacks": [DEEPSEEK]}, ["fallbacks: these gateways stay with a provider that answers 5xx, and give the next one no Host; give `api: agentgateway`"]),
    ({**KGATEWAY, "retries": {"attempts": 1}}, ["retries: these gateways send no request again; give `api: agentgateway`"]),
    ({"port": 0, "request_timeout_seconds": 0, "fallbacks": [{"name": "B", "api_key": "k"}, {**DEEPSEEK, "api_key": None}]}, [
        "port: 0 is not a port; give 1 to 65535",
        "request_timeout_seconds: 0 is out of range; give 1 to 99999 seconds",
        'fallbacks[0].name: "B" is not a valid name; use lower-case letters, digits, "-" and ".", with a letter or digit at each end',
        f"fallbacks[0].host: required, unless you give `base_url` or a `preset`: {PRESET_NAMES}",
        "fallbacks[1].api_key: required, unless you give `api_key_secret` or `keyless`",
    ]),
]
# fmt: on


@pytest.mark.parametrize(("args", "problems"), REFUSED, ids=lambda value: str(value)[:100])
def test_what_can_not_be_is_refused(args: dict[str, Any], problems: list[str]) -> None:
    assert MISTRAL.errors(**args) == problems


def test_other_languages_get_the_problems_of_fallbacks_in_their_spelling() -> None:
    with pytest.raises(InvalidArguments) as caught:
        MISTRAL.record(fallbacks=[{**DEEPSEEK, "api_key": None, "auth_headr": {}}])
    assert caught.value.errors == [
        {"property_path": "fallbacks[0].auth_headr", "reason": "unknown argument; did you mean `authHeader`?"},
        {"property_path": "fallbacks[0].apiKey", "reason": "required, unless you give `apiKeySecret` or `keyless`"},
    ]


LATE: list[Arguments] = [
    lambda: {"fallbacks": [{**DEEPSEEK, "api_key": pulumi.Output.from_input(OTHER_CANARY)}]},
    lambda: {"fallbacks": [{**DEEPSEEK, "api_key": pulumi.Output.secret(OTHER_CANARY)}]},
    lambda: {"fallbacks": [{name: late(name, value) for name, value in DEEPSEEK.items()}]},
    lambda: {"model": pulumi.Output.from_input("large"), "fallbacks": [DEEPSEEK]},
]


def late(name: str, value: Any) -> Any:
    return value if name == "name" else pulumi.Output.from_input(value)


@pytest.mark.parametrize("args", LATE)
def test_a_late_argument_of_a_fallback_gives_the_same_objects_and_makes_no_spec_secret(args: Arguments) -> None:
    recording = MISTRAL.record(args)
    assert recording.objects() == MISTRAL.record(fallbacks=[DEEPSEEK]).objects()
    secret_inputs = {r.name: r.secret_inputs for r in recording.resources if r.secret_inputs}
    assert secret_inputs == {"mistral-secret": {"stringData"}, "mistral-deepseek-secret": {"stringData"}}


def test_late_retries_and_timeouts_give_the_same_objects() -> None:
    retries: dict[str, Any] = {"attempts": 2, "status_codes": [429, 503], "backoff_milliseconds": 10}

    def args() -> dict[str, Any]:
        codes = [pulumi.Output.from_input(code) for code in retries["status_codes"]]
        outputs = {name: pulumi.Output.from_input(value) for name, value in retries.items()} | {"status_codes": codes}
        return {"retries": outputs, "request_timeout_seconds": pulumi.Output.from_input(7)}

    assert MISTRAL.record(args).objects() == MISTRAL.record(retries=retries, request_timeout_seconds=7).objects()


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (
            lambda: {"fallbacks": [{**DEEPSEEK, "api_key": pulumi.Output.from_input(" ")}]},
            "fallbacks[0].api_key: the key is empty",
        ),
        (
            lambda: {"fallbacks": [{**DEEPSEEK, "preset": None, "host": pulumi.Output.from_input("A")}]},
            'fallbacks[0].host: "A" is not a host name; did you mean "a"?',
        ),
        (
            lambda: {"fallbacks": [{**DEEPSEEK, "model": None, "preset": pulumi.Output.from_input("deepseek")}]},
            "fallbacks[0].model: required, because the component's `model` is for api.mistral.ai",
        ),
        (
            lambda: {"retries": {"status_codes": [pulumi.Output.from_input(503), pulumi.Output.from_input(503)]}},
            "retries.status_codes: 503 is listed twice",
        ),
        (
            lambda: {"request_timeout_seconds": pulumi.Output.from_input(0)},
            "request_timeout_seconds: 0 is out of range; give 1 to 99999 seconds",
        ),
    ],
)
def test_a_late_argument_is_refused_when_it_is_resolved(args: Arguments, problem: str) -> None:
    assert MISTRAL.errors(args) == [problem]


@pytest.mark.parametrize(
    ("args", "argument"),
    [
        (lambda: {"fallbacks": pulumi.Output.from_input([DEEPSEEK])}, "fallbacks"),
        (lambda: {"fallbacks": [pulumi.Output.from_input(DEEPSEEK)]}, "fallbacks[0]"),
        (lambda: {"fallbacks": [{**DEEPSEEK, "name": pulumi.Output.from_input("eu")}]}, "fallbacks[0].name"),
        (lambda: {"retries": pulumi.Output.from_input({"attempts": 1})}, "retries"),
    ],
)
def test_what_decides_which_objects_there_are_can_not_be_late(args: Arguments, argument: str) -> None:
    problem = "must be a plain value, not a Pulumi output, because it decides which objects are created"
    assert MISTRAL.errors(args) == [f"{argument}: {problem}"]


@pytest.mark.parametrize("argument", ["api_key", "model", "preset"])
def test_a_preview_succeeds_while_an_argument_of_a_fallback_is_unknown(argument: str) -> None:
    recording = MISTRAL.preview(lambda: {"fallbacks": [{**DEEPSEEK, argument: unknown_output()}]})
    assert len(recording.objects()) == 5


def test_parsed_arguments_show_no_key() -> None:
    def program() -> None:
        args = {**MISTRAL.arguments, "fallbacks": [DEEPSEEK]}
        inputs = parse("mistral", args)
        assert CANARY not in f"{inputs!r}"
        assert OTHER_CANARY not in f"{inputs!r}"
        assert args["fallbacks"] == [DEEPSEEK]

    record(program)
