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
