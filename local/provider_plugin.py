"""Which Kubernetes provider the engine finds: the official plugin where it can be had, else the stand-in."""

import importlib.metadata
import os
import shlex
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
    """Puts the plugin where the engine looks for it.

    The official one of the user's own Pulumi home is taken, else the one in the cache, else it is downloaded there.
    """
    official = _official_plugin(pulumi, say, Path(users_pulumi_home or Path.home() / ".pulumi"))
    place = pulumi_home / "plugins" / _folder_name()
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink():
        place.unlink()
    if official is None:
        say("The official Kubernetes provider plugin can't be had here: its stand-in is used.")
        write_stand_in(place)
    else:
        (place / EXECUTABLE).unlink(missing_ok=True)
        if place.is_dir():
            place.rmdir()
        place.symlink_to(official)


def write_stand_in(folder: Path) -> None:
    """A plugin folder whose executable starts the stand-in with this Python."""
    folder.mkdir(parents=True, exist_ok=True)
    command = shlex.join(["env", f"PYTHONPATH={REPOSITORY}", sys.executable, "-m", "local.kubernetes_provider"])
    script = folder / EXECUTABLE
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    script.chmod(0o755)


def _folder_name() -> str:
    return f"resource-kubernetes-v{importlib.metadata.version('pulumi-kubernetes')}"


def _official_plugin(pulumi: Path, say: Callable[[str], None], users_home: Path) -> Path | None:
    own_home = cache_folder() / "pulumi"
    for home in (users_home, own_home):
        if (home / "plugins" / _folder_name() / EXECUTABLE).exists():
            return home / "plugins" / _folder_name()
    return _downloaded(own_home, pulumi, say)


def _downloaded(home: Path, pulumi: Path, say: Callable[[str], None]) -> Path | None:
    """Asked for once a day, as a machine without a way out may take long to say no."""
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
    return home / "plugins" / _folder_name()
