import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.chat_run import ChatRun, run_chat
from tests.support.stand_in_gateway import MODEL, ROUTE_PATH, StandInGateway


@dataclass(frozen=True)
class Chat:
    """Runs the command with the gateway's URL and the route's path, without a stack and without a cluster."""

    gateway: StandInGateway
    capture: pytest.CaptureFixture[str]
    no_kubeconfig: Path

    def __call__(self, *arguments: str, url: str | None = None) -> ChatRun:
        where = ["--gateway-url", url or self.gateway.url, "--path", ROUTE_PATH, "--model", MODEL]
        return self.run(*where, "--kubeconfig", str(self.no_kubeconfig), *arguments)

    def run(self, *arguments: str) -> ChatRun:
        """Runs the command with these arguments alone."""
        return run_chat(ROUTE_PATH, arguments, self.capture)


@pytest.fixture
def chat(gateway: StandInGateway, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Chat:
    return Chat(gateway, capsys, tmp_path / "none")


class Stack:
    """A stack whose outputs a stand-in for the Pulumi CLI on the PATH prints."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self._folder, self._capture = folder, capture
        self.cli = folder / "pulumi"
        self.cli_arguments = folder / "arguments"

    def set_outputs(self, outputs: object, config: str = "exit 255") -> None:
        """Prints the outputs. For `pulumi config` it runs other commands: by default, there is no such setting."""
        self._write_cli(f"[ $1 != config ] || {{ {config}; exit; }}\ncat <<'END'\n{json.dumps(outputs)}\nEND")

    def set_failure(self, words: str) -> None:
        self._write_cli(f"echo '{words}' >&2; exit 255")

    def _write_cli(self, script: str) -> None:
        self.cli.write_text(f'#!/bin/sh\necho "$@" > {self.cli_arguments}\n{script}\n')
        self.cli.chmod(0o755)

    def chat(self, *arguments: str) -> ChatRun:
        return run_chat(
            "prod", ["--stack", "prod", "--kubeconfig", str(self._folder / "none"), *arguments], self._capture
        )

    def usage_error(self, *arguments: str) -> str:
        """Returns the one line that the command prints instead of sending a request."""
        run = self.chat(*arguments)
        assert (run.status, run.stdout, run.stderr.count("\n")) == (1, "", 1)
        return run.stderr.rstrip("\n")


@pytest.fixture
def stack(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PATH", os.pathsep.join((str(tmp_path), "/usr/bin", "/bin")))
    return Stack(tmp_path, capsys)
