"""Who may call a route: the clients, their keys, and what the cluster gets of these."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pulumi
import pytest

from tests.support.canary import Canaries
from tests.support.recording import record_component
from tests.unit.example_component import ExampleComponent, unknown_output

PROVIDER_KEY = "sk-canary-of-the-provider-1"
WEB, CRON = "canary-client-web-0123456789", "canary-client-cron-9876543210"
CLIENTS: dict[str, Any] = {"web": {"api_key": WEB}, "cron_job.eu": {"api_key": CRON}}
MISTRAL = ExampleComponent(preset="mistral", api_key=PROVIDER_KEY, api="agentgateway")
KGATEWAY: dict[str, Any] = {"api": "kgateway"}
ELSEWHERE: dict[str, Any] = {"api_key": None, "api_key_secret": {"name": "keys"}}
TARGET = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "mistral"}
AUTHENTICATION = {"mode": "Strict", "secretRef": {"name": "mistral-clients"}}
CHAT = {"endpoints": "chat"}


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def entry(client: str, key_hash: str, **metadata: str) -> dict[str, Any]:
    return {"keyHash": f"sha256:{key_hash}", "metadata": {"client": client, **metadata}}


ENTRIES = {"web": entry("web", sha256(WEB)), "cron_job.eu": entry("cron_job.eu", sha256(CRON))}


def entries(**args: Any) -> Any:
    secret = MISTRAL.record(**args).one(":Secret", "mistral-clients").inputs["stringData"]
    return {client: json.loads(each) for client, each in secret.items()}


def policy(**args: Any) -> Any:
    kind = "TrafficPolicy" if args.get("api") == "kgateway" else "AgentgatewayPolicy"
    return MISTRAL.record(**args).spec(kind)


def test_the_policy_names_a_secret_with_the_hashes_of_the_clients_keys() -> None:
    recording = MISTRAL.record(clients=CLIENTS)
    secret = recording.one(":Secret", "mistral-clients")
    assert {client: json.loads(each) for client, each in secret.inputs["stringData"].items()} == ENTRIES
    assert secret.inputs["metadata"] == {"name": "mistral-clients", "namespace": "gloo-system"}
    spec = recording.spec("AgentgatewayPolicy")
    assert spec["targetRefs"] == [TARGET]
    assert spec["traffic"].keys() == {"authorization", "apiKeyAuthentication"}
    assert spec["traffic"]["apiKeyAuthentication"] == AUTHENTICATION
    outputs = recording.component_outputs()
    assert (outputs["clientsSecretName"], outputs["policyName"]) == ("mistral-clients", "mistral")


def test_a_client_may_give_the_hash_of_its_key_alone() -> None:
    clients = {"web": {"api_key_sha256": sha256(WEB)}, "cron_job.eu": {"api_key": CRON}}
    assert entries(clients=clients) == ENTRIES


def test_the_secret_has_the_models_of_a_client_as_one_expression() -> None:
    clients = {"web": {"api_key": WEB, "models": ["mistral-*", "fast", "gpt-4.1"]}, "cron_job.eu": {"api_key": CRON}}
    models = r"mistral-.*|fast|gpt-4\.1"
    assert entries(clients=clients) == {**ENTRIES, "web": entry("web", sha256(WEB), models=models)}


@pytest.mark.parametrize(
    ("header", "location"),
    [
        ({"header_name": "x-api-key"}, {"name": "x-api-key"}),
        ({"header_name": "x-api-key", "prefix": "Token"}, {"name": "x-api-key", "prefix": "Token "}),
        ({"prefix": "Token"}, {"name": "Authorization", "prefix": "Token "}),
        ({"header_name": "Authorization"}, {"name": "Authorization", "prefix": "Bearer "}),
    ],
)
def test_clients_may_send_their_keys_in_another_header(header: dict[str, str], location: dict[str, str]) -> None:
    for clients in ({"clients": CLIENTS}, {"clients_secret": {"name": "mistral-clients"}}):
        traffic = policy(**clients, client_auth_header=header)["traffic"]
        assert traffic["apiKeyAuthentication"] == {**AUTHENTICATION, "location": {"header": location}}


def test_with_another_header_for_clients_the_callers_token_may_go_to_the_provider() -> None:
    passthrough = {"api_key": None, "passthrough": True}
    header = {"client_auth_header": {"header_name": "x-api-key"}}
    recording = MISTRAL.record(**passthrough, **header, clients=CLIENTS)
    assert recording.spec("AgentgatewayBackend")["policies"]["auth"] == {"passthrough": {}}


def test_only_the_keys_are_secret_and_they_are_nowhere_else() -> None:
    recording = MISTRAL.record(clients=CLIENTS)
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
    recording = MISTRAL.record(**CHAT, clients_secret={"name": "team-keys"})
    assert recording.one(":Secret").name == "mistral-secret"
    traffic = recording.spec("AgentgatewayPolicy")["traffic"]
    assert traffic["apiKeyAuthentication"] == {"mode": "Strict", "secretRef": {"name": "team-keys"}}
    assert traffic["authorization"] == policy(**CHAT, clients=CLIENTS)["traffic"]["authorization"]
    assert recording.component_outputs()["clientsSecretName"] == "team-keys"


def test_one_policy_has_all_that_is_asked_of_the_route() -> None:
    spec = policy(clients=CLIENTS, rate_limits=[{"requests": 5, "per": "minute"}], retries={"attempts": 2})
    assert set(spec["traffic"]) == {"authorization", "apiKeyAuthentication", "rateLimit", "retry"}


def test_with_clients_the_backend_comes_last_after_the_route_which_comes_after_its_policies() -> None:
    dependencies = dependencies_by_kind(clients=CLIENTS)
    assert dependencies == {
        "Secret": [],
        "AgentgatewayPolicy": ["Secret", "Secret"],
        "HTTPRoute": ["AgentgatewayPolicy"],
        "AgentgatewayBackend": ["HTTPRoute", "Secret", "Secret"],
    }
    existing = dependencies_by_kind(clients_secret={"name": "team-keys"})
    assert "HTTPRoute" in existing["AgentgatewayBackend"]


def test_without_clients_the_route_comes_last_though_it_has_a_policy() -> None:
    dependencies = dependencies_by_kind(rate_limits=[{"requests": 5, "per": "minute"}])
    assert dependencies["HTTPRoute"] == ["AgentgatewayBackend", "AgentgatewayPolicy"]
    assert dependencies["AgentgatewayBackend"] == ["Secret"]


def test_with_clients_the_route_is_not_waited_for_until_it_has_found_the_backend_which_comes_later() -> None:
    waits = {}
    for clients in ({}, {"clients": CLIENTS}):
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
    "keys": lambda: {"clients": late_keys(pulumi.Output.from_input)},
    "secret keys": lambda: {"clients": late_keys(pulumi.Output.secret)},
    "one key of two": lambda: {"clients": {**CLIENTS, "web": {"api_key": pulumi.Output.secret(WEB)}}},
    "a secret hash": lambda: {"clients": {**CLIENTS, "web": {"api_key_sha256": pulumi.Output.secret(sha256(WEB))}}},
    "the provider's key": lambda: {"clients": CLIENTS, "api_key": pulumi.Output.secret(PROVIDER_KEY)},
    "something else": lambda: {"clients": CLIENTS, "route_path": pulumi.Output.from_input("/mistral")},
}


def late_keys(output: Callable[[Any], Any]) -> dict[str, Any]:
    return {name: {"api_key": output(client["api_key"])} for name, client in CLIENTS.items()}


@pytest.mark.parametrize("args", LATE.values(), ids=LATE)
def test_keys_that_are_outputs_make_the_same_objects(args: Callable[[], dict[str, Any]]) -> None:
    recording = MISTRAL.record(args)
    assert recording.objects() == MISTRAL.record(clients=CLIENTS).objects()
    secret_inputs = [r.secret_inputs for r in recording.resources if not r.type.endswith(":Secret")]
    assert secret_inputs == [set()] * len(secret_inputs)


def test_a_preview_succeeds_while_a_clients_key_is_unknown() -> None:
    recording = MISTRAL.preview(lambda: {"clients": {"web": {"api_key": unknown_output()}, "cron": {"api_key": CRON}}})
    assert "AgentgatewayPolicy" in recording.kinds()


def test_models_that_are_outputs_make_the_same_secret() -> None:
    output = pulumi.Output.from_input
    expected = MISTRAL.record(clients={"web": {"api_key": WEB, "models": ["fast", "mistral-*"]}}).objects()
    late: list[Callable[[], Any]] = [lambda: output(["fast", "mistral-*"]), lambda: [output("fast"), "mistral-*"]]

    def with_models(models: Callable[[], Any]) -> dict[str, Any]:
        return {"clients": {"web": {"api_key": WEB, "models": models()}}}

    for models in late:
        recording = MISTRAL.record(partial(with_models, models))
        assert recording.objects() == expected
        assert [each.secret_inputs for each in recording.all(":AgentgatewayPolicy")] == [set()]


EMPTY = "clients: empty; give a client, or remove `clients` to let anyone call"
NOT_A_MAP = "clients: the value is not a map of groups of settings"
NO_GROUP = "clients.web: the value is not a group of settings"
SWAPPED = "clients: a client's name is longer than its key; give each key under its client's name"
NAME_RULE = 'is not a valid name for a client; use letters, digits, "-", "_" and "."'
BRACE = "the key starts with a brace, so the gateway would take it for JSON; give another"
LINE_BREAK = "the key has a line break, as keys read from a file often do; remove it"
BEARER = 'the key starts with "Bearer"; remove that, because clients add it'
TWICE = "another client has the same key; give each client its own"
OF_PROVIDER = "clients.web.api_key: the key is a provider's own; give the client another"
KEPT = "the key is a variable that was not expanded; give its value"
NO_HASH = "clients.web.api_key_sha256: the value is not a SHA-256; give its 64 lower-case hexadecimal digits alone"

BAD_KEYS: list[tuple[str, str]] = [
    ("0123456789012345678", "the key is 19 characters long; give at least 20"),
    ("", "the key is empty"),
    (f"{WEB}\n", LINE_BREAK),
    (f" {WEB}", "the key has spaces around it; remove them"),
    (f"Bearer {WEB}", BEARER),
    ("$WEB_KEY_OF_THE_CLIENTS", KEPT),
    ('{"key": "' + WEB + '"}', BRACE),
    ("{" + WEB, BRACE),
    (PROVIDER_KEY, "the key is a provider's own; give the client another"),
]


@pytest.mark.parametrize(("key", "error"), BAD_KEYS)
def test_a_key_that_would_not_do_is_refused_and_so_is_its_output(key: str, error: str) -> None:
    expected = [f"clients.web.api_key: {error}"]
    assert MISTRAL.errors(clients={"web": {"api_key": key}}) == expected
    assert MISTRAL.errors(lambda: {"clients": {"web": {"api_key": pulumi.Output.secret(key)}}}) == expected


@pytest.mark.parametrize(
    "text", [WEB, "", f"sha256:{'a' * 64}", "A" * 64, "a" * 63, "a" * 65, "g" * 64, f"{'a' * 64}\n"]
)
def test_a_hash_of_another_form_is_refused_unseen(text: str) -> None:
    assert MISTRAL.errors(clients={"web": {"api_key_sha256": text}}) == [NO_HASH]
    assert MISTRAL.errors(lambda: {"clients": {"web": {"api_key_sha256": pulumi.Output.secret(text)}}}) == [NO_HASH]


BAD_CLIENTS: list[tuple[Any, *tuple[str, ...]]] = [
    ({}, EMPTY),
    ({"web": {}}, "clients.web: has no key; give `api_key` or `api_key_sha256`"),
    ({"web": {"models": ["fast"]}}, "clients.web: has no key; give `api_key` or `api_key_sha256`"),
    (
        {"web": {"api_key": WEB, "api_key_sha256": sha256(CRON)}},
        "clients.web: has `api_key` and `api_key_sha256`; give one of them",
    ),
    (
        {"web": {"api_key": WEB}, "cron": {"api_key": WEB}},
        f"clients.web.api_key: {TWICE}",
        f"clients.cron.api_key: {TWICE}",
    ),
    (
        {"web": {"api_key": WEB}, "cron": {"api_key_sha256": sha256(WEB)}},
        f"clients.web.api_key: {TWICE}",
        f"clients.cron.api_key_sha256: {TWICE}",
    ),
    (
        {"web": {"api_key_sha256": sha256(PROVIDER_KEY)}},
        "clients.web.api_key_sha256: the key is a provider's own; give the client another",
    ),
    ({"web team": {"api_key": WEB}}, f'clients["web team"]: "web team" {NAME_RULE}'),
    ({"web/eu": {"api_key": WEB}}, f'clients["web/eu"]: "web/eu" {NAME_RULE}'),
    ({"": {"api_key": WEB}}, f'clients[""]: "" {NAME_RULE}'),
    ({"..": {"api_key": WEB}}, f'clients[".."]: ".." {NAME_RULE}'),
    ({5: {"api_key": WEB}}, "clients.5: the name is 5, not a string; put it in quotes"),
    ({WEB: {"api_key": "web"}}, SWAPPED),
    ({WEB: {"api_key": "web", "model": 5}, CRON: {"api_key": "cron"}}, SWAPPED),
    ({WEB: "web"}, SWAPPED),
    ({"web": WEB}, NO_GROUP),
    ({"web": 5}, NO_GROUP),
    ({"web": {"api_key": 5}}, "clients.web.api_key: the value is not a string"),
    (
        {"web": {"key": WEB}},
        "clients.web.key: unknown argument; did you mean `api_key`?",
        "clients.web: has no key; give `api_key` or `api_key_sha256`",
    ),
    ([WEB], NOT_A_MAP),
    (WEB, NOT_A_MAP),
    (
        {"web": {"api_key": WEB, "models": []}},
        "clients.web.models: empty; give names or patterns, or remove `models` to allow all",
    ),
    ({"web": {"api_key": WEB, "models": ["a", "a"]}}, 'clients.web.models: "a" is listed twice'),
    ({"web": {"api_key": WEB, "models": "fast"}}, "clients.web.models: the value is not a list of strings"),
    (
        {"web": {"api_key": WEB, "models": ["a*b"]}},
        'clients.web.models[0]: "a*b" has a * in the wrong place; give one at the beginning or at the end, as in mistral-*',
    ),
]


@pytest.mark.parametrize(("clients", "errors"), [(clients, errors) for clients, *errors in BAD_CLIENTS])
def test_clients_that_would_not_do_are_refused(clients: Any, errors: list[str]) -> None:
    assert MISTRAL.errors(clients=clients) == errors


def test_clients_are_a_plain_map_of_plain_groups() -> None:
    plain = "must be a plain value, not a Pulumi output, because it decides which objects are created"
    output = pulumi.Output.from_input
    assert MISTRAL.errors(lambda: {"clients": output(CLIENTS)}) == [f"clients: {plain}"]
    assert MISTRAL.errors(lambda: {"clients": {"web": output({"api_key": WEB})}}) == [f"clients.web: {plain}"]


def test_a_clients_key_that_is_the_providers_is_refused_even_if_both_are_outputs() -> None:
    late = pulumi.Output.secret
    errors = MISTRAL.errors(
        lambda: {"clients": {"web": {"api_key": late(PROVIDER_KEY)}}, "api_key": late(PROVIDER_KEY)}
    )
    assert errors == [OF_PROVIDER]


def test_a_clients_key_that_is_a_fallbacks_is_refused() -> None:
    fallback = {"name": "second", "host": "llm.example.com", "api_key": WEB}
    assert MISTRAL.errors(clients={"web": {"api_key": WEB}}, fallbacks=[fallback]) == [OF_PROVIDER]


NO_CLIENT_KEYS = "these gateways can't check the keys of clients; give `api: agentgateway`"
REMOVED = (
    "the gateway removes the client's key from `Authorization`, so with `passthrough` the provider would get none; "
    "remove one of them, or give `client_auth_header`"
)
BEARER_HEADER = {"client_auth_header": {"header_name": "authorization"}}
SERVICE = {"host": "ratelimit.llm"}
PASSTHROUGH: dict[str, Any] = {"api_key": None, "passthrough": True}
SECOND: dict[str, Any] = {"name": "second", "host": "llm.example.com"}


SAID_TWICE = "`clients` already says who the clients are; remove one of them"
WITHOUT_CLIENTS = "has no effect without `clients`; give them, or remove it"
BAD_NAME = 'is not a valid name; use lower-case letters, digits, "-" and ".", with a letter or digit at each end'


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {"clients": CLIENTS, "clients_secret": {"name": "keys"}},
            f"clients_secret: {SAID_TWICE}",
        ),
        ({**PASSTHROUGH, "clients": CLIENTS}, f"clients: {REMOVED}"),
        ({**PASSTHROUGH, "clients_secret": {"name": "keys"}}, f"clients_secret: {REMOVED}"),
        ({**PASSTHROUGH, **BEARER_HEADER, "clients": CLIENTS}, f"clients: {REMOVED}"),
        ({**KGATEWAY, "clients": CLIENTS}, f"clients: {NO_CLIENT_KEYS}"),
        ({"client_auth_header": {"header_name": "api-key"}}, f"client_auth_header: {WITHOUT_CLIENTS}"),
        ({"rate_limit_service": SERVICE}, f"rate_limit_service: {WITHOUT_CLIENTS}"),
        (
            {"clients": CLIENTS, "client_auth_header": {}},
            "client_auth_header: empty; give `client_auth_header.header_name`, `client_auth_header.prefix`, or both",
        ),
        (
            {"clients": CLIENTS, "client_auth_header": {"header_name": "host"}},
            'client_auth_header.header_name: "host" belongs to HTTP itself, so no key can be in it; give another header',
        ),
        ({**KGATEWAY, "clients_secret": {"name": "keys"}}, f"clients_secret: {NO_CLIENT_KEYS}"),
        ({"clients_secret": {}}, "clients_secret.name: required"),
        ({"clients_secret": "keys"}, "clients_secret: the value is not a group of settings"),
        ({"clients_secret": {"name": "Keys"}}, f'clients_secret.name: "Keys" {BAD_NAME}'),
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
    shared = f'clients_secret.name: "{name}" holds the provider\'s key, with which clients could call; give another'
    assert MISTRAL.errors(**args, clients_secret={"name": name}) == [shared]


def test_a_new_key_would_replace_the_clients_secret_too_so_that_a_program_is_warned() -> None:
    arguments = {**MISTRAL.arguments, **ELSEWHERE, "clients": CLIENTS}
    (warning,) = record_component(arguments, config={}).warnings
    assert warning.startswith("A new API key will replace its Secret: ")
    assert MISTRAL.record(clients=CLIENTS).warnings == []


def test_clients_may_call_a_provider_that_takes_no_key() -> None:
    recording = MISTRAL.record(api_key=None, keyless=True, clients=CLIENTS)
    assert recording.one(":Secret").name == "mistral-clients"
    assert recording.spec("AgentgatewayPolicy")["traffic"]["apiKeyAuthentication"] == AUTHENTICATION
    assert "auth" not in recording.spec("AgentgatewayBackend")["policies"]
