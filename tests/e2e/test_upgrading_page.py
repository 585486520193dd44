"""Upgrades a clone with stacks of its own by the commands of docs/upgrading.md, with the real git."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.pages import PAGES, block

BRANCH = block("docs/upgrading.md", "git switch")
MERGE = block("docs/upgrading.md", "git merge")
SHIPPED = "config:\n  openai-compatible-llm:providers:\n    mistral: {model: a}\n"
OWN_KEY = "# The key that `pulumi config set` wrote.\n"


@dataclass(frozen=True)
class Repository:
    folder: Path

    def run(self, commands: str) -> subprocess.CompletedProcess[str]:
        person = {"NAME": "A", "EMAIL": "a@example.com"}
        names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder.parent), "LC_ALL": "C", **names}
        command = ["bash", "-euo", "pipefail", "-c", commands]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def stack_file(self) -> Path:
        return self.folder / "stacks/Pulumi.mistral.yaml"

    def release(self, version: str, stack_file: str) -> None:
        self.stack_file.parent.mkdir(exist_ok=True)
        self.stack_file.write_text(stack_file)
        (self.folder / "version").write_text(version)
        released = self.run(f"git add . && git commit --quiet --message {version} && git tag {version}")
        assert released.returncode == 0, released.stderr


@pytest.fixture
def upstream(tmp_path: Path) -> Repository:
    upstream = Repository(tmp_path / "upstream")
    upstream.folder.mkdir()
    assert upstream.run("git init --quiet --initial-branch main").returncode == 0
    upstream.release("v0.0.1", SHIPPED)
    return upstream


@pytest.fixture
def clone(upstream: Repository) -> Repository:
    """Returns a clone of the first version, in which a stack has a key."""
    clone = Repository(upstream.folder.parent / "clone")
    upstream.run(f"git clone --quiet . {clone.folder}")
    clone.stack_file.write_text(SHIPPED + OWN_KEY)
    return clone


def git_only(commands: str) -> str:
    """Leaves out Pulumi, which has nothing to install here."""
    assert "pulumi install\n" in commands
    return commands.replace("pulumi install\n", "")


def test_a_checkout_of_a_tag_fails_as_the_page_says(upstream: Repository, clone: Repository) -> None:
    upstream.release("v0.2.0", SHIPPED.replace("model: a", "model: b"))
    refused = clone.run("git fetch --quiet --tags && git checkout v0.2.0")
    message = "Your local changes to the following files would be overwritten by checkout"
    assert message in refused.stderr
    assert message in " ".join(PAGES["docs/upgrading.md"].split())


def test_a_branch_keeps_the_stacks_through_two_upgrades(upstream: Repository, clone: Repository) -> None:
    kept = clone.run(BRANCH)
    assert kept.returncode == 0, kept.stderr
    for version, shipped in (("v0.2.0", SHIPPED), ("v0.3.0", f"# New in this version.\n{SHIPPED}")):
        upstream.release(version, shipped)
        merged = clone.run(git_only(MERGE.replace("v0.2.0", version)))
        assert merged.returncode == 0, merged.stdout + merged.stderr
        assert (clone.folder / "version").read_text() == version
        assert clone.stack_file.read_text() == shipped + OWN_KEY


def test_git_names_the_file_if_both_changed_the_same_lines(upstream: Repository, clone: Repository) -> None:
    own = SHIPPED.replace("model: a", "model: mine")
    clone.stack_file.write_text(own)
    clone.run(BRANCH)
    upstream.release("v0.2.0", SHIPPED.replace("model: a", "model: b"))
    merged = clone.run(git_only(MERGE))
    assert "CONFLICT (content): Merge conflict in stacks/Pulumi.mistral.yaml" in merged.stdout

    clone.stack_file.write_text(own)
    done = clone.run("git add stacks && git commit --no-edit")
    assert done.returncode == 0, done.stderr
    assert (clone.folder / "version").read_text() == "v0.2.0"
    assert clone.stack_file.read_text() == own
