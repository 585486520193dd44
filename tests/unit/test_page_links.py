"""Holds that each link of the pages leads somewhere, and that each path that they name exists."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from components.openai_compatible_llm.backends.clients import LIMITS_FILE
from tests.support.pages import PAGES, prose
from tests.support.repository import PACKAGE, REPOSITORY

GENERATED = (".local/", ".venv/", "build/", "~/", "policy/.venv", LIMITS_FILE)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_the_repository_leads_somewhere(page: str) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)]+)\)", prose(page))
    assert [target for target in targets if not _exists(target, page)] == []


def test_every_markdown_file_is_one_of_the_pages_that_are_checked() -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    files = {each for each in listed.split("\0") if each and (REPOSITORY / each).exists()}
    assert files == set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_another_site_has_a_form_that_can_lead_there(page: str) -> None:
    """Whether somebody answers is not tried: the tests need no internet."""
    urls = re.findall(r"(?:\]\(|<)(https?:[^)>\s]*)[)>]", prose(page))
    assert [url for url in urls if not _could_lead_somewhere(url)] == []
    assert re.findall(r"\]\((?:\s[^)]*|[^)]*\s)\)", prose(page)) == []


def _could_lead_somewhere(url: str) -> bool:
    address = urlsplit(url)
    host = address.hostname or ""
    placeholder = re.search(r"(^|\.)(example|invalid|test|localhost|local)(\.(com|net|org))?$", host)
    is_host = re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", host)
    return bool(address.scheme == "https" and address.netloc == host and is_host and not placeholder)


@pytest.mark.parametrize(
    "url", ["http://kind.sigs.k8s.io", "https://example.com/a", "https://<repository>/x", "https://x"]
)
def test_a_link_that_leads_nowhere_is_seen(url: str) -> None:
    assert not _could_lead_somewhere(url)
    assert _could_lead_somewhere("https://kind.sigs.k8s.io/docs/#a")


def _exists(target: str, page: str) -> bool:
    path, _, anchor = target.partition("#")
    file = ((REPOSITORY / page).parent / path).resolve() if path else REPOSITORY / page
    if not file.exists() or not anchor:
        return file.exists()
    return anchor in set(_anchors(str(file.relative_to(REPOSITORY))))


def _anchors(page: str) -> Iterator[str]:
    """Yields the anchors that GitHub gives to the page's headings: a second one of a name gets a number."""
    seen: Counter[str] = Counter()
    for title in re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE):
        anchor = re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-")
        yield f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    roots = {each.name for folder in (REPOSITORY, PACKAGE) for each in folder.iterdir() if each.is_dir()}
    named = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?)`", prose(page)))
    paths = {
        each
        for each in named
        if not each.startswith(GENERATED)
        and (re.search(r"\.(py|md|yaml|toml|txt|svg)$", each) or ("/" in each and each.split("/")[0] in roots))
    }
    # CONTRIBUTING.md has the package's paths without its folder.
    folders = (REPOSITORY, (REPOSITORY / page).parent, PACKAGE)
    assert sorted(each for each in paths if not any((folder / each).exists() for folder in folders)) == []
