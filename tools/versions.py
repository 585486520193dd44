"""Runs the tests with the lowest and the newest versions that the package admits: `make test-versions`.

The lowest run has the oldest Python with the oldest `pulumi` and `pulumi-kubernetes`, the newest run the newest of
each. Pythons are those on this machine; uv finds them. Everything else that the tests need is in the locked versions.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tools.schema import PROJECT, REPOSITORY, read_project

UV = Path(sys.prefix, "bin/uv")
# The plugin's as well: it builds on parts of the SDK that Pulumi calls experimental.
TESTS = ("tests/unit", "tests/contract", "tests/e2e/test_plugin.py")
# These are about what is released, not about the versions that it runs with.
NOT_RUN = ("tests/contract/test_distribution.py", "tests/contract/test_sbom.py")


@dataclass(frozen=True)
class Python:
    """A Python on this machine."""

    version: Version
    program: Path


@dataclass(frozen=True)
class Pythons:
    """The Pythons that the package admits.

    Attributes:
        lowest: Of the oldest minor version that is here.
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
    command = [str(UV), "python", "list", "--output-format", "json"]
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True)
    admitted = SpecifierSet(read_project(REPOSITORY)["requires-python"])
    return choose_pythons(json.loads(done.stdout), admitted)


def choose_pythons(listed: Sequence[dict[str, Any]], admitted: SpecifierSet) -> Pythons:
    """Chooses from what `uv python list` knows: releases that are here, and releases that it could download."""
    known = [
        (Version(each["version"]), each["path"])
        for each in listed
        if (each["implementation"], each["variant"]) == ("cpython", "default")
    ]
    released = [(version, path) for version, path in known if version in admitted and not version.is_prerelease]
    here = sorted((version, path) for version, path in released if path)
    if not here:
        raise LookupError(f"No Python {admitted} is on this machine.")
    lowest, newest = (Python(version, Path(path)) for version, path in (here[0], here[-1]))
    minors = sorted({version.release[:2] for version, _ in released})
    outside = (each for each in minors if not lowest.version.release[:2] <= each <= newest.version.release[:2])
    return Pythons(lowest, newest, tuple(".".join(map(str, each)) for each in outside))


def make_environment(folder: Path, python: Python, resolution: str) -> Path:
    """Makes a virtual environment for the tests, and returns its interpreter."""
    interpreter = folder / "bin/python"
    _uv("venv", "--clear", "--python", python.program, folder)
    install = ("pip", "install", "--python", interpreter)
    _uv(*install, "--require-hashes", "--requirement", "requirements-dev.txt")
    _uv(*install, "--upgrade", "--resolution", resolution, "--requirement", PROJECT)
    return interpreter


def _uv(*arguments: str | Path) -> None:
    subprocess.run([UV, "--quiet", *arguments], cwd=REPOSITORY, check=True)


def _versions(interpreter: Path) -> str:
    program = """
import platform
from importlib.metadata import version
packages = (f"{each} {version(each)}" for each in ("pulumi", "pulumi-kubernetes"))
print(f"Python {platform.python_version()}", *packages, sep=", ")
"""
    return subprocess.run([interpreter, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def _failed(pythons: Pythons) -> Iterator[str]:
    """Runs the tests twice, and yields the names of the runs that failed."""
    for name, python, resolution in (
        ("lowest", pythons.lowest, "lowest-direct"),
        ("newest", pythons.newest, "highest"),
    ):
        interpreter = make_environment(REPOSITORY / "build/versions" / name, python, resolution)
        _say(f"{name}: {_versions(interpreter)}")
        pytest = [str(interpreter), "-m", "pytest", "--numprocesses", "2", "--dist", "loadfile"]
        ignored = [f"--ignore={each}" for each in NOT_RUN]
        if subprocess.run([*pytest, *TESTS, *ignored], cwd=REPOSITORY, check=False).returncode:
            yield name


def main() -> str | None:
    """Returns what to say if a run failed."""
    pythons = find_pythons()
    failed = list(_failed(pythons))
    for each in pythons.missing:
        _say(f"skipped: Python {each}, which is not on this machine")
    return f"The tests failed with the {' and the '.join(failed)} versions." if failed else None


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
