"""What `make release-check` says."""

import shutil
import subprocess
from pathlib import Path

import pytest

from components.openai_compatible_llm import __version__
from tests.support.repository import REPOSITORY
from tools import schema
from tools.release import find_problems
from tools.schema import POLICY_PACK, PROJECT, SCHEMA
from tools.schema_changes import CHANGELOG, RELEASED_SCHEMA

ORIGIN = """
[[project.authors]]
name = "House"

[project.urls]
Repository = "https://git.example.com/house/llm"
"""
EARLIER = "\n## [0.0.1] - 2026-11-01\n\n- First.\n"


def git(repository: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=House", "-c", "user.email=house@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=repository, capture_output=True, check=True)


def replace(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    """A repository that lacks nothing for its second release."""
    for file in (PROJECT, POLICY_PACK, RELEASED_SCHEMA, CHANGELOG):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / file, tmp_path / file)
    project, changelog = tmp_path / PROJECT, tmp_path / CHANGELOG
    lines = [line for line in project.read_text().splitlines() if not line.startswith(("[project.urls]", "[[project."))]
    project.write_text("\n".join(lines).replace("[project.scripts]", f"{ORIGIN}\n[project.scripts]"))
    changelog.write_text(f"# Changelog\n\n## [{__version__}] - 2026-12-01\n\n- Second.\n{EARLIER}")
    shutil.copy(tmp_path / RELEASED_SCHEMA, tmp_path / SCHEMA)
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "First")
    git(tmp_path, "tag", "v0.0.1")
    schema.main(tmp_path)
    return tmp_path


def problem(repository: Path) -> str:
    (found,) = find_problems(repository)
    return found


def test_nothing_is_missing(complete: Path) -> None:
    assert list(find_problems(complete)) == []


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        ('name = "House"', 'email = "house@example.com"', "the publisher's name in [[project.authors]]"),
        ('name = "House"', 'name = "<publisher>"', "the publisher's name in [[project.authors]]"),
        (
            "https://git.example.com/house/llm",
            "https://git.example.com/<owner>/<repository>",
            "the repository's address",
        ),
        ("Repository =", "Source =", "the repository's address in [project.urls]"),
        (ORIGIN, "", "the publisher's name in [[project.authors]] and the repository's address in [project.urls]"),
    ],
)
def test_the_publisher_and_the_repository_must_be_filled_in(complete: Path, old: str, new: str, missing: str) -> None:
    replace(complete / PROJECT, old, new)
    schema.main(complete)
    found = problem(complete)
    assert found.startswith(f"components/pyproject.toml: fill in {missing}")
    assert found.endswith(", then run `make schema`.")


@pytest.mark.parametrize("heading", [f"[{__version__}] - Unreleased", "[9.9.9] - 2026-12-01"])
def test_the_newest_heading_of_the_changelog_is_the_version_with_a_day(complete: Path, heading: str) -> None:
    replace(complete / CHANGELOG, f"[{__version__}] - 2026-12-01", heading)
    found = problem(complete)
    assert f"CHANGELOG.md: its newest heading is {heading}." in found
    assert f"## [{__version__}] - YYYY-MM-DD" in found


def test_a_version_is_released_once(complete: Path) -> None:
    git(complete, "tag", f"v{__version__}")
    assert problem(complete).startswith(f"The tag v{__version__} exists.")


@pytest.mark.parametrize(
    ("file", "old", "new"), [(SCHEMA, '"port"', '"tcpPort"'), (POLICY_PACK, "version: ", "version: 9")]
)
def test_generated_files_are_the_codes(complete: Path, file: str, old: str, new: str) -> None:
    replace(complete / file, old, new)
    assert problem(complete) == f"{file} is not what the code has. Run `make schema`, and commit it."


def test_a_change_that_breaks_programs_is_in_the_changelog(complete: Path) -> None:
    replace(complete / RELEASED_SCHEMA, '"rewriteHost"', '"setHost"')
    shutil.copy(complete / RELEASED_SCHEMA, complete / SCHEMA)
    git(complete, "commit", "--all", "--message", "The last release, with another input")
    git(complete, "tag", "--force", "v0.0.1")
    schema.main(complete)
    sentence = "Input `setHost` of `OpenAICompatibleLLM` was removed or renamed."
    assert problem(complete) == f"{sentence} If it is meant, write this sentence into CHANGELOG.md."
    replace(complete / CHANGELOG, "- Second.", f"- {sentence} It is `rewriteHost` now.")
    assert list(find_problems(complete)) == []


def test_the_schema_of_the_last_release_is_its_tags(complete: Path) -> None:
    replace(complete / RELEASED_SCHEMA, '"displayName"', '"title"')
    assert problem(complete) == (
        "tools/released_schema.json is not the schema of v0.0.1. "
        "Run `git show v0.0.1:components/schema.json > tools/released_schema.json`."
    )
    git(complete, "tag", "--delete", "v0.0.1")
    assert problem(complete).startswith("The tag v0.0.1 of the last release is not in this clone.")


def test_the_first_release_has_none_before_it(complete: Path) -> None:
    git(complete, "tag", "--delete", "v0.0.1")
    replace(complete / CHANGELOG, EARLIER, "")
    assert list(find_problems(complete)) == []
