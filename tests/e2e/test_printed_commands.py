"""The commands in messages, run by the real CLI as they stand there."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from components.openai_compatible_llm.doctor.diagnosis import diagnose
from components.openai_compatible_llm.doctor.inspection import Evidence
from components.openai_compatible_llm.doctor.outcome import HTTPError
from components.openai_compatible_llm.doctor.request_path import RequestPath
from components.openai_compatible_llm.doctor.targets import Target
from tests.e2e.pulumi_cli import PulumiCli, cli_in_a_copy, succeeded
from tests.support.recording import PROJECT, program_error, record_program

NAMES = ("mistral", "mistral-eu", "gpt-4.5", "it's", 'a"b', "a b", "[0]", "5", "$HOME", "ü")
KEY = "sk-typed-at-a-prompt"
CLIENT = "sk-of-the-client-called-web"
HOST = {"host": "llm.example.com"}


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulumiCli]:
    """The CLI with the stack `test`, which the messages name, and another one, selected, that no command changes."""
    cli = cli_in_a_copy(tmp_path_factory.mktemp("commands"))
    succeeded(cli("stack", "init", "test"))
    succeeded(cli("stack", "init", "other"))
    before = settings(cli, "other")
    yield cli
    assert settings(cli, "other") == before


def settings(cli: PulumiCli, stack: str = "test") -> dict[str, Any]:
    """Returns the stack's config, decrypted."""
    values = json.loads(succeeded(cli("config", "-s", stack, "--json", "--show-secrets")))
    return {key: each.get("objectValue", each.get("value")) for key, each in values.items()}


def run(cli: PulumiCli, *commands: str) -> dict[str, Any]:
    """Runs the commands, each of which gets the key typed, and returns what the stack's providers are then."""
    assert all(command.startswith("pulumi config ") for command in commands)
    for command in commands:
        succeeded(cli.shell(command, typed=KEY))
    providers: dict[str, Any] = settings(cli).get(f"{PROJECT}:providers", {})
    succeeded(cli("config", "rm", "-s", "test", f"{PROJECT}:providers"))
    return providers


def test_the_command_for_a_missing_key_sets_that_key(cli: PulumiCli) -> None:
    message = program_error({"providers": dict.fromkeys(NAMES, HOST)}, stack="test")
    commands = re.findall(r"has no API key for .*?Set it with `(.*)`, or in the environment", message)
    assert run(cli, *commands) == {name: {"apiKey": KEY} for name in NAMES}


def test_the_command_for_a_fallbacks_missing_key_sets_that_key(cli: PulumiCli) -> None:
    provider = {**HOST, "apiKey": KEY, "fallbacks": [{"name": "eu", **HOST}]}
    message = program_error({"api": "agentgateway", "providers": {"gpt-4.5": provider}}, stack="test")
    (command,) = re.findall(r"Set it with `(.*)`, or in the environment", message)
    assert run(cli, command) == {"gpt-4.5": {"fallbacks": [{"apiKey": KEY}]}}


def test_the_command_for_a_stack_without_providers_adds_one(cli: PulumiCli) -> None:
    _, command = program_error({}, stack="test").split("for example: ")
    assert run(cli, command) == {"mistral": {"model": "mistral-medium-latest"}}


def test_the_command_for_a_key_in_plain_text_encrypts_that_key(cli: PulumiCli) -> None:
    provider = {**HOST, "apiKey": KEY, "clients": {"web.eu": {"apiKey": CLIENT}}}
    warnings = record_program({"api": "agentgateway", "providers": {"mistral-eu": provider}}).warnings
    commands = [warning.split("Encrypt it: ")[1] for warning in warnings]
    assert run(cli, *commands) == {"mistral-eu": {"apiKey": KEY, "clients": {"web.eu": {"apiKey": KEY}}}}


def test_the_command_that_lets_anyone_call_removes_the_clients(cli: PulumiCli) -> None:
    succeeded(cli("config", "set", "-s", "test", "--path", f"{PROJECT}:clients.web.apiKey", CLIENT))
    message = program_error(
        {"api": "agentgateway", "clients": {}, "providers": {"mistral": {"apiKey": KEY}}}, stack="test"
    )
    succeeded(cli.shell(message.split("let anyone call: ")[1]))
    assert f"{PROJECT}:clients" not in settings(cli)


def test_the_command_that_changes_keys_in_place_sets_the_provider(cli: PulumiCli) -> None:
    config = {"kubernetes:enableSecretMutable": "false", "providers": {"mistral": {"apiKey": KEY}}}
    (warning,) = record_program(config, secret_keys=["providers"]).warnings
    succeeded(cli.shell(warning.split("change it in place: ")[1]))
    assert settings(cli)["kubernetes:enableSecretMutable"] == "true"


def test_the_doctors_command_for_a_refused_key_sets_that_key(cli: PulumiCli) -> None:
    target = Target(provider="gpt-4.5", base_url="http://127.0.0.1/v1", path="/x", model=None, stack="test")
    finding = diagnose(Evidence(target, RequestPath(), HTTPError(401, "application/json", '{"detail": "no"}')))
    (command,) = re.findall("`(pulumi config .*?)`", finding.remedy)
    assert run(cli, command) == {"gpt-4.5": {"apiKey": KEY}}
