"""Tests on a cluster that already has a gateway. .github/workflows/gateway.yml makes one with kind.

`GATEWAY_API` says which gateway API its gateway serves, and `KUBECONFIG` which cluster it is. The Gateway is
`agentgateway` in `gloo-system`, forwarded to this machine's port 8080.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from components.openai_compatible_llm import BackendApi
from local.toolchain.binaries import find_or_build
from tests.kind import provider_objects
from tests.support.cluster import Cluster
from tests.support.project import Project

KEY = "sk-canary-kind-7be2"
APIS = [each.value for each in BackendApi]


def pytest_sessionstart() -> None:
    if os.environ.get("GATEWAY_API") not in APIS:
        raise pytest.UsageError(f"Set GATEWAY_API to the API of the cluster's gateway: {' or '.join(APIS)}.")
    if not kubeconfig().is_file():
        raise pytest.UsageError(f"Set KUBECONFIG to the cluster's kubeconfig; {kubeconfig()} is no file.")


def kubeconfig() -> Path:
    return Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube/config")


@pytest.fixture(scope="session")
def api() -> str:
    return os.environ["GATEWAY_API"]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with closing(Cluster(kubeconfig())) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def namespace(cluster: Cluster) -> Iterator[str]:
    """One of this run's own, with a provider in it that takes `KEY`."""
    with cluster.new_namespace(f"llm-{uuid.uuid4().hex[:8]}") as name:
        provider_objects.create(cluster, name, KEY)
        yield name


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project(folder, find_or_build().pulumi, kubeconfig())
    project.create()
    return project
