"""The program: from a stack's config to components and outputs."""

import re
from typing import Any

import pytest

from tests.support.recording import Recording, program_error, record_program

CANARY = "sk-canary-8c1f"


@pytest.fixture(autouse=True)
def _no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MISTRAL_API_KEY", "DEEPSEEK_API_KEY", "HOUSE_EU_API_KEY", "MISTRAL_DEEPSEEK_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def stack_outputs(recording: Recording) -> Any:
    return next(outputs for urn, outputs in recording.outputs.items() if "pulumi:pulumi:Stack::" in urn)


def test_a_provider_named_like_a_preset_needs_only_its_key() -> None:
    recording = record_program({"providers": {"mistral": {"apiKey": CANARY}}}, secret_keys=["providers"])
    assert recording.spec("Backend")["ai"]["llm"]["host"] == "api.mistral.ai"
    assert recording.one(":Secret").inputs["stringData"] == {"Authorization": CANARY}


def test_the_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSE_EU_API_KEY", CANARY)
    recording = record_program({"providers": {"house-eu": {"host": "llm.example.com"}}})
    assert recording.one(":Secret").inputs["stringData"] == {"Authorization": CANARY}
    assert recording.one(":Secret").secret_inputs == {"stringData"}


def test_the_stacks_key_takes_precedence_over_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "sk-other")
    recording = record_program({"providers": {"mistral": {"apiKey": CANARY}}})
    assert recording.one(":Secret").inputs["stringData"] == {"Authorization": CANARY}


def test_a_key_from_the_config_is_a_secret_everywhere() -> None:
    recording = record_program({"providers": {"mistral": {"apiKey": CANARY}}}, secret_keys=["providers"])
    assert recording.one(":Secret").secret_inputs == {"stringData"}
    assert CANARY not in recording.outside_secrets()


def test_arguments_are_written_in_camel_case() -> None:
    mistral = {
        "apiKey": "k",
        "routePath": "/m",
        "rewriteHost": True,
        "endpoints": "chat",
        "authHeader": {"headerName": "api-key"},
        "api": "agentgateway",
        "gateway": {"name": "edge"},
    }
    recording = record_program({"providers": {"mistral": mistral}})
    route = recording.spec("HTTPRoute")
    assert route["parentRefs"] == [{"name": "edge", "namespace": "gloo-system"}]
    matches = [match["path"] for rule in route["rules"] for match in rule["matches"]]
    assert matches == [{"type": "Exact", "value": "/m"}, {"type": "PathPrefix", "value": "/m"}]
    auth = recording.spec("AgentgatewayBackend")["policies"]["auth"]
    assert auth["location"] == {"header": {"name": "api-key"}}


def test_a_gateway_of_the_stack_applies_to_all_its_providers() -> None:
    house = {"host": "llm.example.com", "apiKey": "k", "gateway": {"name": "inner"}}
    providers = {"mistral": {"apiKey": "k"}, "deepseek": {"apiKey": "k"}, "house": house}
    recording = record_program({"gateway": {"name": "edge", "namespace": "gateways"}, "providers": providers})
    parents = {each.name: each.inputs["spec"]["parentRefs"][0]["name"] for each in recording.all(":HTTPRoute")}
    assert parents == {"mistral": "edge", "deepseek": "edge", "house": "inner"}


def test_a_namespace_of_the_stack_applies_to_all_its_providers() -> None:
    providers = {"mistral": {"apiKey": "k"}, "deepseek": {"apiKey": "k", "namespace": "elsewhere"}}
    recording = record_program({"namespace": "llm-prod", "providers": providers})
    namespaces = {(each["metadata"]["name"], each["metadata"]["namespace"]) for each in recording.objects()}
    assert {namespace for name, namespace in namespaces if name.startswith("mistral")} == {"llm-prod"}
    assert {namespace for name, namespace in namespaces if name.startswith("deepseek")} == {"elsewhere"}
    assert recording.one(":HTTPRoute", "mistral").inputs["spec"]["parentRefs"][0]["namespace"] == "llm-prod"


def test_an_invalid_namespace_of_the_stack_is_refused() -> None:
    message = program_error({"namespace": "LLM", "providers": {"mistral": {"apiKey": CANARY}}})
    assert message.startswith('Stack prod: providers.mistral.namespace: "LLM" is not a valid namespace')


def test_an_argument_that_the_stacks_gateway_api_lacks_is_refused() -> None:
    house = {"host": "llm.example.com", "apiKey": CANARY, "authHeader": {"headerName": "api-key"}}
    assert program_error({"api": "kgateway", "providers": {"house": house}}) == (
        "Stack prod: providers.house.authHeader.headerName: these gateways always send `Authorization: Bearer <key>`; "
        "give `api: agentgateway`"
    )
    recording = record_program({"api": "kgateway", "providers": {"house": {**house, "api": "agentgateway"}}})
    assert recording.one(":AgentgatewayBackend").name == "house"


