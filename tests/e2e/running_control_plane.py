"""Starts control planes for tests."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.binaries import Binaries
from local.control_plane import ControlPlane
from local.folders import StateFolder


@contextmanager
def running_control_plane(binaries: Binaries, factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Starts a control plane in a folder of its own, and stops it at the end."""
    plane = ControlPlane(StateFolder(factory.mktemp("control-plane")), binaries, print)
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()
