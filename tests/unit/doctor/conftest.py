from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chat_run import ChatRun, run_chat
from tests.stand_in_gateway import MODEL, ROUTE_PATH, StandInGateway


@dataclass(frozen=True)
class Chat:
    """Runs the command with the gateway's URL and the route's path, without a stack and without a cluster."""

    gateway: StandInGateway
    capture: pytest.CaptureFixture[str]
    no_kubeconfig: Path

    def __call__(self, *arguments: str, url: str | None = None) -> ChatRun:
        where = ["--gateway-url", url or self.gateway.url, "--path", ROUTE_PATH, "--model", MODEL]
        return run_chat(ROUTE_PATH, [*where, "--kubeconfig", str(self.no_kubeconfig), *arguments], self.capture)


@pytest.fixture
def chat(gateway: StandInGateway, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Chat:
    return Chat(gateway, capsys, tmp_path / "none")