def test_a_provider_may_override_the_stacks_gateway_api() -> None:
    providers = {"mistral": {"apiKey": "k"}, "deepseek": {"apiKey": "k", "api": "kgateway"}}
    recording = record_program({"api": "agentgateway", "providers": providers})
    assert recording.one(":AgentgatewayBackend").name == "mistral"
    assert recording.one(":Backend").name == "deepseek"


def test_an_unknown_gateway_api_is_refused() -> None:
    message = program_error({"api": "agentgatway", "providers": {"mistral": {"apiKey": CANARY}}})
    assert (
        message == 'Stack prod: providers.mistral.api: "agentgatway" is not a valid value; did you mean `agentgateway`?'
    )


def test_a_provider_may_have_another_name_than_its_preset() -> None:
    recording = record_program({"providers": {"eu": {"preset": "mistral", "apiKey": "k"}}})
    assert recording.one(":Backend", "eu").inputs["spec"]["ai"]["llm"]["host"] == "api.mistral.ai"


def test_the_stacks_outputs_have_the_url_and_the_objects_of_each_provider() -> None:
    other = {"name": "other", "namespace": "edge"}
    config = {
        "gateway": {"url": "https://llm.example.com"},
        "providers": {"mistral": {"apiKey": "k", "model": "m"}, "deepseek": {"apiKey": "k", "gateway": other}},
    }
    where = {"namespace": "gloo-system"}
    assert stack_outputs(record_program(config)) == {
        "providers": {
            "mistral": {
                "path": "/mistral",
                "url": "https://llm.example.com/mistral/v1",
                "host": "api.mistral.ai",
                "model": "m",
                "models": [],
                "routeName": "mistral",
                "tlsPolicyName": "mistral-tls",
                **where,
            },
            "deepseek": {
                "path": "/deepseek",
                "host": "api.deepseek.com",
                "models": [],
                "routeName": "deepseek",
                "tlsPolicyName": "deepseek-tls",
                **where,
            },
        }
    }


def test_a_missing_key_is_reported_in_one_line_with_both_ways_to_give_it() -> None:
    assert program_error({"providers": {"mistral": {}}}) == (
        "Stack prod has no API key for provider mistral. Set it with "
        "`pulumi config set -s prod --secret --path 'providers.mistral.apiKey'`, "
        "or in the environment as MISTRAL_API_KEY."
    )


def test_every_provider_without_a_key_is_named() -> None:
    message = program_error({"providers": {"mistral": {}, "deepseek": {"apiKey": CANARY}, "house": {"host": "h"}}})
    assert re.findall(r" for provider (\w+)\.", message) == ["mistral", "house"]
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "Stack prod has no providers."),
        ({"providers": {}}, "Stack prod has no providers."),
        ({"providers": f"[{CANARY}"}, "Stack prod: openai-compatible-llm:providers must be a group of settings"),
        ({"providers": [CANARY]}, "Stack prod: openai-compatible-llm:providers must be a group of settings"),
        (
            {"providers": {"mistral": CANARY}},
            "Stack prod: providers.mistral: must be a group of settings, such as {model: ...}",
        ),
        (
            {"providers": {"mistral": {}}, "gateway": "edge"},
            "openai-compatible-llm:gateway must be a group of settings",
        ),
        ({"providers": {"mistral": {"apiKey": CANARY, "modle": "m"}}}, "did you mean `model`?"),
    ],
)
def test_invalid_config_is_refused_without_showing_it(config: dict[str, Any], message: str) -> None:
    assert message in program_error(config)


def test_every_problem_of_every_provider_is_a_line_in_camel_case() -> None:
    config = {
        "gatway": {"name": "edge"},
        "providers": {
            "mistral": {"modle": "m", "route_path": "/m", "apiKey": CANARY},
            "house": {"host": "h:1", "apiKeySecret": {"nam": "x"}},
            "eu": {"preset": "mistral", "port": 0},
            "good": {"preset": "mistral", "apiKey": CANARY},
        },
    }
    assert program_error(config).splitlines() == [
        "Stack prod: openai-compatible-llm:gatway: unknown setting; did you mean `gateway`?",
        "Stack prod: providers.mistral.modle: unknown argument; did you mean `model`?",
        "Stack prod: providers.mistral.route_path: unknown argument; did you mean `routePath`?",
        'Stack prod: providers.house.host: "h:1" has a port; give the host name alone, and the port as `port`',
        "Stack prod: providers.house.apiKeySecret.name: required",
        "Stack prod: providers.house.apiKeySecret.nam: unknown argument; did you mean `name`?",
        "Stack prod: providers.eu.port: 0 is not a port; give 1 to 65535",
        "Stack prod has no API key for provider eu. Set it with "
        "`pulumi config set -s prod --secret --path 'providers.eu.apiKey'`, or in the environment as EU_API_KEY or MISTRAL_API_KEY.",
    ]


