"""A clone of this repository somewhere else, and projects of other people's beside it."""

import os
import shutil
import sysconfig
from pathlib import Path

from local.toolchain.binaries import find_or_build
from local.toolchain.tools import KUBERNETES_PROVIDER
from tests.support.project import FILES, NAME, Project
from tests.support.repository import REPOSITORY

CLONED = (*FILES, "examples", "stacks", "templates")
OF_THIS_MACHINE = shutil.ignore_patterns("__pycache__", ".venv")

# pip asks no index: it finds all that the package needs in the environment of the tests, so it downloads nothing, but
# does install the package itself. Its word for "no isolation" is this 0.
PIP = {
    "PYTHONPATH": sysconfig.get_path("purelib"),
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_NO_BUILD_ISOLATION": "0",
    "PIP_NO_INDEX": "1",
}


def clone_into(place: Path) -> Path:
    """Puts what a clone has into a folder of this one, and returns the clone."""
    clone = place / NAME
    clone.mkdir()
    for name in CLONED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, clone / name, ignore=OF_THIS_MACHINE)
        else:
            shutil.copy(source, clone)
    return clone


def ready(project: Project) -> Project:
    """Makes the home of a project, with the plugin that `pulumi install` would download."""
    (project.home / "state").mkdir(parents=True)
    KUBERNETES_PROVIDER.install(project.home, find_or_build().kubernetes_provider)
    return project
