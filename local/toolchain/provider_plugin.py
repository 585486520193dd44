"""Which Kubernetes provider the engine finds: the official plugin where it can be had, else the stand-in."""

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
SECONDS_BEFORE_ASKING_AGAIN = 24 * 60 * 60


def have_provider_plugin(
    pulumi_home: Path, pulumi: Path, say: Callable[[str], None], users_pulumi_home: str | None
) -> None:
    """Puts the plugin into the folder of plugins of this Pulumi home.

    Takes the official plugin from PATH, else from the user's own Pulumi home, else from the cache, else downloads it
    into the cache. Where none of that succeeds, it writes the stand-in.
    """
    official = _official_plugin(pulumi, say, Path(users_pulumi_home or Path.home() / ".pulumi"))
    if official is None:
        say("The official Kubernetes provider plugin can't be had here: its stand-in is used.")
    put_plugin(pulumi_home, official)


def put_plugin(pulumi_home: Path, official: Path | None) -> None:
    """Puts this executable of the official plugin, or without one the stand-in, where engines of this home look."""
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
    """Finds the executable of the official plugin on PATH, of whatever version: the engine warns of an older one."""
    found = shutil.which(EXECUTABLE)
    return Path(found).resolve() if found else None


def _folder_name() -> str:
    return f"resource-kubernetes-v{importlib.metadata.version('pulumi-kubernetes')}"


def _official_plugin(pulumi: Path, say: Callable[[str], None], users_home: Path) -> Path | None:
    own_home = cache_folder() / "pulumi"
    places = [home / "plugins" / _folder_name() / EXECUTABLE for home in (users_home, own_home)]
    installed = official_plugin_on_path() or next((place for place in places if place.exists()), None)
    return installed or _downloaded(own_home, pulumi, say)


def _downloaded(home: Path, pulumi: Path, say: Callable[[str], None]) -> Path | None:
    """Asks for the plugin once a day, as a machine without a way out may take long to say no."""
    refused = home / f"{_folder_name()}.refused"
    if refused.exists() and time.time() - refused.stat().st_mtime < SECONDS_BEFORE_ASKING_AGAIN:
        return None
    say("Asking for the official Kubernetes provider plugin ...")
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
        refused.touch()
        return None
    return home / "plugins" / _folder_name() / EXECUTABLE
