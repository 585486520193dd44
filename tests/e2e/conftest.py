import gc
import os
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from kubernetes.client import CoreV1Api, CustomObjectsApi
from pulumi import automation
from pulumi.automation._server import LanguageServer
from pulumi.automation._stack import StackInitMode
from semver import VersionInfo

from local.control_plane.control_plane import ControlPlane
from local.toolchain.binaries import Binaries, find_or_build
from local.toolchain.tools import KUBERNETES_PROVIDER
from tests.e2e.inline_stack import QuickStack, Stack, run_to_its_end
from tests.e2e.plugin_process import plugin_version
from tests.e2e.pulumi_cli import PulumiCli, cli_in_a_copy
from tests.e2e.running_control_plane import running_control_plane
from tests.support.cluster import Cluster

# Commands that live for a second need not collect their garbage so often, nor compile their modules each time.
os.environ.setdefault("GOGC", "400")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    return find_or_build()


@pytest.fixture(scope="session")
def control_plane(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One control plane for all tests that don't disturb it. Each test deletes what it creates."""
    with running_control_plane(binaries, tmp_path_factory) as plane:
        yield plane


@pytest.fixture
def kubeconfig(control_plane: ControlPlane) -> Path:
    return control_plane.state.kubeconfig


@pytest.fixture
def cluster(kubeconfig: Path) -> Iterator[Cluster]:
    with closing(Cluster(kubeconfig)) as cluster:
        yield cluster


@pytest.fixture
def core(cluster: Cluster) -> CoreV1Api:
    return cluster.core


@pytest.fixture
def custom(cluster: Cluster) -> CustomObjectsApi:
    return cluster.custom


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own."""
    with cluster.new_namespace(f"test-{uuid.uuid4().hex[:8]}") as name:
        yield name


@pytest.fixture
def pulumi_cli(tmp_path: Path) -> PulumiCli:
    return cli_in_a_copy(tmp_path)


@pytest.fixture(autouse=True)
def skip_where_the_kubernetes_provider_is_older(request: pytest.FixtureRequest) -> None:
    """Skips a test of what only a newer one does: `kubernetes_provider("4.29", does="...")`."""
    for marker in request.node.iter_markers("kubernetes_provider"):
        found = plugin_version(request.getfixturevalue("binaries").kubernetes_provider)
        if found < VersionInfo.parse(f"{marker.args[0]}.0"):
            pytest.skip(f"only pulumi-kubernetes {marker.args[0]} {marker.kwargs['does']}; this is {found}")


@pytest.fixture
def stack(kubeconfig: Path, binaries: Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A stack whose programs a test writes."""
    folder = tmp_path / "stack"
    for name in ("project", "state", "home"):
        (folder / name).mkdir(parents=True)
    KUBERNETES_PROVIDER.install(folder / "home", binaries.kubernetes_provider)
    (folder / "project/Pulumi.yaml").write_text(yaml.safe_dump({"name": "inline", "runtime": "python"}))
    monkeypatch.setenv("PATH", os.pathsep.join((str(binaries.pulumi.parent), os.environ["PATH"])))
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "true")
    monkeypatch.setattr(LanguageServer, "Run", run_to_its_end)
    variables = {
        "KUBECONFIG": str(kubeconfig),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for tests",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    }
    options = automation.LocalWorkspaceOptions(work_dir=str(folder / "project"), env_vars=variables)
    # `QuickStack.create` would return a Stack of the SDK's own class.
    created = QuickStack("test", automation.LocalWorkspace(**vars(options)), StackInitMode.CREATE)
    yield Stack(created, folder, variables)
    # The SDK leaves the event loop of a program that failed open.
    gc.collect()
