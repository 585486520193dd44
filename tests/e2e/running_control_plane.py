"""Starts control planes for tests."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.control_plane.control_plane import ControlPlane
from local.folders import StateFolder
from local.gateway.api import DEFAULT_GATEWAY, gateway_objects
from local.toolchain.binaries import Binaries


@contextmanager
def running_control_plane(binaries: Binaries, factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Starts a control plane in a folder of its own, and stops it at the end."""
    plane = ControlPlane(StateFolder(factory.mktemp("control-plane")), binaries)
    try:
        plane.start(gateway_objects(DEFAULT_GATEWAY))
        yield plane
    finally:
        plane.stop()
