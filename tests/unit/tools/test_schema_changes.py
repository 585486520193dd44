"""Which changes of the schema break programs."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.support.pages import PAGES
from tests.support.repository import REPOSITORY
from tools.schema import SCHEMA
from tools.schema_changes import CHANGELOG, RELEASED_SCHEMA, breaking_changes, unannounced

PACKAGE = "openai-compatible-llm:index:"
COMPONENT = f"{PACKAGE}OpenAICompatibleLLM"
CURRENT: dict[str, Any] = json.loads((REPOSITORY / SCHEMA).read_text())
OWNER = "`OpenAICompatibleLLM`"

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> list[str]:
    mutated = deepcopy(CURRENT)
    change(mutated)
    assert mutated != CURRENT
    return list(breaking_changes(CURRENT, mutated))


def component(schema: dict[str, Any]) -> Any:
    return schema["resources"][COMPONENT]


def inputs(schema: dict[str, Any]) -> Any:
    return component(schema)["inputProperties"]


def outputs(schema: dict[str, Any]) -> Any:
    return component(schema)["properties"]


def declared(schema: dict[str, Any], name: str) -> Any:
    return schema["types"][PACKAGE + name]


BREAKS: dict[str, Change] = {
    "The package `openai-compatible-llm` was renamed to `llm`.": lambda s: s.update(name="llm"),
    "Resource `OpenAICompatibleLLM` was removed.": lambda s: s["resources"].pop(f"{PACKAGE}OpenAICompatibleLLM"),
    f"Input `port` of {OWNER} was removed or renamed.": lambda s: inputs(s).update(tcpPort=inputs(s).pop("port")),
    f"Input `port` of {OWNER} changed from integer to string.": lambda s: inputs(s)["port"].update(type="string"),
    f"Input `host` of {OWNER} changed from string to plain string.": lambda s: inputs(s)["host"].update(plain=True),
    f"Input `passthrough` of {OWNER} changed from plain boolean to boolean.": lambda s: inputs(s)["passthrough"].pop(
        "plain"
    ),
    f"Input `labels` of {OWNER} changed from map of string to map of integer.": (
        lambda s: inputs(s)["labels"]["additionalProperties"].update(type="integer")
    ),
    f"Input `hostnames` of {OWNER} changed from array of string to array of integer.": (
        lambda s: inputs(s)["hostnames"]["items"].update(type="integer")
    ),
    f"Input `requestDefaults` of {OWNER} changed from map of Any to map of string.": (
        lambda s: inputs(s)["requestDefaults"].update(additionalProperties={"type": "string"})
    ),
    f"Input `gateway` of {OWNER} changed from Gateway to TLS.": (
        lambda s: inputs(s)["gateway"].update({"$ref": f"#/types/{PACKAGE}TLS"})
    ),
    f"Input `fallbacks` of {OWNER} changed from plain array of plain Fallback to plain array of Fallback.": (
        lambda s: inputs(s)["fallbacks"]["items"].pop("plain")
    ),
    f"Input `apiKey` of {OWNER} is no longer a secret.": lambda s: inputs(s)["apiKey"].pop("secret"),
    f"Input `model` of {OWNER} is required now.": lambda s: component(s)["requiredInputs"].append("model"),
    f"Output `url` of {OWNER} was removed or renamed.": lambda s: outputs(s).pop("url"),
    f"Output `path` of {OWNER} changed from string to integer.": lambda s: outputs(s)["path"].update(type="integer"),
    f"Output `host` of {OWNER} may be missing now.": lambda s: component(s)["required"].remove("host"),
    "Type `Retries` was removed.": lambda s: s["types"].pop(f"{PACKAGE}Retries"),
    "Type `BackendApi` changed from string to integer.": lambda s: declared(s, "BackendApi").update(type="integer"),
    "Value `kgateway` of `BackendApi` was removed or renamed.": (
        lambda s: declared(s, "BackendApi")["enum"][0].update(name="KGATEWAY_2")
    ),
    "Value `day` of `RateLimitPeriod` was removed or renamed.": (
        lambda s: declared(s, "RateLimitPeriod")["enum"].pop()
    ),
    "Field `sectionName` of `Gateway` was removed or renamed.": (
        lambda s: declared(s, "Gateway")["properties"].pop("sectionName")
    ),
    "Field `disabled` of `TLS` changed from plain boolean to plain string.": (
        lambda s: declared(s, "TLS")["properties"]["disabled"].update(type="string")
    ),
    "Field `model` of `Fallback` is required now.": lambda s: declared(s, "Fallback")["required"].append("model"),
    "Field `name` of `Gateway` is required now.": lambda s: declared(s, "Gateway").update(required=["name"]),
}


@pytest.mark.parametrize("sentence", BREAKS)
def test_a_change_that_breaks_programs_is_named(sentence: str) -> None:
    assert changed(BREAKS[sentence]) == [sentence]


def test_the_page_on_upgrading_has_sentences_as_they_are_printed() -> None:
    explained = re.findall(r"^\| ([A-Z]\w+ `.+?\.) \|", PAGES["docs/upgrading.md"], re.MULTILINE)
    assert explained
    assert [sentence for sentence in explained if sentence not in BREAKS] == []


ADDITIONS: dict[str, Change] = {
    "resource": lambda s: s["resources"].update({f"{PACKAGE}Other": component(s)}),
    "input": lambda s: inputs(s).update(other={"type": "string"}),
    "output": lambda s: (outputs(s).update(other={"type": "string"}), component(s)["required"].append("other")),
    "type": lambda s: s["types"].update({f"{PACKAGE}Other": {"type": "object", "properties": {}, "required": ["a"]}}),
    "field": lambda s: declared(s, "TLS")["properties"].update(other={"type": "string"}),
    "value": lambda s: declared(s, "BackendApi")["enum"].append({"name": "OTHER", "value": "other"}),
    "secret": lambda s: inputs(s)["labels"].update(secret=True),
    "optional field": lambda s: declared(s, "Fallback")["required"].clear(),
    "description": lambda s: inputs(s)["port"].update(description="other"),
    "version": lambda s: s.update(version="9.9.9"),
}


@pytest.mark.parametrize("addition", ADDITIONS)
def test_an_addition_breaks_nothing(addition: str) -> None:
    assert changed(ADDITIONS[addition]) == []


def test_outputs_have_no_types_of_the_package() -> None:
    """Where one has, its fields may no longer become optional without a word."""
    assert "$ref" not in json.dumps(outputs(CURRENT))


def test_a_change_is_meant_if_the_newest_section_of_the_changelog_has_its_sentence() -> None:
    sentence = f"Input `port` of {OWNER} was removed or renamed."
    newest = (
        "# Changelog\n\n## [9.2.0] - Unreleased\n\n- Input `port` of\n  `OpenAICompatibleLLM` was removed or renamed."
    )
    older = "\n\n## [9.1.0] - 2026-12-01\n\n- First.\n"
    assert unannounced([sentence], newest + older) == []
    assert unannounced([sentence], "## [9.2.0] - Unreleased\n" + older + newest) == [sentence]


def test_lint_fails_on_a_branch_that_renames_an_input(tmp_path: Path) -> None:
    for folder in ("components", "tools"):
        ignored = shutil.ignore_patterns("__pycache__", ".venv")
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(REPOSITORY / CHANGELOG, tmp_path)
    dry_run = subprocess.run(
        ["make", "--no-print-directory", "-n", "lint"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert ".venv/bin/python -m tools.schema_changes" in dry_run.stdout.splitlines()
    check = [sys.executable, "-m", "tools.schema_changes"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=True).stderr == ""

    package = tmp_path / "components/openai_compatible_llm"
    for file in package.rglob("*.py"):
        file.write_text(file.read_text().replace("rewrite_host", "set_host"))
    renamed = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert renamed.returncode == 1
    assert renamed.stderr == (
        f"These changes break programs that use the last release ({RELEASED_SCHEMA}):\n"
        f"  Input `rewriteHost` of {OWNER} was removed or renamed.\n"
        "Undo them. If one is meant, write its sentence into the newest section of CHANGELOG.md, with the reason.\n"
    )
