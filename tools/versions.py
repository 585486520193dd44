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
import sys
from importlib.metadata import version
print(sys.argv[1], *(f"{each} {version(each)}" for each in ("pulumi", "pulumi-kubernetes")), sep=", ")
"""


class Python(NamedTuple):
    """A Python on this machine."""

    version: Version
    program: str


def find_pythons() -> tuple[list[Python], list[str]]:
    """Chooses from the Pythons on the PATH, those of uv, and those of pyenv; see `choose_pythons`."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    path = os.pathsep.join([*map(str, sorted(pyenv.glob("versions/*/bin"))), os.environ["PATH"]])
    command = [str(UV), "python", "list", "--output-format", "json"]
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


def _passes(name: str, python: Python, resolution: str) -> bool:
    """Runs the tests in an environment of their own."""
    folder = REPOSITORY / "build/versions" / name
    interpreter = folder / "bin/python"
    _uv("venv", "--clear", "--python", python.program, folder)
    install = ("pip", "install", "--python", interpreter)
    _uv(*install, "--require-hashes", "--requirement", "requirements-dev.txt")
    _uv(*install, "--upgrade", "--resolution", resolution, "--requirement", PROJECT)
    subprocess.run([interpreter, "-c", PRINT_VERSIONS, f"{name}: Python {python.version}"], check=True)
    pytest = [str(interpreter), "-m", "pytest", "--numprocesses", "2", "--dist", "loadfile"]
    ignored = [f"--ignore={each}" for each in NOT_RUN]
    return subprocess.run([*pytest, *TESTS, *ignored], cwd=REPOSITORY, check=False).returncode == 0


def _uv(*arguments: str | Path) -> None:
    subprocess.run([UV, "--quiet", *arguments], cwd=REPOSITORY, check=True)


def main() -> str | None:
    """Returns what to say if a run failed."""
    pythons, missing = find_pythons()
    runs = (("lowest", pythons[0], "lowest-direct"), ("newest", pythons[-1], "highest"))
    failed = [run[0] for run in runs if not _passes(*run)]
    for each in missing:
        print(f"skipped: Python {each}, which is not on this machine")  # noqa: T201
    return f"The tests failed with the {' and the '.join(failed)} versions." if failed else None


if __name__ == "__main__":
    sys.exit(main())
