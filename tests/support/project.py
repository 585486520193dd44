"""Programs run by the real Pulumi CLI with the official language hosts and Kubernetes provider."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.repository import REPOSITORY

FILES = ("Pulumi.yaml", "__main__.py", "stack_config", "components", "requirements.txt")
NAME = "openai-compatible-llm"
PASSPHRASE = "only for tests"
TIMEOUT = 300


@dataclass(frozen=True)
class Project:
    """A project with one stack, and everything that the CLI writes beside it."""

    folder: Path
    pulumi: Path
    kubeconfig: Path
    stack: str = "test"

    def create(self) -> None:
        """Copies the project's program, and makes the stack."""
        for name in FILES:
            source = REPOSITORY / name
            if source.is_dir():
                # With what Python has compiled, but for the files that it is writing.
                shutil.copytree(source, self.folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
            else:
                shutil.copy(source, self.folder / name)
        # The language host takes the interpreter that Pulumi.yaml names.
        (self.folder / ".venv").symlink_to(sys.prefix)
        (self.folder / "stacks").mkdir()
        self.init()

    def init(self) -> None:
        """Makes the stack of whatever program is in the folder."""
        (self.home / "state").mkdir(parents=True)
        self("stack", "init", self.stack)

    @property
    def home(self) -> Path:
        """Is beside the project, as the folder may not exist yet."""
        return self.folder.with_name(f"{self.folder.name}-home")

    @property
    def environment(self) -> dict[str, str]:
        return {
            # With the tests' own Python in it, of which environments are made.
            "PATH": os.pathsep.join((str(self.pulumi.parent), str(Path(sys.executable).parent), os.environ["PATH"])),
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "npm_config_cache": str(Path.home() / ".npm"),
            "npm_config_prefer_offline": "true",
            "NO_COLOR": "1",
            "KUBECONFIG": str(self.kubeconfig),
            "PULUMI_HOME": str(self.home),
            "PULUMI_BACKEND_URL": (self.home / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def write(self, providers: Mapping[str, Any], **settings: Any) -> None:
        """Writes the stack's file: `providers` and further settings of the program, in the stack file's spelling."""
        given = {**settings, **({"providers": dict(providers)} if providers else {})}
        config = {f"{NAME}:{key}": value for key, value in given.items()}
        file = self.folder / f"stacks/Pulumi.{self.stack}.yaml"
        kept = yaml.safe_load(file.read_text()) if file.exists() else {}
        file.write_text(yaml.safe_dump({**(kept or {}), "config": config}))

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs `pulumi` with these arguments, whatever comes of it."""
        return subprocess.run(
            [self.pulumi, "--non-interactive", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def __call__(self, *arguments: str, **environment: str) -> str:
        """Runs `pulumi`, which must succeed, and returns what it printed."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 0, f"pulumi {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def shell(
        self, commands: str, environment: Mapping[str, str] | None = None, typed: str = "", folder: Path | None = None
    ) -> str:
        """Runs lines of a page, in the project's folder unless another is given, and returns all that they print.

        Args:
            commands: The lines.
            environment: More variables.
            typed: What is typed on standard input.
            folder: Where they run.
        """
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=folder or self.folder,
            env={**self.environment, "PULUMI_SKIP_CONFIRMATIONS": "true", **(environment or {})},
            input=typed,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert done.returncode == 0, f"{commands}\n{printed}"
        return printed

    def up(self, **environment: str) -> str:
        return self("up", "--yes", "--skip-preview", "--stack", self.stack, **environment)

    def chat(self) -> subprocess.CompletedProcess[str]:
        """Runs the doctor for the stack, as `make chat` does."""
        return subprocess.run(
            [sys.executable, "-m", "openai_compatible_llm.doctor", "--stack", self.stack],
            cwd=self.folder,
            env={**self.environment, "PYTHONPATH": str(self.folder / "components")},
            capture_output=True,
            text=True,
            check=False,
        )

    def fails(self, *arguments: str, **environment: str) -> str:
        """Runs `pulumi`, which must fail, and returns what it printed."""
        done = self.run(*arguments, **environment)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr
