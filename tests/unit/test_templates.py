"""The programs that `pulumi new` makes from the templates, recorded with answers to its questions."""

import runpy
from typing import Any

import pytest
import yaml

from tests.support.recording import PROJECT, Recording, record
from tests.support.repository import REPOSITORY

KEY = "sk-canary-template-unit-5b1e"


def record_template(name: str, monkeypatch: pytest.MonkeyPatch, **answers: str) -> Recording:
    """Runs a template's program with these answers, and with the defaults of its other questions."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "components"))
    folder = REPOSITORY / "templates" / name
    questions: dict[str, Any] = yaml.safe_load((folder / "Pulumi.yaml").read_text())["template"]["config"]
    secret = [question for question, each in questions.items() if each.get("secret")]
    values = {question: each.get("default") for question, each in questions.items()} | {
        question: f"{KEY}-{question}" for question in secret
    }
    assert answers.keys() <= questions.keys()
    return record(
        lambda: runpy.run_path(str(folder / "__main__.py"), run_name="__main__"),
        config={f"{PROJECT}:{question}": str(value) for question, value in (values | answers).items()},
        secret_keys=[f"{PROJECT}:{question}" for question in secret],
    )


def test_the_one_for_a_provider_routes_it_by_agentgateways_api_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recording = record_template("python", monkeypatch, provider="deepseek", model="deepseek-flash")
    assert recording.kinds() == ["Secret", "AgentgatewayBackend", "AgentgatewayPolicy", "HTTPRoute"]
    assert recording.spec("AgentgatewayBackend")["ai"]["provider"]["host"] == "api.deepseek.com"
    assert KEY not in recording.outside_secrets()


def test_the_one_for_a_provider_takes_kgateways_api(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = record_template("python", monkeypatch, provider="deepseek", model="deepseek-flash", api="kgateway")
    assert recording.kinds() == ["Secret", "Backend", "BackendTLSPolicy", "HTTPRoute"]
    assert recording.spec("Backend")["ai"]["llm"]["host"] == "api.deepseek.com"
    assert KEY not in recording.outside_secrets()


def test_the_one_for_one_url_lists_the_models_of_its_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = record_template("one-url", monkeypatch, gatewayUrl="https://llm.example.com")
    assert {each.name for each in recording.all(":HTTPRoute")} == {"mistral", "deepseek", "llm"}
    policy = recording.one(":AgentgatewayPolicy", "llm-models").inputs["spec"]["traffic"]["directResponse"]
    assert '[["deepseek-flash", "deepseek"], ["mistral-medium-latest", "mistral"]]' in policy["bodyExpression"]
    clients = [each.inputs["stringData"] for each in recording.all(":Secret") if each.name.endswith("-clients")]
    assert [list(each) for each in clients] == [["web"]] * 3
    assert {"url": "https://llm.example.com/llm/v1"} in recording.outputs.values()
    assert KEY not in recording.outside_secrets()
