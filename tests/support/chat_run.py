"""Runs the command `openai-compatible-llm-chat` in this process."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from components.openai_compatible_llm.doctor.__main__ import main
from components.openai_compatible_llm.doctor.hops import Hop

NO_CLUSTER = "  (The cluster was not checked: "


@dataclass(frozen=True)
class ChatRun:
    """What a run of the command left; `provider` is whom it names in its report."""

    provider: str
    status: int
    stdout: str
    stderr: str

    def broken_at(self, hop: Hop, *, stdout: str = "", note: str | None = None) -> str:
        """Returns evidence and fix, after checking that the report names this hop, and the exit status is the hop's.

        Args:
            hop: The hop that should be broken.
            stdout: All of the standard output.
            note: How the line after the report begins; None where there is no such line.
        """
        assert (self.status, self.stdout) == (hop.status, stdout), self.stderr
        named, evidence, fix, *notes = self.stderr.splitlines()
        assert named == f"{self.provider}: broken at the hop {hop.label}: {hop.meaning}."
        assert evidence.startswith("  evidence: ")
        assert fix.startswith("  fix:      ")
        assert [note is not None and line.startswith(note) for line in notes] == [True] * (note is not None)
        return f"{evidence.removeprefix('  evidence: ')}\n{fix.removeprefix('  fix:      ')}"


def run_chat(provider: str, arguments: Sequence[str], capture: pytest.CaptureFixture[str]) -> ChatRun:
    status = main(arguments)
    captured = capture.readouterr()
    return ChatRun(provider, status, captured.out, captured.err)
