"""The stand-in runs programs as Pulumi's own language host does, which is tested too where it is on PATH."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.e2e.pulumi_cli import PulumiCli, isolated_cli

SETTINGS = """\
name: tiny
runtime: {name: python, options: {toolchain: pip, virtualenv: .venv}}
stackConfigDir: stacks
"""
PROGRAM = """\
import pulumi

config = pulumi.Config()
failure = config.get("failure")
if failure == "refused":
    raise pulumi.RunError("set the host")
if failure == "broken":
    raise ValueError("a bug")
if failure == "exit":
    raise SystemExit(7)
pulumi.export("greeting", config.get("greeting"))
pulumi.export("key", config.get_secret("key"))
pulumi.export("stack", f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
pulumi.export("root", pulumi.runtime.get_root_directory())
pulumi.export("preview", pulumi.runtime.is_dry_run())
"""
CANARY = "canary-0123456789"

pytestmark = pytest.mark.slow

NAME = "pulumi-language-python"
OFFICIAL = shutil.which(NAME)


@pytest.fixture(params=["stand-in", *(["official"] if OFFICIAL else [])])
def cli(request: pytest.FixtureRequest, tmp_path: Path) -> PulumiCli:
    """The CLI in a project that makes no resource, with the stack `dev`."""
    project = tmp_path / "project"
    (project / "stacks").mkdir(parents=True)
    (project / "Pulumi.yaml").write_text(SETTINGS)
    (project / "__main__.py").write_text(PROGRAM)
    (project / ".venv").symlink_to(sys.prefix)
    cli = isolated_cli(project, tmp_path / "pulumi-home")
    if OFFICIAL and request.param == "official":
        beside_pulumi = cli.home / "bin" / NAME
        beside_pulumi.unlink()
        for suffix in ("", "-exec"):
            beside_pulumi.with_name(f"{NAME}{suffix}").symlink_to(f"{OFFICIAL}{suffix}")
    created = cli("stack", "init", "dev")
    assert created.returncode == 0, created.stderr
    return cli


def test_a_stack_is_deployed_shows_its_outputs_and_is_destroyed(cli: PulumiCli) -> None:
    session = cli.shell(
        f"""
        pulumi config set greeting hello
        pulumi config set --secret key {CANARY}
        pulumi preview
        pulumi up
        pulumi up
        pulumi config
        pulumi stack output
        """
    )
    assert (session.returncode, session.stderr) == (0, "")
    assert "1 created" in session.stdout
    assert "1 unchanged" in session.stdout
    assert CANARY not in session.stdout

    shown = cli("stack", "output", "--json", "--show-secrets")
    assert json.loads(shown.stdout) == {
        "greeting": "hello",
        "key": CANARY,
        "stack": "organization/tiny/dev",
        "root": str(cli.project),
        "preview": False,
    }

    destroyed = cli("destroy", "--remove")
    assert (destroyed.returncode, destroyed.stderr) == (0, "")
    assert cli("stack", "ls", "--json").stdout.strip() == "[]"


def test_an_error_of_the_user_is_shown_without_a_traceback(cli: PulumiCli) -> None:
    refused = cli.shell("pulumi config set failure refused; pulumi preview")
    assert refused.returncode != 0
    assert "error: set the host\n" in refused.stdout
    assert "error: an unhandled error occurred: program exited with non-zero exit code: 1\n" in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr


def test_a_bug_is_shown_with_the_traceback_of_the_program_only(cli: PulumiCli) -> None:
    broken = cli.shell("pulumi config set failure broken; pulumi preview")
    assert broken.returncode != 0
    assert "error: Program failed with an unhandled exception:" in broken.stdout
    assert "ValueError: a bug" in broken.stdout
    assert broken.stdout.count("  File ") == 1
    assert f'File "{cli.project}/__main__.py", line 8' in broken.stdout
    assert "non-zero exit code" not in broken.stdout


def test_a_program_that_ends_early_fails_with_its_status(cli: PulumiCli) -> None:
    ended = cli.shell("pulumi config set failure exit; pulumi preview")
    assert ended.returncode != 0
    assert "program exited with non-zero exit code: 7" in ended.stdout


def test_the_cli_is_isolated_from_this_machine(cli: PulumiCli) -> None:
    about = cli("about", "--json")
    assert about.returncode == 0, about.stderr
    backend = json.loads(about.stdout)["backend"]
    assert backend["url"] == (cli.project.parent / "pulumi-home/state").as_uri()


def test_an_install_installs_nothing(pulumi_cli: PulumiCli) -> None:
    installed = pulumi_cli("install")
    assert (installed.returncode, installed.stderr) == (0, "")
    assert not (pulumi_cli.project / ".venv").exists()


def test_the_cli_runs_in_a_copy_of_the_project(pulumi_cli: PulumiCli) -> None:
    assert (pulumi_cli.project / "Pulumi.yaml").exists()
    assert not (pulumi_cli.project / "local").exists()
    stacks = pulumi_cli("stack", "ls", "--json")
    assert (stacks.returncode, stacks.stdout.strip()) == (0, "[]"), stacks.stderr
