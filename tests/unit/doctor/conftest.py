from dataclasses import dataclass
from pathlib import Path

import pytest

from components.openai_compatible_llm.doctor.__main__ import main
from tests.stand_in_gateway import MODEL, ROUTE_PATH, StandInGateway


@dataclass(frozen=True)
class Asked:
    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Chat:
    """Asks by the gateway's URL and the route's path, without a stack and without a cluster."""

    gateway: StandInGateway
    capture: pytest.CaptureFixture[str]
    no_kubeconfig: Path

    def __call__(self, *arguments: str, url: str | None = None) -> Asked:
        where = ["--gateway-url", url or self.gateway.url, "--path", ROUTE_PATH, "--model", MODEL]
        status = main([*where, "--kubeconfig", str(self.no_kubeconfig), *arguments])
        captured = self.capture.readouterr()
        return Asked(status, captured.out, captured.err)


@pytest.fixture
def chat(gateway: StandInGateway, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Chat:
    return Chat(gateway, capsys, tmp_path / "none")
