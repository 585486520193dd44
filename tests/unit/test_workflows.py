"""The workflows of .github: what they run, what they may do, and whose code they trust.

`make lint` has actionlint check their syntax. Nothing here runs them: that takes GitHub.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.openai_compatible_llm import BackendApi
from tests.support.pages import block
from tests.support.repository import REPOSITORY

CI = block("CONTRIBUTING.md", "test-slow")

FILES = sorted((REPOSITORY / ".github/workflows").iterdir())
WORKFLOWS: dict[str, dict[str, Any]] = {each.stem: yaml.safe_load(each.read_text()) for each in FILES}
RELEASE = WORKFLOWS["release"]["jobs"]

every_workflow = pytest.mark.parametrize("name", WORKFLOWS)


def steps(name: str, job: str | None = None) -> Iterator[dict[str, Any]]:
    for each, content in WORKFLOWS[name]["jobs"].items():
        if job in (None, each):
            yield from content["steps"]


def commands(name: str, job: str | None = None) -> list[str]:
    """The lines of shell that a workflow runs."""
    return [line.strip() for step in steps(name, job) for line in step.get("run", "").splitlines()]


def test_ci_runs_the_commands_that_contributors_are_told() -> None:
    assert CI.strip() in commands("ci", "tests")
    assert CI.strip() in commands("release", "build")
    assert "make test-versions" in commands("ci", "versions")


@every_workflow
def test_what_it_runs_is_there(name: str) -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    called = "\n".join(commands(name))
    targets = [each for line in re.findall(r"^make (.*)$", called, re.MULTILINE) for each in line.split()]
    assert targets
    assert [each for each in targets if not re.search(rf"^{each}:", makefile, re.MULTILINE)] == []
    assert [each for each in re.findall(r"examples/\S+", called) if not (REPOSITORY / each).exists()] == []


def test_every_action_is_pinned_to_one_commit_with_its_version_beside_it() -> None:
    used = [each for file in FILES for each in re.findall(r"uses: *(.*)", file.read_text())]
    assert len(used) == sum(len([step for step in steps(name) if "uses" in step]) for name in WORKFLOWS)
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []
    assert len({each.partition("@")[0] for each in used}) == len(set(used))


@every_workflow
def test_it_may_only_read_unless_a_job_says_more(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    more = {job: content["permissions"] for job, content in WORKFLOWS[name]["jobs"].items() if "permissions" in content}
    assert more == (
        {
            "publish": {"attestations": "write", "id-token": "write"},
            "tag": {"contents": "write"},
        }
        if name == "release"
        else {}
    )
    checkouts = [step["with"] for step in steps(name) if step.get("uses", "").startswith("actions/checkout@")]
    assert {each["persist-credentials"] for each in checkouts} == {False}


@every_workflow
def test_nothing_from_outside_is_put_into_a_script(name: str) -> None:
    assert [line for line in commands(name) if "${{" in line] == []


def test_a_job_that_may_write_runs_none_of_the_projects_code() -> None:
    for job in ("publish", "tag"):
        assert not any("actions/checkout@" in step.get("uses", "") for step in steps("release", job))


def test_a_release_is_checked_before_it_is_published_and_tagged_after_it() -> None:
    first, *others = [line for line in commands("release", "build") if line.startswith("make ")]
    assert first == "make release-check"
    assert others == [CI.strip(), "make dist sbom"]
    assert any("twine check --strict" in line for line in commands("release", "build"))
    assert (RELEASE["publish"]["needs"], RELEASE["publish"]["environment"]) == ("build", "pypi")
    assert RELEASE["tag"]["needs"] == ["build", "publish"]
    assert RELEASE["build"]["if"] == "github.ref == 'refs/heads/main'"


def test_the_plugins_archives_go_into_the_release_and_not_to_pypi(tmp_path: Path) -> None:
    wheel, sdist, plugin = (
        "openai_compatible_llm-1.2.3-py3-none-any.whl",
        "openai_compatible_llm-1.2.3.tar.gz",
        "pulumi-resource-openai-compatible-llm-v1.2.3-linux-amd64.tar.gz",
    )
    (tmp_path / "build").mkdir()
    for file in (wheel, sdist, plugin):
        (tmp_path / "build" / file).touch()
    (command,) = [line for line in commands("release", "publish") if "cp " in line]
    subprocess.run(["bash", "-euc", command], cwd=tmp_path, check=True)
    assert {each.name for each in (tmp_path / "packages").iterdir()} == {wheel, sdist}
    assert any("build/*.tar.gz" in line for line in commands("release", "tag"))


def test_a_releases_notes_are_the_changes_of_its_version(tmp_path: Path) -> None:
    (command,) = [line for line in commands("release", "build") if line.startswith("awk ")]
    log = tmp_path / "CHANGELOG.md"
    versions = {"1.2.10": "newer", "1.2.1": "ours", "1.2.0": "older"}
    log.write_text(
        "# Changelog\n\n" + "".join(f"## [{each}] - Unreleased\n\n{of}\n\n" for each, of in versions.items())
    )
    (tmp_path / "build").mkdir()
    subprocess.run(["bash", "-euc", command], cwd=tmp_path, env={"version": "1.2.1"}, check=True)
    assert (tmp_path / "build/changes.md").read_text().split() == ["ours"]


def test_the_gateways_of_both_apis_are_tested_each_week() -> None:
    # YAML 1.1 reads the key `on` as true.
    (schedule,) = WORKFLOWS["gateway"][True]["schedule"]  # type: ignore[index]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", schedule["cron"])
    job = WORKFLOWS["gateway"]["jobs"]["kind"]
    assert job["strategy"]["matrix"]["api"] == [each.value for each in BackendApi]
    assert job["env"]["GATEWAY_API"] == "${{ matrix.api }}"


def test_the_gateways_are_tested_with_the_pinned_kubernetes_provider() -> None:
    (command,) = [line for line in commands("gateway") if "sed " in line]
    printed = subprocess.run(
        ["bash", "-euc", f"{command}; echo $version"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert f"pulumi-kubernetes=={printed.stdout.strip()}\n" in (REPOSITORY / "requirements.in").read_text()
