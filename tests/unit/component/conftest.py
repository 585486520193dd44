from typing import Any

import pytest

from components import BackendApi

API_KEY = "sk-canary-8c1f"


@pytest.fixture
def api_key() -> str:
    return API_KEY


@pytest.fixture(params=list(BackendApi))
def api(request: pytest.FixtureRequest) -> BackendApi:
    """Each gateway API in turn."""
    value: BackendApi = request.param
    return value


@pytest.fixture
def mistral(api: BackendApi) -> dict[str, Any]:
    """Arguments for a provider by its preset."""
    return {"preset": "mistral", "api_key": API_KEY, "api": api}


@pytest.fixture
def host(api: BackendApi) -> dict[str, Any]:
    """Arguments for a provider by its host."""
    return {"host": "llm.example.com", "api_key": API_KEY, "api": api}


@pytest.fixture
def backend_kind(api: BackendApi) -> str:
    return {BackendApi.KGATEWAY: "Backend", BackendApi.AGENTGATEWAY: "AgentgatewayBackend"}[api]


@pytest.fixture
def backend_group(api: BackendApi) -> str:
    return {BackendApi.KGATEWAY: "gateway.kgateway.dev", BackendApi.AGENTGATEWAY: "agentgateway.dev"}[api]


@pytest.fixture
def policy_kind(api: BackendApi) -> str:
    """Of the object that a provider by its preset has besides backend and route."""
    return {BackendApi.KGATEWAY: "BackendTLSPolicy", BackendApi.AGENTGATEWAY: "AgentgatewayPolicy"}[api]
