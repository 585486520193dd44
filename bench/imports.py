"""What it costs to import the package, beside importing what any program with these objects imports."""

import subprocess
import sys
import time
from dataclasses import dataclass

from local.folders import REPOSITORY

STATEMENTS = {
    "component": "import openai_compatible_llm",
    "flat": "import pulumi, pulumi_kubernetes.apiextensions, pulumi_kubernetes.core.v1, pulumi_kubernetes.meta.v1",
}
COUNT = "import sys; before = set(sys.modules); {}; print(len(set(sys.modules) - before))"


@dataclass(frozen=True)
class ImportCost:
    """
    Attributes:
        seconds: From the start of Python to its end.
        modules: How many it has then that Python itself doesn't come with.
    """

    round: int
    program: str
    seconds: float
    modules: int


def import_costs(rounds: int) -> list[ImportCost]:
    """In turn, after a first one each that is not counted."""
    for program in STATEMENTS:
        import_cost(0, program)
    return [import_cost(number, program) for number in range(rounds) for program in STATEMENTS]


def import_cost(number: int, program: str) -> ImportCost:
    command = [sys.executable, "-c", COUNT.format(STATEMENTS[program])]
    started = time.monotonic()
    done = subprocess.run(command, cwd=REPOSITORY / "components", capture_output=True, text=True, check=True)
    return ImportCost(number, program, time.monotonic() - started, int(done.stdout))
