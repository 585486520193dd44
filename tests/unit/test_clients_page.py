"""Holds that docs/clients.md says what the components create, and that its clients send what it says."""

import gc
import hashlib
import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from openai import AzureOpenAI

from components.openai_compatible_llm.backends.clients import MODEL_ENDPOINTS, MOST_CLIENTS_WITH_LIMITS
from tests.support.pages import PAGES, block, blocks
from tests.support.recording import Recording, record_program
from tests.support.stand_in_gateway import COMPLETION, completion, stand_in_gateway

PAGE = PAGES["docs/clients.md"]
ENTRY, FIRST_STACK = (
    json.loads(*blocks("json", "docs/clients.md")),
    block("docs/clients.md", '"codestral-*"], modelAliases', "yaml"),
)
EXTERNAL_SECRET = yaml.safe_load(block("docs/clients.md", "kind: ExternalSecret", "yaml"))
KEYS = {"web": "sk-of-the-client-called-web", "batch": "sk-of-the-client-called-batch"}


def record_stack(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Recording:
    for name in ("MISTRAL", "DEEPSEEK"):
        monkeypatch.setenv(f"{name}_API_KEY", "sk-for-the-page")
    return record_program(config)


def entries(recording: Recording, secret: str) -> dict[str, Any]:
    """Returns the clients in a Secret, by the names of its entries."""
    return {name: json.loads(each) for name, each in recording.one(":Secret", secret).inputs["stringData"].items()}


def test_an_entry_of_an_existing_secret_has_the_form_that_the_components_write(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = record_stack(yaml.safe_load(FIRST_STACK)["config"], monkeypatch)
    for secret in ("mistral-clients", "deepseek-clients", "llm-clients"):
        assert entries(recording, secret) == {"web": ENTRY}
    assert recording.warnings == []


def test_the_external_secret_writes_what_a_component_with_the_same_clients_would(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = EXTERNAL_SECRET["spec"]
    assert {each["secretKey"] for each in spec["data"]} == set(spec["target"]["template"]["data"]) == set(KEYS)
    written = {name: json.loads(_rendered(each)) for name, each in spec["target"]["template"]["data"].items()}

    clients = {name: {"apiKey": key} for name, key in KEYS.items()} | {
        "web": {"apiKey": KEYS["web"], "models": ["fast", "codestral-*"]}
    }
    config = {"api": "agentgateway", "clients": clients, "providers": {"mistral": {}}}
    assert written == entries(record_stack(config, monkeypatch), "mistral-clients")
    assert "{{ .web | trim | sha256sum }}" in PAGE


def _rendered(template: str) -> str:
    """Returns what the operator makes of a template whose only function is `sha256sum`."""
    rendered = re.sub(
        r"\{\{ \.(\w+) \| sha256sum \}\}", lambda found: hashlib.sha256(KEYS[found[1]].encode()).hexdigest(), template
    )
    assert "{{" not in rendered
    return rendered


def test_the_components_take_the_existing_secret_that_the_page_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    config = yaml.safe_load(block("docs/clients.md", "clientsSecret:", "yaml"))["config"]
    recording = record_stack(config, monkeypatch)
    traffic = recording.spec("AgentgatewayPolicy")["traffic"]
    (secret,) = {EXTERNAL_SECRET["metadata"]["name"], EXTERNAL_SECRET["spec"]["target"]["name"]}
    assert traffic["apiKeyAuthentication"]["secretRef"] == {"name": secret}
    assert EXTERNAL_SECRET["metadata"]["namespace"] == recording.one(":HTTPRoute").inputs["metadata"]["namespace"]


def test_openais_client_sends_the_key_in_the_header_that_the_gateway_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = yaml.safe_load(block("docs/clients.md", "clientAuthHeader:", "yaml"))["config"]
    location = record_stack(config, monkeypatch).spec("AgentgatewayPolicy")["traffic"]["apiKeyAuthentication"]
    header = location["location"]["header"]["name"]
    monkeypatch.setenv("LLM_KEY", KEYS["web"])
    with stand_in_gateway() as gateway:
        gateway.replies = {"/mistral": completion}
        file = tmp_path / "program.py"
        program = block("docs/clients.md", "from openai ", "python")
        file.write_text(program.replace("https://llm.example.com", gateway.url))
        runpy.run_path(str(file))
        # The client is closed with its last reference, and until then the gateway waits for its connection.
        gc.collect()
    assert capsys.readouterr().out == f"{COMPLETION['choices'][0]['message']['content']}\n"
    (request,) = gateway.requests
    assert (request.headers[header], request.authorization) == (KEYS["web"], "Bearer unused")


def test_the_endpoints_of_clients_with_models_are_those_in_the_table() -> None:
    (row,) = re.findall(r"^\| `POST` to (.*), or to the route's path itself \|", PAGE, re.MULTILINE)
    assert row == ", ".join(f"`{each}`" for each in MODEL_ENDPOINTS)


def test_the_page_says_how_many_clients_of_a_route_can_have_limits() -> None:
    assert f"At most {MOST_CLIENTS_WITH_LIMITS} clients of a route can have limits." in PAGE


def test_azures_client_has_the_key_in_another_header_and_a_path_that_clients_with_models_may_not_use() -> None:
    with stand_in_gateway() as gateway:
        gateway.replies = {"/mistral": completion}
        base_url = f"{gateway.url}/mistral/v1"
        with AzureOpenAI(base_url=base_url, api_key=KEYS["web"], api_version="2024-10-21") as client:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Salut"}])
    (request,) = gateway.requests
    assert (request.headers["api-key"], request.authorization) == (KEYS["web"], None)
    assert request.path.partition("?")[0] == "/mistral/v1/deployments/m/chat/completions"