def test_an_existing_secret_or_passthrough_needs_no_key() -> None:
    providers = {"mistral": {"apiKeySecret": {"name": "keys"}}, "deepseek": {"passthrough": True}}
    recording = record_program({"providers": providers})
    assert recording.all(":Secret") == []


def test_labels_keep_their_spelling() -> None:
    config = {"providers": {"mistral": {"apiKey": "k", "labels": {"costCenter": "x"}}}}
    assert record_program(config).one(":Backend").inputs["metadata"]["labels"] == {"costCenter": "x"}


def test_a_refused_label_keeps_its_spelling() -> None:
    config = {"providers": {"mistral": {"apiKey": "k", "labels": {"cost_center!": "x"}}}}
    assert program_error(config).startswith('Stack prod: providers.mistral.labels["cost_center!"]: ')


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ({}, {}, True),
        ({"gateway": {"name": "edge"}}, {}, False),
        ({"gateway": {"sectionName": "http"}}, {}, True),
        ({"gateway": {"sectionName": "http"}}, {"gateway": {"sectionName": "https"}}, False),
        ({"hostnames": ["a.example.com"]}, {}, True),
        ({"hostnames": ["a.example.com"]}, {"hostnames": ["b.example.com"]}, False),
        ({"hostnames": ["a.example.com", "b.example.com"]}, {"hostnames": ["b.example.com"]}, True),
        ({"hostnames": ["*.example.com"]}, {"hostnames": ["a.example.com"]}, True),
        ({"hostnames": ["*.example.com"]}, {"hostnames": ["*.eu.example.com"]}, True),
        ({"hostnames": ["*.example.com"]}, {"hostnames": ["example.com"]}, False),
        ({"hostnames": ["*.a.example.com"]}, {"hostnames": ["*.b.example.com"]}, False),
        ({"routePath": "/other"}, {}, False),
        ({"routePath": "/llm2"}, {}, False),
    ],
)
def test_two_providers_can_not_share_a_route(one: dict[str, Any], other: dict[str, Any], clash: bool) -> None:
    base = {"preset": "mistral", "apiKey": CANARY, "routePath": "/llm"}
    config = {"providers": {"one": {**base, **one}, "other": {**base, **other}}}
    if clash:
        assert program_error(config) == (
            'Stack prod: providers.other.routePath: "/llm" at the Gateway gloo-system/agentgateway '
            "is already the route of provider one; give another"
        )
    else:
        assert len(record_program(config).objects()) == 8


ALL = {"api": "agentgateway"}


