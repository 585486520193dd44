"""Measures what a user waits for: commands of the repository, run in a clone of it with warm caches."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Sample
from local.folders import REPOSITORY, cache_folder

LOCAL = ("-m", "local")
COMMANDS = {
    "`make up STACK=mistral`, the first time": (*LOCAL, "up", "mistral"),
    "the same again": (*LOCAL, "up", "mistral"),
    "`make preview STACK=mistral`": (*LOCAL, "preview", "mistral"),
    "`make chat`, until it knows its options": ("-m", "components.openai_compatible_llm.doctor", "--help"),
    "`make down`": (*LOCAL, "down"),
}


def waiting(rounds: int) -> Iterator[Sample]:
    """Yields the seconds of each command in each round, in the order in which a user runs them."""
    for number in range(rounds):
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
