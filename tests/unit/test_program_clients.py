"""Clients' keys in stack files: of the whole stack, of one provider, and the problems of both."""

from typing import Any

import pytest

from tests.support.recording import Recording, program_error, record_program
from tests.unit.test_program import CANARY

CLIENTS: dict[str, Any] = {"web": {"apiKey": f"{CANARY}-client-web"}, "cron": {"apiKey": f"{CANARY}-client-cron"}}
OTHERS: dict[str, Any] = {"other": {"apiKey": f"{CANARY}-client-other"}}
NEWER = {"api": "agentgateway"}
KEYED = {"apiKey": CANARY}


def clients_of(recording: Recording) -> dict[str, set[str]]:
    secrets = [each for each in recording.all(":Secret") if each.name.endswith("-clients")]
    assert all(each.secret_inputs == {"stringData"} for each in secrets)
    return {each.name: set(each.inputs["stringData"]) for each in secrets}


def authentications(recording: Recording) -> dict[str, str]:
    traffic = {each.name: each.inputs["spec"]["traffic"] for each in recording.all(":AgentgatewayPolicy")}
    return {name: each["apiKeyAuthentication"]["secretRef"]["name"] for name, each in traffic.items()}


def test_clients_of_the_stack_may_call_all_providers_that_name_none_of_their_own() -> None:
    providers = {
        "mistral": KEYED,
        "deepseek": {**KEYED, "clients": OTHERS},
        "groq": {**KEYED, "clientsSecret": {"name": "team-keys"}},
    }
    recording = record_program({**NEWER, "clients": CLIENTS, "providers": providers})
    assert clients_of(recording) == {"mistral-clients": {"web", "cron"}, "deepseek-clients": {"other"}}
    assert authentications(recording) == {
        "mistral": "mistral-clients",
        "deepseek": "deepseek-clients",
        "groq": "team-keys",
    }
    assert CANARY not in recording.outside_secrets()


def test_a_secret_with_clients_of_the_stack_holds_likewise() -> None:
    providers = {"mistral": KEYED, "deepseek": {**KEYED, "clients": OTHERS}}
    config = {**NEWER, "clientsSecret": {"name": "team-keys"}, "providers": providers}
    assert authentications(record_program(config)) == {"mistral": "team-keys", "deepseek": "deepseek-clients"}


def test_providers_that_can_not_have_the_stacks_clients_are_listed_in_one_message() -> None:
    providers = {
        "mistral": KEYED,
        "deepseek": {**KEYED, "api": "kgateway"},
        "groq": {**KEYED, "api": "kgateway"},
        "house": {"host": "llm.example.com", "passthrough": True},
    }
    assert program_error({**NEWER, "clients": CLIENTS, "providers": providers}).splitlines() == [
        "Stack prod: clients: these gateways can't check the keys of clients; give `api: agentgateway` "
        "(providers: deepseek, groq)",
        "Stack prod: clients: the gateway removes the client's key from `Authorization`, so with `passthrough` the "
        "provider would get none; remove one of them, or give `clientAuthHeader` (providers: house)",
    ]


@pytest.mark.parametrize(
    ("clients", "message"),
    [
        (
            {"web": {"apiKey": CANARY}},
            "Stack prod: clients.web.apiKey: the key is 14 characters long; give at least 20",
        ),
        (
            {"a b": CLIENTS["web"]},
            'Stack prod: clients["a b"]: "a b" is not a valid name for a client; use letters, digits, "-", "_" and "."',
        ),
        (
            {f"{CANARY}-client-web": {"apiKey": "web"}},
            "Stack prod: clients: a client's name is longer than its key; give each key under its client's name",
        ),
    ],
)
def test_a_bad_key_of_the_stack_is_reported_once(clients: dict[str, str], message: str) -> None:
    config = {**NEWER, "clients": clients, "providers": {"mistral": KEYED, "deepseek": KEYED}}
    assert program_error(config) == f"{message} (providers: mistral, deepseek)"


