"""Runs the doctor's command, as `make chat` does, with the path of a route."""

from pathlib import Path

import pytest

from tests.support.chat_run import ChatRun, run_chat
from tests.support.provider_objects import API_KEY
from tests.support.stand_in_gateway import MODEL


class Chat:
    """Runs the command for a gateway and a kubeconfig; the command finds the route by its path in the cluster."""

    def __init__(self, gateway_url: str, kubeconfig: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.gateway_url, self.kubeconfig = gateway_url, kubeconfig
        self._capture = capture
        self.path = "/of-no-route"

    def __call__(self, *arguments: str) -> ChatRun:
        where = ["--gateway-url", self.gateway_url, "--path", self.path, "--model", MODEL]
        run = run_chat(self.path, [*where, "--kubeconfig", str(self.kubeconfig), *arguments], self._capture)
        assert API_KEY not in run.stdout + run.stderr
        return run
