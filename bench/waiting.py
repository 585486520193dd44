"""Measures what a user waits for: imports, and commands of the repository in a clone of it with warm caches."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Sample
from local.folders import REPOSITORY, cache_folder

IMPORTS = {
    "component": "import openai_compatible_llm",
    "flat": "import pulumi, pulumi_kubernetes.apiextensions, pulumi_kubernetes.core.v1, pulumi_kubernetes.meta.v1",
}
_COUNT_MODULES = "import sys; before = set(sys.modules); {}; print(len(set(sys.modules) - before))"

LOCAL = ("-m", "local")
COMMANDS = {
    "`make up STACK=mistral`, the first time": (*LOCAL, "up", "mistral"),
    "the same again": (*LOCAL, "up", "mistral"),
    "`make preview STACK=mistral`": (*LOCAL, "preview", "mistral"),
    "`make chat`, until it knows its options": ("-m", "components.openai_compatible_llm.doctor", "--help"),
    "`make down`": (*LOCAL, "down"),
}


def import_cost(program: str) -> dict[str, float]:
    """Measures a Python that only imports what the program needs: seconds, and the number of modules it loads."""
    command = [sys.executable, "-c", _COUNT_MODULES.format(IMPORTS[program])]
    started = time.monotonic()
    done = subprocess.run(command, cwd=REPOSITORY / "components", capture_output=True, text=True, check=True)
    return {"seconds": time.monotonic() - started, "modules": int(done.stdout)}


def waiting(rounds: int) -> Iterator[Sample]:
    """Yields the seconds of each command in each round, in the order in which a user runs them, and of the imports."""
    for number in range(rounds):
        for program in IMPORTS:
            yield Sample(number, program, 0, "import", import_cost(program))
        with TemporaryDirectory() as name:
            folder = Path(name) / "clone"
            subprocess.run(["git", "clone", "--quiet", REPOSITORY, folder], check=True)
            (folder / ".venv").symlink_to(sys.prefix)
            environment = {**os.environ, "HOME": name, "XDG_CACHE_HOME": str(cache_folder().parent)}
            for what, arguments in COMMANDS.items():
                started = time.monotonic()
                command = [sys.executable, *arguments]
                subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
                yield Sample(number, "component", 1, what, {"seconds": time.monotonic() - started})
