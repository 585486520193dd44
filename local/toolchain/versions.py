"""Reads the versions of programs."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from packaging.version import Version


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
