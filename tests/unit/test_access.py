"""Who may call a route, and how much: the clients' keys and the rate limits."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from tests.support.canary import Canaries
from tests.support.recording import record_component
from tests.unit.example_component import ExampleComponent, unknown_output

PROVIDER_KEY = "sk-canary-of-the-provider-1"
WEB, CRON = "canary-client-web-0123456789", "canary-client-cron-9876543210"
CLIENTS = {"web": WEB, "cron_job.eu": CRON}
MISTRAL = ExampleComponent(preset="mistral", api_key=PROVIDER_KEY, api="agentgateway")
KGATEWAY: dict[str, Any] = {"api": "kgateway"}
ELSEWHERE: dict[str, Any] = {"api_key": None, "api_key_secret": {"name": "keys"}}
TARGET = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "mistral"}
AUTHENTICATION = {"mode": "Strict", "secretRef": {"name": "mistral-clients"}}
CHAT = {"endpoints": "chat"}


def policy(**args: Any) -> Any:
    kind = "TrafficPolicy" if args.get("api") == "kgateway" else "AgentgatewayPolicy"
    return MISTRAL.record(**args).spec(kind)


def test_the_clients_keys_are_in_a_secret_that_the_policy_names() -> None:
    recording = MISTRAL.record(**CHAT, client_api_keys=CLIENTS)
    secret = recording.one(":Secret", "mistral-clients")
    assert secret.inputs["stringData"] == CLIENTS
    assert secret.inputs["metadata"] == {"name": "mistral-clients", "namespace": "gloo-system"}
    assert recording.spec("AgentgatewayPolicy") == {
        "targetRefs": [TARGET],
        "traffic": {"apiKeyAuthentication": AUTHENTICATION},
    }
    outputs = recording.component_outputs()
    assert (outputs["clientsSecretName"], outputs["policyName"]) == ("mistral-clients", "mistral")


def test_only_the_keys_are_secret_and_they_are_nowhere_else() -> None:
    recording = MISTRAL.record(client_api_keys=CLIENTS)
    for each in recording.resources:
        assert each.secret_inputs == ({"stringData"} if each in recording.all(":Secret") else set())
    for each in recording.all(":Secret"):
        each.inputs.pop("stringData")
    assert not any(recording.secret_outputs.values())
    shown = f"{recording.resources} {recording.outputs} {recording.messages}"
    assert not Canaries(WEB, CRON, PROVIDER_KEY).are_in(shown)


def test_without_clients_or_limits_there_is_no_policy() -> None:
    for api in ("agentgateway", "kgateway"):
        recording = MISTRAL.record(**CHAT, api=api)
        assert (recording.kinds()[0], recording.kinds()[-1]) == ("Secret", "HTTPRoute")
        assert not [kind for kind in recording.kinds() if kind in ("AgentgatewayPolicy", "TrafficPolicy")]
        assert "policyName" not in recording.component_outputs()
        assert "clientsSecretName" not in recording.component_outputs()


def test_an_existing_secret_is_named_and_none_is_created_for_clients() -> None:
    recording = MISTRAL.record(**CHAT, client_api_keys_secret={"name": "team-keys"})
    assert recording.one(":Secret").name == "mistral-secret"
    traffic = recording.spec("AgentgatewayPolicy")["traffic"]
    assert traffic == {"apiKeyAuthentication": {"mode": "Strict", "secretRef": {"name": "team-keys"}}}
    assert recording.component_outputs()["clientsSecretName"] == "team-keys"


def test_one_policy_has_all_that_is_asked_of_the_route() -> None:
    spec = policy(client_api_keys=CLIENTS, rate_limits=[{"requests": 5, "per": "minute"}], retries={"attempts": 2})
    assert set(spec["traffic"]) == {"authorization", "apiKeyAuthentication", "rateLimit", "retry"}


def test_with_clients_the_backend_comes_last_after_the_route_which_comes_after_its_policies() -> None:
    dependencies = dependencies_by_kind(client_api_keys=CLIENTS)
    assert dependencies == {
        "Secret": [],
        "AgentgatewayPolicy": ["Secret", "Secret"],
        "HTTPRoute": ["AgentgatewayPolicy"],
        "AgentgatewayBackend": ["HTTPRoute", "Secret", "Secret"],
    }
    existing = dependencies_by_kind(client_api_keys_secret={"name": "team-keys"})
    assert "HTTPRoute" in existing["AgentgatewayBackend"]


def test_without_clients_the_route_comes_last_though_it_has_a_policy() -> None:
    dependencies = dependencies_by_kind(rate_limits=[{"requests": 5, "per": "minute"}])
    assert dependencies["HTTPRoute"] == ["AgentgatewayBackend", "AgentgatewayPolicy"]
    assert dependencies["AgentgatewayBackend"] == ["Secret"]


def test_with_clients_the_route_is_not_waited_for_until_it_has_found_the_backend_which_comes_later() -> None:
    waits = {}
    for clients in ({}, {"client_api_keys": CLIENTS}):
        objects = MISTRAL.record(wait_for_ready=True, **clients).objects()
        annotations = {each["kind"]: each["metadata"].get("annotations", {}) for each in objects}
        assert annotations["AgentgatewayBackend"] == {"pulumi.com/waitFor": "condition=Accepted"}
        waits[bool(clients)] = json.loads(annotations["HTTPRoute"]["pulumi.com/waitFor"])
    accepted, resolved = waits[False]
    assert "ResolvedRefs" in resolved
    assert waits[True] == [accepted]


def dependencies_by_kind(**args: Any) -> dict[str, list[str]]:
    """Returns the kinds on which each kind of object depends."""
    resources = [r for r in MISTRAL.record(**args).resources if r.type.startswith("kubernetes:")]
    kinds = {r.urn: r.type.rpartition(":")[2] for r in resources}
    return {kinds[r.urn]: sorted(kinds[urn] for urn in r.dependencies) for r in resources}


LATE: dict[str, Callable[[], dict[str, Any]]] = {
    "a map": lambda: {"client_api_keys": pulumi.Output.from_input(CLIENTS)},
    "a secret map": lambda: {"client_api_keys": pulumi.Output.secret(CLIENTS)},
    "single keys": lambda: {"client_api_keys": {name: pulumi.Output.from_input(key) for name, key in CLIENTS.items()}},
    "secret keys": lambda: {"client_api_keys": {name: pulumi.Output.secret(key) for name, key in CLIENTS.items()}},
    "one key of two": lambda: {"client_api_keys": {**CLIENTS, "web": pulumi.Output.secret(WEB)}},
    "the provider's key": lambda: {
        "client_api_keys": CLIENTS,
        "api_key": pulumi.Output.secret(PROVIDER_KEY),
    },
}


@pytest.mark.parametrize("args", LATE.values(), ids=LATE)
def test_keys_that_are_outputs_make_the_same_objects(args: Callable[[], dict[str, Any]]) -> None:
    recording = MISTRAL.record(args)
    assert recording.objects() == MISTRAL.record(client_api_keys=CLIENTS).objects()
    secret_inputs = [r.secret_inputs for r in recording.resources if not r.type.endswith(":Secret")]
    assert secret_inputs == [set()] * len(secret_inputs)


def test_a_preview_succeeds_while_a_clients_key_is_unknown() -> None:
    recording = MISTRAL.preview(lambda: {"client_api_keys": {"web": unknown_output(), "cron": CRON}})
    assert "AgentgatewayPolicy" in recording.kinds()


EMPTY = "client_api_keys: empty; give a client's key, or remove `client_api_keys` to let anyone call"
NOT_A_MAP = "client_api_keys: the value is not a map of strings"
SWAPPED = "client_api_keys: a client's name is longer than its key; give each key under its client's name"
NAME_RULE = 'is not a valid name for a client; use letters, digits, "-", "_" and "."'
BRACE = "the key starts with a brace, so the gateway would take it for JSON; give another"
LINE_BREAK = "the key has a line break, as keys read from a file often do; remove it"
BEARER = 'the key starts with "Bearer"; remove that, because clients add it'
TWICE = "another client has the same key; give each client its own"
OF_PROVIDER = "client_api_keys.web: the key is a provider's own; give the client another"
KEPT = "the key is a variable that was not expanded; give its value"

BAD_KEYS: list[tuple[Any, *tuple[str, ...]]] = [
    ({}, EMPTY),
    ({"web": "0123456789012345678"}, "client_api_keys.web: the key is 19 characters long; give at least 20"),
    ({"web": ""}, "client_api_keys.web: the key is empty"),
    ({"web": f"{WEB}\n"}, f"client_api_keys.web: {LINE_BREAK}"),
    ({"web": f" {WEB}"}, "client_api_keys.web: the key has spaces around it; remove them"),
    ({"web": f"Bearer {WEB}"}, f"client_api_keys.web: {BEARER}"),
    ({"web": "$WEB_KEY_OF_THE_CLIENTS"}, f"client_api_keys.web: {KEPT}"),
    ({"web": '{"key": "' + WEB + '"}'}, f"client_api_keys.web: {BRACE}"),
    ({"web": "{" + WEB}, f"client_api_keys.web: {BRACE}"),
    ({"web": PROVIDER_KEY}, OF_PROVIDER),
    ({"web": WEB, "cron": WEB}, f"client_api_keys.web: {TWICE}", f"client_api_keys.cron: {TWICE}"),
    ({"web team": WEB}, f'client_api_keys["web team"]: "web team" {NAME_RULE}'),
    ({"web/eu": WEB}, f'client_api_keys["web/eu"]: "web/eu" {NAME_RULE}'),
    ({"": WEB}, f'client_api_keys[""]: "" {NAME_RULE}'),
    ({"..": WEB}, f'client_api_keys[".."]: ".." {NAME_RULE}'),
    ({WEB: "web"}, SWAPPED),
    ({WEB: "web", CRON: "cron"}, SWAPPED),
    ({"web": 5}, "client_api_keys.web: the value is not a string"),
    ({"web": {"secure": WEB}}, "client_api_keys.web: the value is not a string"),
    ([WEB], NOT_A_MAP),
    (WEB, NOT_A_MAP),
]


@pytest.mark.parametrize(("keys", "errors"), [(keys, errors) for keys, *errors in BAD_KEYS])
def test_keys_that_would_not_do_are_refused_and_so_is_their_output(keys: Any, errors: list[str]) -> None:
    assert MISTRAL.errors(client_api_keys=keys) == errors
    assert MISTRAL.errors(lambda: {"client_api_keys": pulumi.Output.from_input(keys)}) == errors


def test_a_clients_key_that_is_the_providers_is_refused_even_if_both_are_outputs() -> None:
    late = pulumi.Output.secret
    errors = MISTRAL.errors(lambda: {"client_api_keys": {"web": late(PROVIDER_KEY)}, "api_key": late(PROVIDER_KEY)})
    assert errors == [OF_PROVIDER]


def test_a_clients_key_that_is_a_fallbacks_is_refused() -> None:
    fallback = {"name": "second", "host": "llm.example.com", "api_key": WEB}
    assert MISTRAL.errors(client_api_keys={"web": WEB}, fallbacks=[fallback]) == [OF_PROVIDER]


NO_CLIENT_KEYS = "these gateways can't check the keys of clients; give `api: agentgateway`"
REMOVED = (
    "the gateway removes the client's key from the request, so with `passthrough` the provider would get none; "
    "remove one of them"
)
PASSTHROUGH: dict[str, Any] = {"api_key": None, "passthrough": True}
SECOND: dict[str, Any] = {"name": "second", "host": "llm.example.com"}


SAID_TWICE = "`client_api_keys` already says which keys clients have; remove one of them"
BAD_NAME = 'is not a valid name; use lower-case letters, digits, "-" and ".", with a letter or digit at each end'


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {"client_api_keys": CLIENTS, "client_api_keys_secret": {"name": "keys"}},
            f"client_api_keys_secret: {SAID_TWICE}",
        ),
        ({**PASSTHROUGH, "client_api_keys": CLIENTS}, f"client_api_keys: {REMOVED}"),
        ({**PASSTHROUGH, "client_api_keys_secret": {"name": "keys"}}, f"client_api_keys_secret: {REMOVED}"),
        ({**KGATEWAY, "client_api_keys": CLIENTS}, f"client_api_keys: {NO_CLIENT_KEYS}"),
        ({**KGATEWAY, "client_api_keys_secret": {"name": "keys"}}, f"client_api_keys_secret: {NO_CLIENT_KEYS}"),
        ({"client_api_keys_secret": {}}, "client_api_keys_secret.name: required"),
        ({"client_api_keys_secret": "keys"}, "client_api_keys_secret: the value is not a group of settings"),
        ({"client_api_keys_secret": {"name": "Keys"}}, f'client_api_keys_secret.name: "Keys" {BAD_NAME}'),
    ],
)
def test_who_may_call_is_refused_where_it_can_not_be(args: dict[str, Any], message: str) -> None:
    assert MISTRAL.errors(**args) == [message]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("mistral-secret", {}),
        ("keys", ELSEWHERE),
        ("mistral-second-secret", {"fallbacks": [{**SECOND, "api_key": "sk-second"}]}),
        ("second", {"fallbacks": [{**SECOND, "api_key_secret": {"name": "second"}}]}),
    ],
)
def test_a_secret_with_a_providers_key_has_no_keys_of_clients(name: str, args: dict[str, Any]) -> None:
    shared = (
        f'client_api_keys_secret.name: "{name}" holds the provider\'s key, with which clients could call; give another'
    )
    assert MISTRAL.errors(**args, client_api_keys_secret={"name": name}) == [shared]


def test_a_new_key_would_replace_the_clients_secret_too_so_that_a_program_is_warned() -> None:
    arguments = {**MISTRAL.arguments, **ELSEWHERE, "client_api_keys": CLIENTS}
    (warning,) = record_component(arguments, config={}).warnings
    assert warning.startswith("A new API key will replace its Secret: ")
    assert MISTRAL.record(client_api_keys=CLIENTS).warnings == []


@pytest.mark.parametrize(
    ("limit", "emitted"),
    [
        ({"requests": 10, "per": "second"}, {"requests": 10, "unit": "Seconds"}),
        ({"requests": 10, "per": "minute", "burst": 5}, {"requests": 10, "unit": "Minutes", "burst": 5}),
        ({"tokens": 100_000, "per": "hour", "burst": 0}, {"tokens": 100_000, "unit": "Hours"}),
        ({"tokens": 10.0, "per": "hour"}, {"tokens": 10, "unit": "Hours"}),
    ],
)
def test_agentgateway_gets_each_limit_with_its_unit(limit: dict[str, Any], emitted: dict[str, Any]) -> None:
    assert policy(**CHAT, rate_limits=[limit])["traffic"] == {"rateLimit": {"local": [emitted]}}

    def late() -> dict[str, Any]:
        return {"rate_limits": [{name: pulumi.Output.from_input(value) for name, value in limit.items()}]}

    assert MISTRAL.record(late).spec("AgentgatewayPolicy") == policy(rate_limits=[limit])


def test_clients_may_call_a_provider_that_takes_no_key() -> None:
    recording = MISTRAL.record(api_key=None, keyless=True, client_api_keys=CLIENTS)
    assert recording.one(":Secret").name == "mistral-clients"
    assert recording.spec("AgentgatewayPolicy")["traffic"]["apiKeyAuthentication"] == AUTHENTICATION
    assert "auth" not in recording.spec("AgentgatewayBackend")["policies"]


@pytest.mark.parametrize(
    ("limit", "bucket"),
    [
        ({"requests": 10, "per": "second"}, (10, 10, "1s")),
        ({"requests": 10, "per": "minute", "burst": 5}, (15, 10, "60s")),
        ({"requests": 10, "per": "hour"}, (10, 10, "3600s")),
    ],
)
def test_kgateway_gets_the_limit_as_a_bucket(limit: dict[str, Any], bucket: tuple[int, int, str]) -> None:
    most, fill, interval = bucket
    expected = {"maxTokens": most, "tokensPerFill": fill, "fillInterval": interval}
    assert policy(**KGATEWAY, rate_limits=[limit]) == {
        "targetRefs": [TARGET],
        "rateLimit": {"local": {"tokenBucket": expected}},
    }


MINUTE = {"per": "minute"}


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ([MINUTE], "rate_limits[0]: has no limit; give `requests` or `tokens`"),
        (
            [{**MINUTE, "requests": 1, "tokens": 1}],
            "rate_limits[0]: has `requests` and `tokens`; give one of them",
        ),
        ([{"requests": 1}], "rate_limits[0].per: required"),
        (
            [{"requests": 1, "per": "day"}],
            'rate_limits[0].per: "day" is not a valid value; valid values are `hour`, `minute`, `second`',
        ),
        ([{**MINUTE, "requests": 0}], "rate_limits[0].requests: 0 is out of range; give 1 to 1000000000"),
        ([{**MINUTE, "tokens": -5}], "rate_limits[0].tokens: -5 is out of range; give 1 to 1000000000"),
        ([{**MINUTE, "tokens": 10**9 + 1}], "rate_limits[0].tokens: 1000000001 is out of range; give 1 to 1000000000"),
        ([{**MINUTE, "requests": 1, "burst": -1}], "rate_limits[0].burst: -1 is out of range; give 0 to 1000000000"),
        ([{**MINUTE, "requests": "5"}], 'rate_limits[0].requests: "5" is not an integer'),
        ([{**MINUTE, "requests": 1, "bursts": 1}], "rate_limits[0].bursts: unknown argument; did you mean `burst`?"),
        ({"requests": 1}, "rate_limits: {'requests': 1} is not a list of groups of settings"),
        ([5], "rate_limits[0]: 5 is not a group of settings"),
    ],
)
def test_limits_that_can_not_be_are_refused(limits: Any, message: str) -> None:
    assert MISTRAL.errors(rate_limits=limits) == [message]


def test_limits_are_a_plain_list() -> None:
    assert MISTRAL.errors(lambda: {"rate_limits": pulumi.Output.from_input([{**MINUTE, "requests": 1}])}) == [
        "rate_limits: must be a plain value, not a Pulumi output, because it decides which objects are created"
    ]


TWO = [{**MINUTE, "requests": 1}, {"requests": 9, "per": "hour"}]


@pytest.mark.parametrize("api", ["agentgateway", "kgateway"])
def test_a_second_limit_is_refused_because_no_gateway_counts_it(api: str) -> None:
    assert MISTRAL.errors(api=api, rate_limits=TWO) == [
        "rate_limits: 2 entries; these gateways count the first limit of a route alone, so give one"
    ]


def test_kgateway_refuses_to_limit_tokens() -> None:
    assert MISTRAL.errors(**KGATEWAY, rate_limits=[{**MINUTE, "tokens": 1}]) == [
        "rate_limits[0].tokens: these gateways limit requests only; give `api: agentgateway`"
    ]


def test_an_empty_list_of_limits_makes_no_policy() -> None:
    for api in ("agentgateway", "kgateway"):
        assert MISTRAL.record(api=api, rate_limits=[]).objects() == MISTRAL.record(api=api).objects()
