"""Runs the doctor's command, as `make chat` does, with the path of a route."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from components.openai_compatible_llm.doctor.__main__ import main
from components.openai_compatible_llm.doctor.hops import Hop
from tests.e2e.doctor.objects import API_KEY
from tests.stand_in_gateway import MODEL


@dataclass(frozen=True)
class Asked:
    path: str
    status: int
    stdout: str
    stderr: str

    def broken_at(self, hop: Hop) -> str:
        """Returns evidence and fix, after checking that this hop is named and that the exit status is its own."""
        assert (self.status, self.stdout) == (hop.status, ""), self.stderr
        named, evidence, fix = self.stderr.splitlines()
        assert named == f"{self.path}: broken at the hop {hop.label}: {hop.meaning}."
        return f"{evidence.removeprefix('  evidence: ')}\n{fix.removeprefix('  fix:      ')}"


class Chat:
    """Runs the command for a gateway and a kubeconfig; the command finds the route by its path in the cluster."""

    def __init__(self, gateway_url: str, kubeconfig: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.gateway_url, self.kubeconfig = gateway_url, kubeconfig
        self._capture = capture
        self.path = "/of-no-route"

    def __call__(self, *arguments: str) -> Asked:
        where = ["--gateway-url", self.gateway_url, "--path", self.path, "--model", MODEL]
        status = main([*where, "--kubeconfig", str(self.kubeconfig), *arguments])
        printed = self._capture.readouterr()
        assert API_KEY not in printed.out + printed.err
        return Asked(self.path, status, printed.out, printed.err)
