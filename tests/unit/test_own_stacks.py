"""Holds that examples/own-stacks fits the clone beside it, and what its workflow may do.

`make lint` has actionlint check the workflow. tests/e2e/test_own_stacks.py runs its commands.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.support.recording import record_program
from tests.support.repository import REPOSITORY

EXAMPLE = REPOSITORY / "examples/own-stacks"
WORKFLOW_FILE = EXAMPLE / ".github/workflows/pulumi.yml"
WORKFLOW: dict[Any, Any] = yaml.safe_load(WORKFLOW_FILE.read_text())
JOBS: dict[str, Any] = WORKFLOW["jobs"]
API = "openai-compatible-llm:api"
CLI_MODULE = REPOSITORY / "local/toolchain/pulumi/go.mod"


def steps() -> Iterator[dict[str, Any]]:
    for job in JOBS.values():
        yield from job["steps"]


def test_its_project_has_the_settings_of_the_clones_own() -> None:
    own, clone = (yaml.safe_load((folder / "Pulumi.yaml").read_text()) for folder in (EXAMPLE, REPOSITORY))
    assert own["main"] == own["name"] == clone["name"]
    assert own["runtime"] == clone["runtime"]
    assert own["stackConfigDir"] == clone["stackConfigDir"]
    assert own["config"] == {key: value for key, value in clone["config"].items() if key != API}


def test_its_stack_has_no_key_and_gives_the_api_itself() -> None:
    config = yaml.safe_load((EXAMPLE / "stacks/Pulumi.prod.yaml").read_text())["config"]
    assert config[API] == "agentgateway"
    recording = record_program(config)
    assert [each.name for each in recording.all(":Secret")] == ["mistral-clients"]
    (entry,) = recording.one(":Secret").inputs["stringData"].values()
    assert set(json.loads(entry)) == {"keyHash", "metadata"}
    assert recording.spec("AgentgatewayBackend")["policies"]["auth"] == {"secretRef": {"name": "mistral-key"}}


def test_every_action_of_its_workflow_is_pinned_and_those_of_ours_are_the_same() -> None:
    pinned = re.findall(
        r"uses: *([\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$", WORKFLOW_FILE.read_text(), re.MULTILINE
    )
    assert len(pinned) == len([step for step in steps() if "uses" in step])
    ours = "".join(file.read_text() for file in (REPOSITORY / ".github/workflows").iterdir())
    others = {each for each in pinned if each not in ours}
    assert {each.partition("@")[0] for each in others} == {"pulumi/actions"}


def test_its_workflow_may_write_comments_and_nothing_else() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in JOBS.items() if "permissions" in job}
    assert more == {"preview": {"contents": "read", "pull-requests": "write"}}
    checkouts = [step["with"] for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert {(each["persist-credentials"], each["submodules"]) for each in checkouts} == {(False, True)}


def test_a_fork_gets_no_preview_and_only_main_is_deployed_one_push_after_the_other() -> None:
    # YAML 1.1 reads the key `on` as true.
    assert WORKFLOW[True] == {"pull_request": None, "push": {"branches": ["main"]}}
    assert "github.event.pull_request.head.repo.full_name == github.repository" in JOBS["preview"]["if"]
    assert JOBS["up"]["if"] == "github.event_name == 'push'"
    assert JOBS["up"]["concurrency"] == {"group": "up-prod", "cancel-in-progress": False}
    assert [job["environment"] for job in JOBS.values()] == ["preview", "prod"]


def test_a_secret_reaches_only_the_step_that_needs_it_and_no_script_has_one_in_its_text() -> None:
    assert "secrets." not in str([{**job, "steps": ()} for job in JOBS.values()])
    assert [step["run"] for step in steps() if "${{" in step.get("run", "")] == []
    needing = {step["name"] for step in steps() if "secrets." in str(step.get("env"))}
    assert needing == {"Write the kubeconfig", "Preview", "Deploy"}


def test_the_cli_of_its_workflow_is_the_one_that_the_program_is_tested_with() -> None:
    versions = {step["with"]["pulumi-version"] for step in steps() if step.get("uses", "").startswith("pulumi/")}
    built = re.findall(r"^require github.com/pulumi/pulumi/pkg/v3 v(\S+)$", CLI_MODULE.read_text(), re.MULTILINE)
    assert versions == set(built)
