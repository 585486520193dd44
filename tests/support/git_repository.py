"""Git repositories on this machine, in which commands run without this user's git config."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_CONFIG = {
    "init.defaultBranch": "main",
    # Git clones a submodule from a folder only if it may.
    "protocol.file.allow": "always",
    "user.name": "Test",
    "user.email": "test@example.com",
}

GIT: Mapping[str, str] = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": str(len(_CONFIG)),
    **{f"GIT_CONFIG_KEY_{index}": key for index, key in enumerate(_CONFIG)},
    **{f"GIT_CONFIG_VALUE_{index}": value for index, value in enumerate(_CONFIG.values())},
}
"""The environment of git's commands."""


def git(folder: Path, *arguments: str) -> str:
    """Runs git in a folder, and returns what it prints."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **GIT}, capture_output=True, text=True, check=True
    )
    return done.stdout


def release(folder: Path, version: str) -> None:
    """Commits all that is in a folder, and gives the commit a tag."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", version)
    git(folder, "tag", version)
