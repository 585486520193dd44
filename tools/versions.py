"""Finds the Pythons on this machine that the package admits: `make test-versions` tests with the first and the last."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tools.schema import REPOSITORY, read_project


class Python(NamedTuple):
    """A Python on this machine."""

    version: Version
    program: str


def find_pythons() -> tuple[list[Python], list[str]]:
    """Chooses from the Pythons on the PATH, those of uv, and those of pyenv; see `choose_pythons`."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    path = os.pathsep.join([*map(str, sorted(pyenv.glob("versions/*/bin"))), os.environ["PATH"]])
    command = [sys.executable, "-m", "uv", "python", "list", "--output-format", "json"]
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, check=True)
    return choose_pythons(json.loads(done.stdout), SpecifierSet(read_project(REPOSITORY)["requires-python"]))


def choose_pythons(listed: Sequence[dict[str, Any]], admitted: SpecifierSet) -> tuple[list[Python], list[str]]:
    """Returns the admitted releases on this machine, the oldest first, and the minor versions outside of their range.

    Args:
        listed: What `uv python list` knows: Pythons that are here, and those that it could download.
        admitted: The versions that the package admits.

    Raises:
        LookupError: None of them is here.
    """
    released = [
        Python(Version(each["version"]), each["path"])
        for each in listed
        if (each["implementation"], each["variant"]) == ("cpython", "default")
        and admitted.contains(each["version"], prereleases=False)
    ]
    here = sorted(each for each in released if each.program)
    if not here:
        raise LookupError(f"No Python {admitted} is on this machine.")
    lowest, newest = (each.version.release[:2] for each in (here[0], here[-1]))
    minors = sorted({each.version.release[:2] for each in released})
    return here, [".".join(map(str, each)) for each in minors if not lowest <= each <= newest]


if __name__ == "__main__":
    pythons, missing = find_pythons()
    if sys.argv[1:]:
        print({"lowest": pythons[0], "newest": pythons[-1]}[sys.argv[1]].program)  # noqa: T201
    else:
        for each in missing:
            print(f"skipped: Python {each}, which is not on this machine")  # noqa: T201
