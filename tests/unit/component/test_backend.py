"""The backend's spec in the words of each gateway API."""

from typing import Any

import pytest

from components import BackendApi
from tests.support import seed
from tests.support.recording import Recording, record_component

KGATEWAY, AGENTGATEWAY = BackendApi.KGATEWAY, BackendApi.AGENTGATEWAY

MISTRAL: dict[BackendApi, Any] = {
    KGATEWAY: seed.MISTRAL["Backend"]["spec"],
    AGENTGATEWAY: {
        "ai": {
            "provider": {
                "openai": {"model": "mistral-medium-2505"},
                "host": "api.mistral.ai",
                "port": 443,
                "pathPrefix": "/v1",
            }
        },
        "policies": {
            "auth": {"secretRef": {"name": "mistral-secret"}},
            "tls": {"sni": "api.mistral.ai"},
            "ai": {
                "routes": {
                    "/chat/completions": "Completions",
                    "/responses": "Responses",
                    "/messages": "Messages",
                    "*": "Passthrough",
                }
            },
        },
    },
}
HOUSE_KEYS: dict[BackendApi, Any] = {
    KGATEWAY: {"kind": "SecretRef", "secretRef": {"name": "house-keys"}},
    AGENTGATEWAY: {"secretRef": {"name": "house-keys"}},
}
PASSTHROUGH: dict[BackendApi, Any] = {KGATEWAY: {"kind": "Passthrough"}, AGENTGATEWAY: {"passthrough": {}}}


def provider(recording: Recording, api: BackendApi) -> Any:
    """What names the provider and overrides its host, port and path."""
    if api is KGATEWAY:
        return recording.spec("Backend")["ai"]["llm"]
    return recording.spec("AgentgatewayBackend")["ai"]["provider"]


def endpoint(recording: Recording, api: BackendApi) -> tuple[str, int, str]:
    """Host, port and the path of chat completions."""
    llm = provider(recording, api)
    if api is KGATEWAY:
        path = llm["path"]["full"]
    else:
        path = llm["path"] if "path" in llm else llm["pathPrefix"].rstrip("/") + "/chat/completions"
    return llm["host"], llm["port"], path


def auth(recording: Recording, api: BackendApi) -> Any:
    if api is KGATEWAY:
        return provider(recording, api)["openai"]["authToken"]
    policies = recording.spec("AgentgatewayBackend")["policies"]
    assert set(policies) == {"auth", "tls", "ai"}
    assert set(policies["ai"]) == {"routes"}
    return policies["auth"]


def test_a_preset_a_model_and_a_key_give_the_whole_spec(
    mistral: dict[str, Any], api: BackendApi, backend_kind: str
) -> None:
    assert record_component({**mistral, "model": "mistral-medium-2505"}).spec(backend_kind) == MISTRAL[api]


def test_without_a_model_the_backend_names_none(mistral: dict[str, Any], api: BackendApi) -> None:
    openai = {KGATEWAY: {"authToken": {"kind": "SecretRef", "secretRef": {"name": "mistral-secret"}}}, AGENTGATEWAY: {}}
    assert provider(record_component(mistral), api)["openai"] == openai[api]


def test_a_host_alone_gets_https_and_the_openai_path(host: dict[str, Any], api: BackendApi) -> None:
    assert endpoint(record_component(host), api) == ("llm.example.com", 443, "/v1/chat/completions")


def test_host_port_and_path_win_over_the_presets(mistral: dict[str, Any], api: BackendApi) -> None:
    args = {**mistral, "host": "eu.example.com", "port": 8443, "path": "/api/chat/completions"}
    assert endpoint(record_component(args), api) == ("eu.example.com", 8443, "/api/chat/completions")


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://api.mistral.ai/v1", ("api.mistral.ai", 443, "/v1/chat/completions")),
        ("https://api.mistral.ai/v1/", ("api.mistral.ai", 443, "/v1/chat/completions")),
        ("https://llm.example.com:8443", ("llm.example.com", 8443, "/chat/completions")),
        (
            "http://vllm.models.svc.cluster.local:8000/v1",
            ("vllm.models.svc.cluster.local", 8000, "/v1/chat/completions"),
        ),
        ("http://ollama/v1", ("ollama", 80, "/v1/chat/completions")),
    ],
)
def test_a_base_url_gives_host_port_and_path(
    base_url: str, expected: tuple[str, int, str], api: BackendApi, api_key: str
) -> None:
    assert endpoint(record_component({"base_url": base_url, "api_key": api_key, "api": api}), api) == expected


def test_an_existing_secret_is_referred_to_by_its_name(api: BackendApi) -> None:
    args = {"preset": "mistral", "api_key_secret": {"name": "house-keys"}, "api": api}
    assert auth(record_component(args), api) == HOUSE_KEYS[api]


def test_passthrough_leaves_the_key_to_the_caller(api: BackendApi) -> None:
    assert auth(record_component({"preset": "mistral", "passthrough": True, "api": api}), api) == PASSTHROUGH[api]


@pytest.mark.parametrize(
    ("auth_header", "header"),
    [
        ({"header_name": "api-key"}, {"name": "api-key"}),
        ({"header_name": "X-Key", "prefix": "Token"}, {"name": "X-Key", "prefix": "Token "}),
        ({"prefix": "Token"}, {"name": "Authorization", "prefix": "Token "}),
        ({"header_name": "Authorization"}, {"name": "Authorization", "prefix": "Bearer "}),
    ],
)
@pytest.mark.parametrize("api", [AGENTGATEWAY])
def test_agentgateway_sends_the_key_in_any_header(
    auth_header: dict[str, str], header: dict[str, str], mistral: dict[str, Any], api: BackendApi
) -> None:
    recording = record_component({**mistral, "auth_header": auth_header})
    assert auth(recording, api)["location"] == {"header": header}
    assert recording.warnings == []


@pytest.mark.parametrize("auth_header", [None, {"header_name": "Authorization", "prefix": "Bearer"}])
@pytest.mark.parametrize("api", [KGATEWAY])
def test_kgateway_accepts_only_the_header_that_it_sends_anyway(
    auth_header: dict[str, str] | None, mistral: dict[str, Any]
) -> None:
    with_header = record_component({**mistral, "auth_header": auth_header})
    assert with_header.objects() == record_component(mistral).objects()


def test_the_api_may_be_given_as_a_string(mistral: dict[str, Any], api: BackendApi) -> None:
    assert record_component({**mistral, "api": api.value}).objects() == record_component(mistral).objects()


def test_the_default_api_is_kgateway(api_key: str) -> None:
    assert record_component({"preset": "mistral", "api_key": api_key}).kinds().count("Backend") == 1
