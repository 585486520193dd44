"""Searches for keys in everything that the CLI prints and writes, with every command and after a crash."""

import signal

import pytest
import yaml

from tests.e2e.pulumi_cli import PulumiCli, succeeded
from tests.support.canary import Canaries
from tests.support.cluster import Cluster

IN_CONFIG = "sk-canary-in-config-7d31"
ROTATED = "sk-canary-rotated-9b02"
IN_ENVIRONMENT = "sk-canary-in-environment-c5e8"
CANARIES = Canaries(IN_CONFIG, ROTATED, IN_ENVIRONMENT)


@pytest.fixture(params=["kgateway"])
def cli(pulumi_cli: PulumiCli, cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> PulumiCli:
    """The CLI with a stack that has a provider for each way to give a key. Temporary files go to its home."""
    temporary = pulumi_cli.home / "tmp"
    temporary.mkdir()
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "TMPDIR": str(temporary), "OTHER_API_KEY": IN_ENVIRONMENT}
    cli = pulumi_cli.with_environment(**environment)
    providers = {name: {"host": "llm.example.com", "namespace": namespace} for name in ("house", "other")}
    config = {"openai-compatible-llm:api": request.param, "openai-compatible-llm:providers": providers}
    (cli.project / "stacks/Pulumi.test.yaml").write_text(yaml.safe_dump({"config": config}))
    run(cli, "stack init test")
    set_key(cli, IN_CONFIG)
    return cli


def set_key(cli: PulumiCli, key: str) -> None:
    succeeded(cli.shell("pulumi config set --secret --path 'providers.house.apiKey'", typed=key))


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


@pytest.mark.parametrize("cli", ["kgateway", pytest.param("agentgateway", marks=pytest.mark.slow)], indirect=True)
def test_no_command_shows_a_key_and_no_file_contains_one(cli: PulumiCli) -> None:
    printed = run(cli, "preview --diff", "up --diff --skip-preview", "stack export", "config")
    assert "house-secret" in printed
    assert '"apiKey":"[secret]"' in printed
    assert_no_key_is_written(cli, "stacks/*/test.json")
    run(cli, "destroy --diff --skip-preview")
    assert_no_key_is_written(cli, "backups/**/*.json")


@pytest.mark.slow
def test_no_output_format_shows_a_key_or_a_rotated_one(cli: PulumiCli) -> None:
    previews = ("preview", "preview --json", "preview --debug", "preview --import-file=objects.json")
    run(cli, *previews, "up --json --skip-preview")
    set_key(cli, ROTATED)
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
            if "Backend house created" in line:
                engine.send_signal(signal.SIGQUIT)
    assert engine.returncode == 2
    assert "goroutine 1" in printed
    assert not CANARIES.are_in(printed)
    assert_no_key_is_written(cli, "stacks/*/test.json")


@pytest.mark.slow
def test_a_crash_of_the_program_leaves_no_key_behind(cli: PulumiCli) -> None:
    with (cli.project / "__main__.py").open("a") as program:
        program.write("\nraise RuntimeError\n")
    crashed = cli("preview")
    assert "Traceback" in crashed.stdout
    assert not CANARIES.are_in(crashed.stdout + crashed.stderr)
    assert_no_key_is_written(cli)
