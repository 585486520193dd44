"""Holds that docs/production.md says what the program, the roles and Pulumi's operator take."""

import re
from typing import Any

import pytest
import yaml

from tests.support.pages import PAGES, block
from tests.support.recording import record_program
from tests.support.service_account import FILE

STACK: dict[str, Any] = yaml.safe_load(block("docs/production.md", "# stack.yaml\n", "yaml"))
# Of the definition of Stack in the operator's version 2.9.0, read by hand.
FIELDS = {
    "backend": str,
    "commit": str,
    "config": dict,
    "envRefs": dict,
    "projectRepo": str,
    "serviceAccountName": str,
    "stack": str,
}


def test_the_operators_stack_has_fields_that_the_operator_knows() -> None:
    assert (STACK["apiVersion"], STACK["kind"]) == ("pulumi.com/v1", "Stack")
    assert {name: type(value) for name, value in STACK["spec"].items()} == FIELDS
    for reference in STACK["spec"]["envRefs"].values():
        assert reference == {"type": "Secret", "secret": {"name": "pulumi", "key": "passphrase"}}


def test_the_operators_stack_runs_as_the_account_of_the_role() -> None:
    account, *_ = yaml.safe_load_all(FILE.read_text())
    assert STACK["spec"]["serviceAccountName"] == account["metadata"]["name"]


def test_the_program_takes_the_config_of_the_operators_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    recording = record_program(STACK["spec"]["config"])
    assert recording.all(":Secret") == []
    assert recording.spec("AgentgatewayBackend")["policies"]["auth"] == {"secretRef": {"name": "mistral-key"}}
    assert STACK["metadata"]["namespace"] == recording.one(":HTTPRoute").inputs["metadata"]["namespace"]


def test_every_box_of_the_checklist_leads_to_its_detail() -> None:
    boxes = re.findall(r"^- \[ \] (.*)$", PAGES["docs/production.md"], re.MULTILINE)
    assert len(boxes) > 0
    assert [each for each in boxes if not re.search(r"\]\([^)]+\)", each)] == []
