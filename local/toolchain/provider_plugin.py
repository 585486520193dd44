"""Installs the Kubernetes provider plugin for the engine: the official one if possible, otherwise the stand-in."""

import importlib.metadata
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from local.folders import REPOSITORY, cache_folder

EXECUTABLE = "pulumi-resource-kubernetes"
SECONDS_TO_DOWNLOAD = 180
SECONDS_BEFORE_NEXT_TRY = 24 * 60 * 60


def ensure_provider_plugin(
    pulumi_home: Path, pulumi: Path, say: Callable[[str], None], users_pulumi_home: str | None
) -> None:
    """Install the plugin into a Pulumi home.

    The official plugin is taken from PATH, from the user's own Pulumi home or from the cache, or else downloaded into
    the cache. If all of that fails, the stand-in is installed.
    """
    official = _official_plugin(pulumi, say, Path(users_pulumi_home or Path.home() / ".pulumi"))
    if official is None:
        say("The official Kubernetes provider plugin is not available: using this project's stand-in.")
    install_plugin(pulumi_home, official)


def install_plugin(pulumi_home: Path, official: Path | None) -> None:
    """Install this executable of the official plugin, or the stand-in if it is None, into a Pulumi home."""
    folder = pulumi_home / "plugins" / _folder_name()
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    plugin = folder / EXECUTABLE
    plugin.unlink(missing_ok=True)
    if official:
        plugin.symlink_to(official)
    else:
        command = shlex.join(["env", f"PYTHONPATH={REPOSITORY}", sys.executable, "-m", "local.kubernetes_provider"])
        plugin.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        plugin.chmod(0o755)


def official_plugin_on_path() -> Path | None:
    """Find the official plugin's executable on PATH, in any version: the engine warns if it is an older one."""
    found = shutil.which(EXECUTABLE)
    return Path(found).resolve() if found else None


def _folder_name() -> str:
    return f"resource-kubernetes-v{importlib.metadata.version('pulumi-kubernetes')}"


def _official_plugin(pulumi: Path, say: Callable[[str], None], users_home: Path) -> Path | None:
    own_home = cache_folder() / "pulumi"
    places = [home / "plugins" / _folder_name() / EXECUTABLE for home in (users_home, own_home)]
    installed = official_plugin_on_path() or next((place for place in places if place.exists()), None)
    return installed or _download(own_home, pulumi, say)


def _download(home: Path, pulumi: Path, say: Callable[[str], None]) -> Path | None:
    """Download the plugin. After a failure, which takes long without a network, try again a day later."""
    failed = home / f"{_folder_name()}.failed"
    if failed.exists() and time.time() - failed.stat().st_mtime < SECONDS_BEFORE_NEXT_TRY:
        return None
    say("Downloading the official Kubernetes provider plugin ...")
    home.mkdir(parents=True, exist_ok=True)
    version = importlib.metadata.version("pulumi-kubernetes")
    try:
        subprocess.run(
            [str(pulumi), "plugin", "install", "resource", "kubernetes", f"v{version}"],
            env={**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS_TO_DOWNLOAD,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        failed.touch()
        return None
    return home / "plugins" / _folder_name() / EXECUTABLE
