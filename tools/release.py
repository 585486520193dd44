"""Finds what is missing for a release of the version that the code has: `make release-check`."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from components.openai_compatible_llm import __version__
from tools.schema import PROJECT, REPOSITORY, SCHEMA, generated_files, read_project
from tools.schema_changes import CHANGELOG, RELEASED_SCHEMA, find_breaks

TAG = f"v{__version__}"


def find_problems(repository: Path) -> Iterator[str]:
    """Yields a sentence or two for each thing that is missing: what it is, and what to do."""
    yield from _unfilled(repository)
    headings = re.findall(r"^## \[(\S+)\] - (.+)$", (repository / CHANGELOG).read_text(), re.MULTILINE)
    (version, day), *earlier = headings
    if version != __version__ or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
        yield (
            f"{CHANGELOG}: its newest heading is [{version}] - {day}. "
            f"Write the version and the day of the release: ## [{__version__}] - YYYY-MM-DD"
        )
    if _git(repository, "rev-parse", "--verify", "--quiet", f"refs/tags/{TAG}") is not None:
        yield f"The tag {TAG} exists. Write another version into components/openai_compatible_llm/__init__.py"
    for file, content in generated_files(repository).items():
        if (repository / file).read_text() != content:
            yield f"{file} is not what the code has. Run `make schema`, and commit it."
    yield from (f"{each} If it is meant, write this sentence into {CHANGELOG}." for each in find_breaks(repository))
    for last, _ in earlier[:1]:
        yield from _baseline_problems(repository, f"v{last}")


def _unfilled(repository: Path) -> Iterator[str]:
    project = read_project(repository)
    publisher = "".join(author.get("name", "") for author in project.get("authors", ()))
    repository_url = project.get("urls", {}).get("Repository", "")
    missing = [] if publisher and "<" not in publisher else ["the publisher's name in [[project.authors]]"]
    if not re.fullmatch(r"https://[^<>\s]+", repository_url):
        missing.append("the repository's address in [project.urls]")
    if missing:
        yield f"{PROJECT}: fill in {' and '.join(missing)}, then run `make schema`."


def _baseline_problems(repository: Path, last_tag: str) -> Iterator[str]:
    shown = f"git show {last_tag}:{SCHEMA}"
    released = _git(repository, *shown.split()[1:])
    if released is None:
        yield f"The tag {last_tag} of the last release is not in this clone. Run `git fetch --tags`."
    elif released != (repository / RELEASED_SCHEMA).read_text():
        yield f"{RELEASED_SCHEMA} is not the schema of {last_tag}. Run `{shown} > {RELEASED_SCHEMA}`."


def _git(repository: Path, *arguments: str) -> str | None:
    """Returns what git prints, or None if it fails."""
    done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit("\n".join(find_problems(REPOSITORY)) or None)
