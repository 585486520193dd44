"""Measures what a user waits for: imports, and commands of the repository in a clone of it with warm caches."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Sample
from local.folders import REPOSITORY, cache_folder

ROUNDS = 3
COMMAND = "command"
# What is written for each, and the arguments of Python.
COMMANDS = {
    "import of what the flat program needs": "-c 'import pulumi, pulumi_kubernetes.core.v1'",
    "import of the component": "-c 'import components'",
    "`make up STACK=mistral`, the first time": "-m local up mistral",
    "the same again": "-m local up mistral",
    "`make preview STACK=mistral`": "-m local preview mistral",
    "`make chat`, until it knows its options": "-m components.openai_compatible_llm.doctor --help",
    "`make down`": "-m local down",
}


def command_samples() -> Iterator[Sample]:
    """Yields the seconds of each command in each round, in the order in which a user runs them."""
    for number in range(ROUNDS):
        with TemporaryDirectory() as home:
            clone = Path(home) / "clone"
            subprocess.run(["git", "clone", "--quiet", REPOSITORY, clone], check=True)
            (clone / ".venv").symlink_to(sys.prefix)
            environment = {**os.environ, "HOME": home, "XDG_CACHE_HOME": str(cache_folder().parent)}
            for what, arguments in COMMANDS.items():
                started = time.monotonic()
                command = [sys.executable, *shlex.split(arguments)]
                subprocess.run(command, cwd=clone, env=environment, stdout=subprocess.DEVNULL, check=True)
                yield Sample(number, COMMAND, 1, what, {"seconds": time.monotonic() - started})