def test_a_stack_whose_last_client_is_removed_is_refused_and_not_opened() -> None:
    assert program_error({**NEWER, "clients": {}, "providers": {"mistral": KEYED}}) == (
        "Stack prod: clients: empty; give a client, or let anyone call: "
        "pulumi config rm -s prod openai-compatible-llm:clients"
    )
    providers = {"mistral": {**KEYED, "clients": {}}}
    assert program_error({**NEWER, "clients": CLIENTS, "providers": providers}) == (
        "Stack prod: providers.mistral.clients: empty; give a client, or remove `clients` to let anyone call"
    )


def test_a_stack_names_its_clients_once() -> None:
    config = {**NEWER, "clients": CLIENTS, "clientsSecret": {"name": "k"}, "providers": {"mistral": KEYED}}
    assert program_error(config) == (
        "Stack prod: clientsSecret: `clients` already says who the clients are; remove one of them (providers: mistral)"
    )


def test_a_misspelt_setting_for_clients_is_refused() -> None:
    message = program_error({**NEWER, "clientApiKeys": CLIENTS, "providers": {"mistral": KEYED}})
    assert message == ("Stack prod: openai-compatible-llm:clientApiKeys: unknown setting; did you mean `clients`?")


def test_clients_keys_in_plain_text_cause_a_warning_each() -> None:
    providers = {"mistral": KEYED, "deepseek": {**KEYED, "clients": OTHERS}}
    config = {**NEWER, "clients": CLIENTS, "providers": providers}
    in_file, command = "in plain text in its file. Encrypt it", "pulumi config set -s test --secret --path"
    warnings = record_program(config, secret_keys=["providers"]).warnings
    assert warnings == [
        f"Stack test has the API key of client {client} {in_file}: {command} 'clients.{client}.apiKey'"
        for client in CLIENTS
    ]
    (warning,) = [each for each in record_program(config, secret_keys=["clients"]).warnings if "client" in each]
    path = "providers.deepseek.clients.other.apiKey"
    assert warning == (f"Stack test has the API key of client other of provider deepseek {in_file}: {command} '{path}'")
    assert CANARY not in f"{warnings} {warning}"
    assert record_program(config, secret_keys=["providers", "clients"]).warnings == []


def test_a_client_that_is_named_with_a_dot_gets_a_command_that_names_it() -> None:
    config = {**NEWER, "clients": {"web.eu": CLIENTS["web"]}, "providers": {"mistral": KEYED}}
    (warning,) = record_program(config, secret_keys=["providers"]).warnings
    assert warning.endswith("--path 'clients[\"web.eu\"].apiKey'")


def test_a_providers_own_client_with_the_key_of_another_provider_is_refused() -> None:
    providers = {
        "mistral": {"apiKey": f"{CANARY}-of-mistral-0001"},
        "deepseek": {**KEYED, "clients": {"web": {"apiKey": f"{CANARY}-of-mistral-0001"}}},
    }
    assert program_error({**NEWER, "providers": providers}) == (
        "Stack prod: providers.deepseek.clients.web.apiKey: the key is a provider's own; give the client another"
    )


SERVICE: dict[str, Any] = {"rateLimitService": {"host": "ratelimit.llm"}}
LIMITED: dict[str, Any] = {"web": {"apiKey": f"{CANARY}-client-web", "rateLimits": [{"requests": 5, "per": "day"}]}}
JOINED: dict[str, Any] = {**KEYED, "models": ["mistral-*"]}
SHARED: dict[str, Any] = {"shared": {"routePath": "/llm"}}


def test_clients_and_the_service_of_the_stack_hold_for_the_shared_url_too() -> None:
    config = {**NEWER, **SERVICE, **SHARED, "clients": LIMITED, "providers": {"mistral": JOINED}}
    recording = record_program({**config, "clientAuthHeader": {"headerName": "x-api-key"}})
    assert clients_of(recording) == {"mistral-clients": {"web"}, "llm-clients": {"web"}}
    for name in ("mistral", "llm-models", "llm-unknown"):
        traffic = recording.one(":AgentgatewayPolicy", name).inputs["spec"]["traffic"]
        assert traffic["apiKeyAuthentication"]["location"] == {"header": {"name": "x-api-key"}}
        assert traffic["rateLimit"]["global"]["domain"] == "llm"
    assert '"tokens' not in recording.one(":ConfigMap").inputs["data"]["limits.yaml"]
    assert '"requests-day"' in recording.one(":ConfigMap").inputs["data"]["limits.yaml"]
    assert CANARY not in recording.outside_secrets()


