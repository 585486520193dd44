"""Gives the engine the Kubernetes provider."""

from pathlib import Path

from local.toolchain.tools import KUBERNETES_PROVIDER


def install_plugin(pulumi_home: Path, program: Path) -> None:
    """Put a program of the official plugin, of whatever version, where the engine looks for the SDK's version."""
    place = KUBERNETES_PROVIDER.place_in(pulumi_home)
    if place.parent.is_symlink():
        # An earlier version of this project linked to the user's folder.
        place.parent.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(program)
