from typing import Any

import pytest

from local.control_plane.custom_resource_definitions import custom_resource_definitions
from tests.contract.schemas import StrictSchemas


@pytest.fixture(scope="session")
def crds() -> dict[str, dict[str, Any]]:
    """The definitions that the local control plane installs, by name."""
    return {crd["metadata"]["name"]: crd for crd in custom_resource_definitions()}


@pytest.fixture(scope="session")
def backend_crd(crds: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return crds["backends.gateway.kgateway.dev"]


@pytest.fixture(scope="session")
def agentgateway_crd(crds: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return crds["agentgatewaybackends.agentgateway.dev"]


@pytest.fixture(scope="session")
def schemas(crds: dict[str, dict[str, Any]]) -> StrictSchemas:
    return StrictSchemas(list(crds.values()))
