import os
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from local.gateway.api import AGENTGATEWAY
from tests.gateway.deployment import LARGE_PROMPT, Deployment
from tests.gateway.installation import Installation, limit_to_oneself, shared_installation, stop_installation, using
from tests.gateway.one_url import OneUrl
from tests.gateway.openai_provider import OpenAIProvider, openai_provider
from tests.gateway.own_gateway import OwnGateway, own_gateway
from tests.gateway.programs import missing_programs
from tests.support.cluster import Cluster
from tests.support.project import Project

FOLDER = "gateways"
APIS = ("kgateway", "agentgateway")


def pytest_sessionstart() -> None:
    if missing := missing_programs():
        raise pytest.UsageError(missing)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Has the tests that wait for a controller come first, so that others run meanwhile."""
    items.sort(key=lambda item: item.path.name != "test_waiting.py")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
        stop_installation(factory.getbasetemp() / FOLDER)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One for all processes of the run."""
    of_this_process = tmp_path_factory.getbasetemp()
    of_the_run = of_this_process.parent if "PYTEST_XDIST_WORKER" in os.environ else of_this_process
    with shared_installation(of_the_run / FOLDER) as installation:
        yield installation


@pytest.fixture
def cluster(installation: Installation) -> Iterator[Cluster]:
    with closing(Cluster(installation.kubeconfig)) as cluster:
        yield cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """One of the test's own, so that no test sees another's objects."""
    with cluster.new_namespace(f"llm-{uuid.uuid4().hex[:8]}") as name:
        yield name


@pytest.fixture
def provider(installation: Installation) -> Iterator[OpenAIProvider]:
    """A provider whose certificate the gateways accept."""
    with openai_provider(installation.authority) as provider:
        yield provider


@pytest.fixture
def other_provider(installation: Installation) -> Iterator[OpenAIProvider]:
    with openai_provider(installation.authority) as provider:
        yield provider


@pytest.fixture(scope="session")
def installation_authority(installation: Installation) -> trustme.CA:
    """The one that the gateways take for one of the system's."""
    return installation.authority


@pytest.fixture(scope="session")
def foreign_authority() -> trustme.CA:
    """One that the gateways don't trust."""
    return trustme.CA()


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    """Each gateway API in turn."""
    return str(request.param)


@pytest.fixture
def unguarded_deployment(
    api: str, project: Project, installation: Installation, namespace: str, provider: OpenAIProvider
) -> Deployment:
    """For a test that pauses a controller by itself."""
    return Deployment(api, project, installation.gateways[api], namespace, provider)


@pytest.fixture
def deployment(unguarded_deployment: Deployment, installation: Installation) -> Iterator[Deployment]:
    """Not deployed yet. Nobody pauses the controller of its API."""
    with using(installation, unguarded_deployment.api):
        yield unguarded_deployment


@pytest.fixture
def gateway_of_test(installation: Installation, cluster: Cluster, namespace: str) -> Iterator[OwnGateway]:
    """One of agentgateway's, which no other test uses. Nobody pauses its controller."""
    with using(installation, AGENTGATEWAY.name), own_gateway(installation, cluster, namespace) as gateway:
        yield gateway


@pytest.fixture
def one_url(project: Project, gateway_of_test: OwnGateway, namespace: str, provider: OpenAIProvider) -> OneUrl:
    """Not deployed yet."""
    return OneUrl(AGENTGATEWAY.name, project, gateway_of_test.gateway, namespace, provider)


@pytest.fixture
def large_prompt(installation: Installation) -> Iterator[str]:
    """Over the gateways' limit, which no other test changes meanwhile."""
    with limit_to_oneself(installation):
        yield LARGE_PROMPT


@pytest.fixture
def project(installation: Installation, tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project(folder, installation.pulumi, installation.kubeconfig)
    project.create()
    return project
