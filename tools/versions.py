"""Runs the tests with the lowest and the newest versions that the package admits: `make test-versions`.

The lowest run has the oldest Python with the oldest `pulumi` and `pulumi-kubernetes`, the newest run the newest of
each. Pythons are those on this machine; uv finds them. Everything else that the tests need is in the locked versions.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tools.schema import PROJECT, REPOSITORY, read_project

UV = Path(sys.prefix, "bin/uv")
# The plugin's as well: it builds on parts of the SDK that Pulumi calls experimental.
TESTS = ("tests/unit", "tests/contract", "tests/e2e/test_plugin.py")
# These are about what is released, not about the versions that it runs with.
NOT_RUN = ("tests/contract/test_distribution.py", "tests/contract/test_sbom.py")
PRINT_VERSIONS = """
import platform, sys
from importlib.metadata import version
packages = (f"{each} {version(each)}" for each in ("pulumi", "pulumi-kubernetes"))
print(f"{sys.argv[1]}: Python {platform.python_version()}", *packages, sep=", ")
"""


class Python(NamedTuple):
    """A Python on this machine."""

    version: Version
    program: str

    @property
    def minor(self) -> tuple[int, ...]:
        """Such as 3.11, as numbers."""
        return self.version.release[:2]


class Pythons(NamedTuple):
    """The Pythons that the package admits.

    Attributes:
        lowest: The oldest one that is here.
        newest: The newest one that is here.
        missing: Minor versions that are admitted and released, but that neither run has, as they aren't here.
    """

    lowest: Python
    newest: Python
    missing: tuple[str, ...]


def find_pythons() -> Pythons:
    """Finds the Pythons on the PATH, those of uv, and those of pyenv.

    Raises:
        LookupError: None of them is one that the package admits.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    path = os.pathsep.join([*map(str, sorted(pyenv.glob("versions/*/bin"))), os.environ["PATH"]])
    command = [UV, "python", "list", "--output-format", "json"]
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, check=True)
    return choose_pythons(json.loads(done.stdout), SpecifierSet(read_project(REPOSITORY)["requires-python"]))


def choose_pythons(listed: Sequence[dict[str, Any]], admitted: SpecifierSet) -> Pythons:
    """Chooses from what `uv python list` knows: releases that are here, and releases that it could download."""
    released = [
        Python(Version(each["version"]), each["path"])
        for each in listed
        if (each["implementation"], each["variant"]) == ("cpython", "default")
        and admitted.contains(each["version"], prereleases=False)
    ]
    here = sorted(each for each in released if each.program)
    if not here:
        raise LookupError(f"No Python {admitted} is on this machine.")
    lowest, newest = here[0], here[-1]
    missing = {each.minor for each in released if not lowest.minor <= each.minor <= newest.minor}
    return Pythons(lowest, newest, tuple(".".join(map(str, minor)) for minor in sorted(missing)))


def _passes(name: str, python: Python, resolution: str) -> bool:
    """Runs the tests in an environment of their own."""
    folder = REPOSITORY / "build/versions" / name
    interpreter = folder / "bin/python"
    _uv("venv", "--clear", "--python", python.program, folder)
    install = ("pip", "install", "--python", interpreter)
    _uv(*install, "--require-hashes", "--requirement", "requirements-dev.txt")
    _uv(*install, "--upgrade", "--resolution", resolution, "--requirement", PROJECT)
    subprocess.run([interpreter, "-c", PRINT_VERSIONS, name], check=True)
    pytest = [interpreter, "-m", "pytest", "--numprocesses", "2", "--dist", "loadfile"]
    ignored = [f"--ignore={each}" for each in NOT_RUN]
    return subprocess.run([*pytest, *TESTS, *ignored], cwd=REPOSITORY, check=False).returncode == 0


def _uv(*arguments: str | Path) -> None:
    subprocess.run([UV, "--quiet", *arguments], cwd=REPOSITORY, check=True)


def main() -> str | None:
    """Returns what to say if a run failed."""
    pythons = find_pythons()
    runs = (("lowest", pythons.lowest, "lowest-direct"), ("newest", pythons.newest, "highest"))
    failed = [run[0] for run in runs if not _passes(*run)]
    for each in pythons.missing:
        print(f"skipped: Python {each}, which is not on this machine")  # noqa: T201
    return f"The tests failed with the {' and the '.join(failed)} versions." if failed else None


if __name__ == "__main__":
    sys.exit(main())
