import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.control_plane.control_plane import ControlPlane
from local.toolchain.binaries import Binaries, find_or_build
from tests.e2e.cluster import Cluster
from tests.e2e.inline_stack import core as core
from tests.e2e.inline_stack import custom as custom
from tests.e2e.inline_stack import kubernetes_provider as kubernetes_provider
from tests.e2e.inline_stack import namespace as namespace
from tests.e2e.inline_stack import stack as stack
from tests.e2e.pulumi_cli import pulumi_cli as pulumi_cli
from tests.e2e.running_control_plane import running_control_plane

# Commands that live for a second need not collect their garbage so often, nor compile their modules each time.
os.environ.setdefault("GOGC", "400")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    return find_or_build(print)


@pytest.fixture(scope="session")
def control_plane(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One for all tests that don't disturb it; what they make they take away."""
    with running_control_plane(binaries, tmp_path_factory) as plane:
        yield plane


@pytest.fixture
def kubeconfig(control_plane: ControlPlane) -> Path:
    return control_plane.state.kubeconfig


@pytest.fixture
def cluster(kubeconfig: Path) -> Iterator[Cluster]:
    cluster = Cluster(kubeconfig)
    yield cluster
    cluster.close()
