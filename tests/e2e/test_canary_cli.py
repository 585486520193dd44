"""Keys that are searched for in all that the CLI prints and writes, whatever it is asked and however it ends."""

import signal
import uuid
from collections.abc import Iterator
from dataclasses import replace

import kubernetes
import pytest
import yaml

from tests.canary import Canaries
from tests.e2e.cluster import Cluster
from tests.e2e.pulumi_cli import PulumiCli

IN_CONFIG = "sk-canary-in-config-7d31"
ROTATED = "sk-canary-rotated-9b02"
IN_ENVIRONMENT = "sk-canary-in-environment-c5e8"
CANARIES = Canaries(IN_CONFIG, ROTATED, IN_ENVIRONMENT)


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    name = f"canary-{uuid.uuid4().hex[:8]}"
    cluster.core.create_namespace(kubernetes.client.V1Namespace(metadata=kubernetes.client.V1ObjectMeta(name=name)))
    yield name
    cluster.core.delete_namespace(name)


@pytest.fixture(params=["kgateway"])
def cli(pulumi_cli: PulumiCli, cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> PulumiCli:
    """In a stack with a provider for each way to give a key; temporary files go into its home, and are searched."""
    temporary = pulumi_cli.home / "tmp"
    temporary.mkdir()
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "TMPDIR": str(temporary), "OTHER_API_KEY": IN_ENVIRONMENT}
    cli = replace(pulumi_cli, environment={**pulumi_cli.environment, **environment})
    providers = {name: {"host": "llm.example.com", "namespace": namespace} for name in ("house", "other")}
    config = {"openai-compatible-llm:api": request.param, "openai-compatible-llm:providers": providers}
    (cli.project / "stacks/Pulumi.test.yaml").write_text(yaml.safe_dump({"config": config}))
    succeed(cli, "stack init test")
    set_key(cli, IN_CONFIG)
    return cli


def set_key(cli: PulumiCli, key: str) -> None:
    done = cli.shell("pulumi config set --secret --path 'providers.house.apiKey'", typed=key)
    assert done.returncode == 0, done.stderr


def succeed(cli: PulumiCli, *commands: str) -> str:
    """All that they print, in which there is no key."""
    printed = ""
    for command in commands:
        done = cli(*command.split())
        assert done.returncode == 0, done.stdout + done.stderr
        assert not CANARIES.are_in(done.stdout + done.stderr), command
        printed += done.stdout + done.stderr
    return printed


def assert_no_key_is_written(cli: PulumiCli, *encrypted: str) -> None:
    """To any file; those of the backend are named in which there would be one, were it not encrypted."""
    assert CANARIES.files(cli.project) == []
    assert CANARIES.files(cli.home, leaving_out=[cli.home / "bin"]) == []
    for pattern in encrypted:
        files = cli.state.glob(f".pulumi/{pattern}")
        assert any(b'"ciphertext"' in file.read_bytes() for file in files), pattern


@pytest.mark.parametrize("cli", ["kgateway", "agentgateway"], indirect=True)
def test_the_key_is_shown_by_no_command_and_stands_in_no_file(cli: PulumiCli) -> None:
    printed = succeed(cli, "preview --diff", "up --diff --skip-preview", "stack export", "config")
    assert "house-secret" in printed
    assert '"apiKey":"[secret]"' in printed
    assert_no_key_is_written(cli, "stacks/*/test.json")
    succeed(cli, "destroy --diff --skip-preview")
    assert_no_key_is_written(cli, "backups/**/*.json")


@pytest.mark.slow
def test_no_format_of_any_command_shows_a_key_nor_what_became_of_an_older_one(cli: PulumiCli) -> None:
    previews = ("preview", "preview --json", "preview --debug", "preview --import-file=objects.json")
    succeed(cli, *previews, "up --json --skip-preview")
    set_key(cli, ROTATED)
    assert "[secret]" in succeed(cli, "preview --diff --save-plan=plan.json", "up --diff --skip-preview")
    succeed(cli, "preview --refresh --diff", "refresh --diff --skip-preview")
    succeed(cli, "stack", "stack --show-urns", "stack --show-ids", "stack ls --json", "stack graph graph.dot")
    outputs = ("stack output", "stack output --json", "stack output --json --show-secrets")
    assert "llm.example.com" in succeed(cli, *outputs)
    succeed(cli, "stack export", "stack history", "stack history --json", "stack history --json --full-dates")
    succeed(cli, "config", "config --json", "logs", "about", "about --json", "plugin ls --json")
    assert_no_key_is_written(
        cli, "stacks/*/test.json", "stacks/*/test.json.bak", "backups/**/*.json", "history/**/*.checkpoint.json"
    )


@pytest.mark.slow
def test_no_key_is_in_what_a_crash_leaves(cli: PulumiCli) -> None:
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

    with (cli.project / "__main__.py").open("a") as program:
        program.write("\nraise RuntimeError\n")
    crashed = cli("preview")
    assert "Traceback" in crashed.stdout
    assert not CANARIES.are_in(crashed.stdout + crashed.stderr)
    assert_no_key_is_written(cli)
