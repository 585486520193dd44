"""Searches for keys in everything that the CLI prints and writes, with every command and after a crash."""

import json
import signal
from typing import Any

import psutil
import pytest
import yaml

from tests.e2e.pulumi_cli import PulumiCli, failed, succeeded
from tests.support.canary import Canaries
from tests.support.cluster import Cluster
from tests.support.recording import PROJECT

IN_CONFIG = "sk-canary-in-config-7d31"
ROTATED = "sk-canary-rotated-9b02"
IN_ENVIRONMENT = "sk-canary-in-environment-c5e8"
CLIENT = "sk-canary-of-the-client-web-41aa"
CLIENT_ROTATED = "sk-canary-of-the-client-web-rotated-0d6c"
OTHERS_CLIENT = "sk-canary-of-the-client-cron-e2b7"
CLIENTS_KEYS = (CLIENT, CLIENT_ROTATED, OTHERS_CLIENT)
CANARIES = Canaries(IN_CONFIG, ROTATED, IN_ENVIRONMENT, *CLIENTS_KEYS)
PROVIDER, CLIENTS = "providers.house", "clients.web"


@pytest.fixture(params=["agentgateway"])
def cli(pulumi_cli: PulumiCli, cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> PulumiCli:
    """The CLI with a stack that has a provider for each way to give a key, and clients where the API has them.

    Temporary files go to its home.
    """
    temporary = pulumi_cli.home / "tmp"
    temporary.mkdir()
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "TMPDIR": str(temporary), "OTHER_API_KEY": IN_ENVIRONMENT}
    cli = pulumi_cli.with_environment(**environment)
    providers: dict[str, Any] = {name: {"host": "llm.example.com"} for name in ("house", "other")}
    config: dict[str, Any] = {"api": request.param, "namespace": namespace, "providers": providers}
    if request.param == "agentgateway":
        providers["house"]["models"] = ["house-*"]
        providers["other"] |= {"models": ["other-*"], "clients": {"cron": {"models": ["other-*"]}}}
        config["gateway"] = {"namespace": namespace}
        config["shared"] = {"routePath": "/llm", "clientLabel": True}
        config["clients"] = {"web": {"models": ["house-*"], "rateLimits": [{"tokens": 5, "per": "day"}]}}
        config["rateLimitService"] = {"host": "ratelimit.llm"}
    config = {f"{PROJECT}:{name}": value for name, value in config.items()}
    (cli.project / "stacks/Pulumi.test.yaml").write_text(yaml.safe_dump({"config": config}))
    run(cli, "stack init test")
    set_key(cli, PROVIDER, IN_CONFIG)
    if request.param == "agentgateway":
        set_key(cli, CLIENTS, CLIENT)
        set_key(cli, "providers.other.clients.cron", OTHERS_CLIENT)
    return cli


def set_key(cli: PulumiCli, of: str, key: str) -> None:
    succeeded(cli.shell(f"pulumi config set --secret --path '{of}.apiKey'", typed=key))


def run(cli: PulumiCli, *commands: str) -> str:
    """Runs commands of the CLI, and returns all that they print, in which there is no key."""
    printed = ""
    for command in commands:
        done = cli(*command.split())
        both = succeeded(done) + done.stderr
        assert not CANARIES.are_in(both), command
        printed += both
    return printed


def assert_no_key_is_written(cli: PulumiCli, *encrypted: str) -> None:
    """Searches all files; `encrypted` names files of the state that must contain a ciphertext."""
    assert CANARIES.files(cli.project) == []
    assert CANARIES.files(cli.home, leaving_out=[cli.home / "bin"]) == []
    for pattern in encrypted:
        files = cli.state.glob(f".pulumi/{pattern}")
        assert any(b'"ciphertext"' in file.read_bytes() for file in files), pattern


def assert_no_clients_key_is_in(cluster: Cluster, namespace: str, *clients: str) -> None:
    """Searches all objects in the namespace, of which a Secret has these clients."""
    objects = cluster.everything_in(namespace)
    assert sorted(objects["Secret", "house-clients"]["data"]) == sorted(clients)
    assert not Canaries(*CLIENTS_KEYS).are_in(json.dumps([*objects.values()]))


