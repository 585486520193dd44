"""Clients' keys in stack files: of the whole stack, of one provider, and the problems of both."""

from typing import Any

import pytest

from tests.support.recording import Recording, program_error, record_program
from tests.unit.test_program import CANARY

CLIENTS = {"web": f"{CANARY}-client-web", "cron": f"{CANARY}-client-cron"}
OTHERS = {"other": f"{CANARY}-client-other"}
NEWER = {"api": "agentgateway"}
KEYED = {"apiKey": CANARY}


def clients_of(recording: Recording) -> dict[str, Any]:
    secrets = [each for each in recording.all(":Secret") if each.name.endswith("-clients")]
    assert all(each.secret_inputs == {"stringData"} for each in secrets)
    return {each.name: each.inputs["stringData"] for each in secrets}


def authentications(recording: Recording) -> dict[str, str]:
    traffic = {each.name: each.inputs["spec"]["traffic"] for each in recording.all(":AgentgatewayPolicy")}
    return {name: each["apiKeyAuthentication"]["secretRef"]["name"] for name, each in traffic.items()}


def test_clients_of_the_stack_may_call_all_providers_that_name_none_of_their_own() -> None:
    providers = {
        "mistral": KEYED,
        "deepseek": {**KEYED, "clientApiKeys": OTHERS},
        "groq": {**KEYED, "clientApiKeysSecret": {"name": "team-keys"}},
    }
    recording = record_program({**NEWER, "clientApiKeys": CLIENTS, "providers": providers})
    assert clients_of(recording) == {"mistral-clients": CLIENTS, "deepseek-clients": OTHERS}
    assert authentications(recording) == {
        "mistral": "mistral-clients",
        "deepseek": "deepseek-clients",
        "groq": "team-keys",
    }
    assert CANARY not in recording.outside_secrets()


def test_a_secret_with_clients_of_the_stack_holds_likewise() -> None:
    providers = {"mistral": KEYED, "deepseek": {**KEYED, "clientApiKeys": OTHERS}}
    config = {**NEWER, "clientApiKeysSecret": {"name": "team-keys"}, "providers": providers}
    assert authentications(record_program(config)) == {"mistral": "team-keys", "deepseek": "deepseek-clients"}


def test_providers_that_can_not_have_the_stacks_clients_are_listed_in_one_message() -> None:
    providers = {
        "mistral": KEYED,
        "deepseek": {**KEYED, "api": "kgateway"},
        "groq": {**KEYED, "api": "kgateway"},
        "house": {"host": "llm.example.com", "passthrough": True},
    }
    assert program_error({**NEWER, "clientApiKeys": CLIENTS, "providers": providers}).splitlines() == [
        "Stack prod: clientApiKeys: these gateways can't check the keys of clients; give `api: agentgateway` "
        "(providers: deepseek, groq)",
        "Stack prod: clientApiKeys: the gateway removes the client's key from the request, so with `passthrough` the "
        "provider would get none; remove one of them (providers: house)",
    ]


@pytest.mark.parametrize(
    ("clients", "message"),
    [
        ({"web": CANARY}, "Stack prod: clientApiKeys.web: the key is 14 characters long; give at least 20"),
        (
            {"a b": CLIENTS["web"]},
            'Stack prod: clientApiKeys["a b"]: "a b" is not a valid name for a client; use letters, digits, "-", "_" and "."',
        ),
        (
            {CLIENTS["web"]: "web"},
            "Stack prod: clientApiKeys: a client's name is longer than its key; give each key under its client's name",
        ),
    ],
)
def test_a_bad_key_of_the_stack_is_reported_once(clients: dict[str, str], message: str) -> None:
    config = {**NEWER, "clientApiKeys": clients, "providers": {"mistral": KEYED, "deepseek": KEYED}}
    assert program_error(config) == f"{message} (providers: mistral, deepseek)"


def test_a_stack_whose_last_client_is_removed_is_refused_and_not_opened() -> None:
    assert program_error({**NEWER, "clientApiKeys": {}, "providers": {"mistral": KEYED}}) == (
        "Stack prod: clientApiKeys: empty; give a client's key, or let anyone call: "
        "pulumi config rm -s prod openai-compatible-llm:clientApiKeys"
    )
    providers = {"mistral": {**KEYED, "clientApiKeys": {}}}
    assert program_error({**NEWER, "clientApiKeys": CLIENTS, "providers": providers}) == (
        "Stack prod: providers.mistral.clientApiKeys: empty; give a client's key, or remove `clientApiKeys` to let "
        "anyone call"
    )


def test_a_stack_names_its_clients_once() -> None:
    config = {**NEWER, "clientApiKeys": CLIENTS, "clientApiKeysSecret": {"name": "k"}, "providers": {"mistral": KEYED}}
    assert program_error(config) == (
        "Stack prod: clientApiKeysSecret: `clientApiKeys` already says which keys clients have; remove one of them "
        "(providers: mistral)"
    )


def test_a_misspelt_setting_for_clients_is_refused() -> None:
    message = program_error({**NEWER, "clientApiKey": CLIENTS, "providers": {"mistral": KEYED}})
    assert message == ("Stack prod: openai-compatible-llm:clientApiKey: unknown setting; did you mean `clientApiKeys`?")


def test_clients_keys_in_plain_text_cause_a_warning_each() -> None:
    providers = {"mistral": KEYED, "deepseek": {**KEYED, "clientApiKeys": OTHERS}}
    config = {**NEWER, "clientApiKeys": CLIENTS, "providers": providers}
    in_file, command = "in plain text in its file. Encrypt it", "pulumi config set -s test --secret --path"
    warnings = record_program(config, secret_keys=["providers"]).warnings
    assert warnings == [
        f"Stack test has the API key of client {client} {in_file}: {command} 'clientApiKeys.{client}'"
        for client in CLIENTS
    ]
    (warning,) = [each for each in record_program(config, secret_keys=["clientApiKeys"]).warnings if "client" in each]
    path = "providers.deepseek.clientApiKeys.other"
    assert warning == (f"Stack test has the API key of client other of provider deepseek {in_file}: {command} '{path}'")
    assert CANARY not in f"{warnings} {warning}"
    assert record_program(config, secret_keys=["providers", "clientApiKeys"]).warnings == []


def test_a_client_that_is_named_with_a_dot_gets_a_command_that_names_it() -> None:
    config = {**NEWER, "clientApiKeys": {"web.eu": CLIENTS["web"]}, "providers": {"mistral": KEYED}}
    (warning,) = record_program(config, secret_keys=["providers"]).warnings
    assert warning.endswith("--path 'clientApiKeys[\"web.eu\"]'")
