"""The names of resources, by which the engine knows them again, are those that a released version gave them.

Where one has to change, the new resource needs an alias, or the engine creates it anew and deletes the old one.
"""

import json
from typing import Any

import pytest

from components.openai_compatible_llm import BackendApi
from tests.support.recording import record_component
from tests.support.repository import REPOSITORY

RELEASED = REPOSITORY / "tests/gateway/released"
COMPONENT = "openai-compatible-llm:index:OpenAICompatibleLLM"
# With agentgateway, TLS is in the backend now, and the route has a policy.
GONE = {
    BackendApi.KGATEWAY: [],
    BackendApi.AGENTGATEWAY: [
        (f"{COMPONENT}$kubernetes:gateway.networking.k8s.io/v1:BackendTLSPolicy", "mistral-agentgateway-tls")
    ],
}
NEW = {
    BackendApi.KGATEWAY: [],
    BackendApi.AGENTGATEWAY: [(f"{COMPONENT}$kubernetes:agentgateway.dev/v1alpha1:AgentgatewayPolicy", "mistral")],
}


@pytest.mark.parametrize("api", BackendApi)
def test_the_resources_of_a_component_keep_their_names(api: BackendApi) -> None:
    state: dict[str, Any] = json.loads((RELEASED / f"{api}.json").read_text())
    released = {tuple(each["urn"].split("::")[2:]) for each in state["deployment"]["resources"]}
    recording = record_component({"host": "localhost", "api_key": "sk-one", "api": api})
    types = {each.urn: each.type for each in recording.resources}
    today = {
        (f"{types[each.parent]}${each.type}" if each.parent in types else each.type, each.name)
        for each in recording.resources
    }
    assert len(today) == 5
    kept = {each for each in released if each[0].startswith(COMPONENT)} - set(GONE[api])
    assert (kept - today, today - released) == (set(), set(NEW[api]))