@pytest.mark.parametrize("cli", ["kgateway", pytest.param("agentgateway", marks=pytest.mark.slow)], indirect=True)
def test_no_command_shows_a_key_and_no_file_contains_one(cli: PulumiCli) -> None:
    printed = run(cli, "preview --diff", "up --diff --skip-preview", "stack export", "config")
    assert "house-secret" in printed
    assert '"apiKey":"[secret]"' in printed
    assert_no_key_is_written(cli, "stacks/*/test.json")
    run(cli, "destroy --diff --skip-preview")
    assert_no_key_is_written(cli, "backups/**/*.json")


@pytest.mark.slow
def test_no_output_format_shows_a_key_or_a_rotated_one(cli: PulumiCli, cluster: Cluster, namespace: str) -> None:
    previews = ("preview", "preview --json", "preview --debug", "preview --import-file=objects.json")
    run(cli, *previews, "up --json --skip-preview")
    assert_no_clients_key_is_in(cluster, namespace, "web")
    set_key(cli, PROVIDER, ROTATED)
    set_key(cli, CLIENTS, CLIENT_ROTATED)
    assert "[secret]" in run(cli, "preview --diff --save-plan=plan.json", "up --diff --skip-preview")
    run(cli, "preview --refresh --diff", "refresh --diff --skip-preview")
    run(cli, "stack", "stack --show-urns", "stack --show-ids", "stack ls --json", "stack graph graph.dot")
    outputs = ("stack output", "stack output --json", "stack output --json --show-secrets")
    assert "llm.example.com" in run(cli, *outputs)
    run(cli, "stack export", "stack history", "stack history --json", "stack history --json --full-dates")
    logs = "logs list" if "log files" in run(cli, "logs --help") else "logs"
    run(cli, "config", "config --json", logs, "about", "about --json", "plugin ls --json")
    assert_no_key_is_written(
        cli, "stacks/*/test.json", "stacks/*/test.json.bak", "backups/**/*.json", "history/**/*.checkpoint.json"
    )


@pytest.mark.slow
def test_a_crash_of_the_engine_leaves_no_key_behind(cli: PulumiCli) -> None:
    with cli.start("up", "--skip-preview") as engine:
        assert engine.stdout
        printed = ""
        for line in engine.stdout:
            printed += line
            if "Secret house-clients created" in line:
                engine.send_signal(signal.SIGQUIT)
    assert engine.returncode == 2
    assert "goroutine 1" in printed
    assert not CANARIES.are_in(printed)
    assert_no_key_is_written(cli, "stacks/*/test.json")


@pytest.mark.slow
def test_no_command_line_has_a_key(cli: PulumiCli) -> None:
    """Others on the machine can read those of all processes."""
    found = set()
    with cli.start("up", "--skip-preview") as engine:
        while engine.poll() is None:
            for process in psutil.process_iter(["name", "cmdline"]):
                found.add((process.info["name"], " ".join(process.info["cmdline"] or [])))
        assert engine.stdout
        assert not CANARIES.are_in(engine.stdout.read())
    assert engine.returncode == 0
    assert any("pulumi-resource-kubernetes" in command for _, command in found)
    assert any("pulumi-language-python-exec" in command for _, command in found)
    assert not CANARIES.are_in(f"{found}")


@pytest.mark.slow
def test_an_error_in_a_client_shows_no_key(cli: PulumiCli) -> None:
    for path, key in (
        (CLIENTS, f"Bearer {CLIENT}"),
        (CLIENTS, OTHERS_CLIENT[:19]),
        ("providers.other.clients.cron", IN_ENVIRONMENT),
        ("providers.other.clients.again", OTHERS_CLIENT),
    ):
        before = (cli.project / "stacks/Pulumi.test.yaml").read_text()
        set_key(cli, path, key)
        printed = failed(cli("preview"))
        assert f"{path}.apiKey: the key" in printed or f"{path}.apiKey: another client has the same key" in printed
        assert not Canaries(key, *CLIENTS_KEYS, IN_ENVIRONMENT).are_in(printed)
        (cli.project / "stacks/Pulumi.test.yaml").write_text(before)


@pytest.mark.slow
def test_a_crash_of_the_program_leaves_no_key_behind(cli: PulumiCli) -> None:
    with (cli.project / "__main__.py").open("a") as program:
        program.write("\nraise RuntimeError\n")
    crashed = cli("preview")
    assert "Traceback" in crashed.stdout
    assert not CANARIES.are_in(crashed.stdout + crashed.stderr)
    assert_no_key_is_written(cli)
