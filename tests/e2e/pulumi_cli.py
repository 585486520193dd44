"""Runs the real Pulumi CLI on a copy of the project, isolated from this machine's login, stacks and plugins."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from local.folders import cache_folder
from local.lock import exclusive
from local.toolchain.binaries import find_or_build
from local.toolchain.build import build
from local.toolchain.go import TOOLCHAIN, ensure_go
from local.toolchain.tools import KUBERNETES_PROVIDER, Tool
from tests.support.repository import REPOSITORY

PROJECT = ("Pulumi.yaml", "__main__.py", "stack_config", "components", "stacks", "requirements.txt")
PASSPHRASE = "only for tests"
YAML_HOST = Tool(
    "pulumi-language-yaml",
    "yaml",
    "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
    "github.com/pulumi/pulumi-yaml",
    ("github.com/pulumi/pulumi-yaml/pkg/version.Version",),
)


@dataclass(frozen=True)
class PulumiCli:
    """Runs commands in `project`, all with the same isolated Pulumi home and file backend."""

    project: Path
    environment: Mapping[str, str] = field(repr=False)

    @property
    def home(self) -> Path:
        return Path(self.environment["PULUMI_HOME"])

    @property
    def state(self) -> Path:
        """Folder of the file backend."""
        return self.home / "state"

    def with_environment(self, **environment: str) -> "PulumiCli":
        """Returns the same CLI with these variables as well."""
        return replace(self, environment={**self.environment, **environment})

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs `pulumi` with these arguments, and these variables in its environment."""
        return self._run(["pulumi", *arguments], environment)

    def shell(self, commands: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs lines of shell, as a README has them, until one fails.

        Args:
            commands: The lines.
            typed: What is typed on standard input.
            environment: More variables.
        """
        return self._run(["bash", "-euo", "pipefail", "-c", commands], environment, typed)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Starts `pulumi`, to be watched while it works; its standard error goes to its standard output."""
        return subprocess.Popen(
            self._found(["pulumi", *arguments]),
            cwd=self.project,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _found(self, command: list[str]) -> list[str]:
        return [shutil.which(command[0], path=self.environment["PATH"]) or command[0], *command[1:]]

    def _run(
        self, command: list[str], environment: Mapping[str, str], typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._found(command),
            cwd=self.project,
            env={**self.environment, **environment},
            input=typed,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    """Checks that the command succeeded, and returns its standard output."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def failed(done: subprocess.CompletedProcess[str]) -> str:
    """Checks that the command failed with a message and didn't crash, and returns all that it printed."""
    printed = done.stdout + done.stderr
    assert done.returncode != 0, printed
    for crash in ("Traceback", "panic", "goroutine"):
        assert crash not in printed, printed
    return printed


def isolated_cli(project: Path, home: Path) -> PulumiCli:
    """Returns the CLI for a project, with everything it writes outside of the project below `home`."""
    tools = home / "bin"
    state = home / "state"
    for folder in (tools, state):
        folder.mkdir(parents=True)
    # The engine warns if a language host isn't in its own folder.
    _put_program(find_or_build().pulumi, tools)
    host = Path(__file__).with_name("language_host") / "host.py"
    put_script(tools / "pulumi-language-python", [sys.executable, str(host), str(_executor())])
    # In Pulumi's own folder of plugins no warning is printed, as there is for one on the PATH.
    KUBERNETES_PROVIDER.install(home, find_or_build().kubernetes_provider)
    environment = {
        "PATH": os.pathsep.join((str(tools), os.environ["PATH"])),
        "LANG": "C.UTF-8",
        "GOGC": "400",
        "HOME": str(home),
        "NO_COLOR": "1",
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_SKIP_CONFIRMATIONS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    return PulumiCli(project, environment)


def put_yaml_host(cli: PulumiCli) -> None:
    """Gives the CLI Pulumi's own language host for YAML: from PATH, or built from its Go module."""
    found = shutil.which(YAML_HOST.name)
    with exclusive(cache_folder() / "build.lock"):
        if not found and not YAML_HOST.built.exists():
            build([YAML_HOST])
    _put_program(Path(found or YAML_HOST.built), cli.home / "bin")


def cli_in_a_copy(place: Path) -> PulumiCli:
    """Returns the CLI in a fresh copy of the project, without `local/`."""
    project = place / "project"
    project.mkdir()
    for name in PROJECT:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project)
    return isolated_cli(project, place / "pulumi-home")


def _put_program(program: Path, folder: Path) -> None:
    """Puts a file, not a symbolic link, in place."""
    place = folder / program.name
    try:
        place.hardlink_to(program.resolve())
    except OSError:
        shutil.copy2(program, place)


def put_script(place: Path, command: list[str]) -> None:
    place.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    place.chmod(0o755)


def _executor() -> Path:
    """Returns the script by which Pulumi's own language host starts programs; its Go module contains it."""
    go = ensure_go()
    module = subprocess.run(
        [go.program, "mod", "download", "-json", "github.com/pulumi/pulumi/sdk/v3"],
        cwd=TOOLCHAIN / "pulumi",
        env=go.environment,
        capture_output=True,
        check=True,
    )
    return Path(json.loads(module.stdout)["Dir"]) / "python/cmd/pulumi-language-python-exec"