@pytest.mark.parametrize(
    ("one", "other", "taken"),
    [
        # Whatever the endpoints: the URL that the component publishes, and what chat clients send below it.
        ({"routePath": "/"}, {"routePath": "/v1"}, "/v1"),
        ({"routePath": "/x"}, {"routePath": "/x/v1"}, "/x/v1"),
        ({"routePath": "/x"}, {"routePath": "/x/chat"}, "/x/chat"),
        ({"routePath": "/x"}, {"routePath": "/x/v1/chat/completions"}, "/x/v1/chat/completions"),
        ({"routePath": "/"}, {"routePath": "/chat"}, "/chat"),
        ({"routePath": "/x/v1"}, {"routePath": "/x/v1/v1"}, "/x/v1/v1"),
        # What clients send to all endpoints.
        ({"routePath": "/x", **ALL}, {"routePath": "/x/v1"}, "/x/v1"),
        ({"routePath": "/x", **ALL}, {"routePath": "/x/models"}, "/x/models"),
        ({"routePath": "/x", **ALL}, {"routePath": "/x/v1/embeddings"}, "/x/v1/embeddings"),
        ({"routePath": "/x", **ALL}, {"routePath": "/x/v1/audio/speech"}, "/x/v1/audio/speech"),
        ({"routePath": "/", **ALL}, {"routePath": "/files"}, "/files"),
        # Chat clients never send these.
        ({"routePath": "/x"}, {"routePath": "/x/models"}, None),
        ({"routePath": "/x"}, {"routePath": "/x/v1/embeddings"}, None),
        ({"routePath": "/x"}, {"routePath": "/x/chat/other"}, None),
        # A path below another that nobody's clients send to.
        ({"routePath": "/llm"}, {"routePath": "/llm/deepseek"}, None),
        ({"routePath": "/llm", **ALL}, {"routePath": "/llm/deepseek", **ALL}, None),
        ({"routePath": "/", **ALL}, {"routePath": "/deepseek", **ALL}, None),
        ({"routePath": "/", **ALL}, {"routePath": "/v1/deepseek", **ALL}, None),
        ({"routePath": "/x", **ALL}, {"routePath": "/x/v1beta", **ALL}, None),
        ({"routePath": "/x", **ALL}, {"routePath": "/x/modelsets", **ALL}, None),
        ({"routePath": "/x"}, {"routePath": "/xv1"}, None),
        # Other listeners and host names.
        ({"routePath": "/x"}, {"routePath": "/x/v1", "gateway": {"name": "edge"}}, None),
        ({"routePath": "/x", "hostnames": ["*.a.com"]}, {"routePath": "/x/v1", "hostnames": ["b.a.com"]}, "/x/v1"),
        ({"routePath": "/x", "hostnames": ["a.com"]}, {"routePath": "/x/v1", "hostnames": ["b.com"]}, None),
    ],
)
def test_a_route_that_takes_the_requests_of_anothers_clients_is_refused(
    one: dict[str, Any], other: dict[str, Any], taken: str | None
) -> None:
    base = {"preset": "mistral", "apiKey": CANARY}
    providers = {"one": {**base, **one}, "other": {**base, **other}}
    for config in ({"providers": providers}, {"providers": dict(reversed(providers.items()))}):
        if taken is None:
            assert len(record_program(config).objects()) >= 8
        else:
            assert program_error(config) == (
                f'Stack prod: providers.other.routePath: "{other["routePath"]}" at the Gateway gloo-system/agentgateway '
                f"takes the requests that clients of provider one send to {taken}; give another"
            )


@pytest.mark.parametrize(
    ("hostnames", "url", "clash"),
    [
        # The Gateway gives the host of the published URL to the route that names it, whatever the paths.
        (["llm.example.com"], "https://llm.example.com", True),
        (["*.example.com"], "https://llm.example.com:8443", True),
        (["house.example.com"], "https://llm.example.com", False),
        (["house.example.com"], None, False),
    ],
)
def test_a_route_that_takes_the_host_of_anothers_url_is_refused(
    hostnames: list[str], url: str | None, clash: bool
) -> None:
    house = {"host": "h", "apiKey": CANARY, "routePath": "/", "hostnames": hostnames}
    gateway = {"gateway": {"url": url}} if url else {}
    config = {**gateway, "providers": {"mistral": {"apiKey": CANARY}, "house": house}}
    if clash:
        assert program_error(config) == (
            'Stack prod: providers.house.routePath: "/" at the Gateway gloo-system/agentgateway takes the requests that '
            "clients of provider mistral send to /mistral; give another"
        )
    else:
        assert len(record_program(config).objects()) == 8


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gpt-4.5", 'providers["gpt-4.5"].apiKey'),
        ("mistral-eu", "providers.mistral-eu.apiKey"),
        ('a"b', 'providers["a\\"b"].apiKey'),
        ("it's", """providers["it'\\''s"].apiKey"""),
        ("a b", 'providers["a b"].apiKey'),
        ("[0]", 'providers["[0]"].apiKey'),
    ],
)
def test_a_command_quotes_the_name_in_it(name: str, path: str) -> None:
    (line,) = [each for each in program_error({"providers": {name: {"host": "h"}}}).splitlines() if "API key" in each]
    assert line.startswith(
        f"Stack prod has no API key for provider {name}. Set it with `pulumi config set -s prod --secret --path '{path}'`, "
    )


def test_a_stack_without_providers_gets_a_command_that_adds_one() -> None:
    assert program_error({}) == (
        "Stack prod has no providers. Add one, for example: "
        "pulumi config set -s prod --path 'providers.mistral.model' mistral-medium-latest"
    )


def test_a_key_in_plain_text_in_the_stack_file_causes_a_warning() -> None:
    config = {"providers": {"mistral": {"apiKey": CANARY}}}
    (warning,) = record_program(config).warnings
    assert "the API key of provider mistral in plain text" in warning
    assert CANARY not in warning
    assert record_program(config, secret_keys=["providers"]).warnings == []


def test_an_invalid_key_in_the_config_is_refused_without_showing_it() -> None:
    for key in (f"{CANARY}\n", f"Bearer {CANARY}", {"secure": CANARY}):
        assert "providers.mistral.apiKey: " in program_error({"providers": {"mistral": {"apiKey": key}}})