def test_what_is_wrong_with_a_client_of_the_stack_is_said_once_for_providers_and_the_shared_url() -> None:
    clients = {"web": {"apiKey": "short"}}
    config = {**NEWER, **SHARED, "clients": clients, "providers": {"mistral": JOINED}}
    message = "clients.web.apiKey: the key is 5 characters long; give at least 20"
    assert program_error(config).splitlines()[0] == f"Stack prod: {message} (providers: mistral)"
    url: dict[str, Any] = {"routePath": "/llm", "models": {"a": ["m"]}}
    assert program_error({**NEWER, "shared": url, "clients": clients}) == f"Stack prod: {message}"
    own = {**NEWER, "clients": CLIENTS, "shared": {**url, "clients": clients}}
    assert program_error(own) == f"Stack prod: shared.{message}"


def test_limits_that_the_services_configuration_would_lack_are_refused() -> None:
    providers = {"mistral": JOINED, "deepseek": {**KEYED, "clients": LIMITED}}
    config = {**NEWER, **SERVICE, **SHARED, "clients": CLIENTS, "providers": providers}
    assert program_error(config) == (
        "Stack prod: providers.deepseek.clients.web.rateLimits: the service knows the limits of the stack's `clients` "
        "alone; give this client to the stack"
    )


def test_limits_for_the_service_cause_a_warning_where_nothing_makes_its_configuration() -> None:
    config = {**NEWER, **SERVICE, "clients": LIMITED, "providers": {"mistral": KEYED}}
    assert record_program(config, secret_keys=["providers", "clients"]).warnings == [
        "Stack test has no `shared`, so it makes no configuration for the rate limit service. Another stack must give the "
        "service the limits of web."
    ]


def test_models_of_a_client_that_no_provider_serves_cause_a_warning() -> None:
    clients = {"web": {"apiKey": f"{CANARY}-client-web", "models": ["mistral-small", "gpt-*", "claude-x"]}}
    warning = "Stack test: client web may ask for gpt-*, claude-x, and no provider of this stack serves that."

    def warnings(**providers: Any) -> list[str]:
        config = {**NEWER, **SHARED, "clients": clients, "providers": {"mistral": JOINED, **providers}}
        return record_program(config, secret_keys=["providers", "clients"]).warnings

    assert warnings() == [warning]
    assert warnings(groq={**KEYED, "model": "llama"}) == [warning]
    assert warnings(openai={**KEYED, "models": ["gpt-5", "claude-*"]}) == []
    assert warnings(openai=KEYED) == []
    assert warnings(openai={**KEYED, "clients": OTHERS}) == [warning]


def test_a_provider_may_not_have_the_name_of_the_backend_that_leads_to_the_service() -> None:
    named = {"mistral-rate-limits": {**KEYED, "preset": "mistral"}, "llm-rate-limits": {**JOINED, "preset": "mistral"}}
    providers = {"mistral": KEYED, **named}
    config = {**NEWER, **SERVICE, **SHARED, "clients": CLIENTS, "providers": providers}
    advice = "reaches the rate limit service; give the provider another name"
    assert program_error(config).splitlines() == [
        "Stack prod: providers.mistral-rate-limits: its AgentgatewayBackend mistral-rate-limits would have the name of "
        f"the one by which provider mistral {advice}",
        "Stack prod: providers.llm-rate-limits: its AgentgatewayBackend llm-rate-limits would have the name of the one "
        f"by which `shared` {advice}",
    ]


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("clientsSecret", "clientsSecret.name: required"),
        (
            "clientAuthHeader",
            "clientAuthHeader: empty; give `clientAuthHeader.headerName`, `clientAuthHeader.prefix`, or both",
        ),
        ("rateLimitService", "rateLimitService.host: required"),
    ],
)
def test_an_empty_setting_for_the_clients_of_the_stack_is_not_taken_for_none(setting: str, problem: str) -> None:
    message = program_error({**NEWER, setting: {}, "providers": {"mistral": KEYED}})
    assert f"Stack prod: {problem} (providers: mistral)" in message.splitlines()
