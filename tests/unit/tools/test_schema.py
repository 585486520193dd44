"""The files that `make schema` writes, and the version, which stands in one place."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.openai_compatible_llm import __version__
from tests.support.repository import REPOSITORY
from tools import schema
from tools.schema import POLICY_PACK, PROJECT, SCHEMA, make_schema, read_project

COMMITTED: dict[str, Any] = json.loads((REPOSITORY / SCHEMA).read_text())
SOURCE = "components/openai_compatible_llm/__init__.py"
# The changes of each version, and the schemas, which are generated.
HISTORY = ("CHANGELOG.md", "docs/upgrading.md", SCHEMA, "tools/released_schema.json")
LOCKED = re.compile(r"(requirements\S*\.txt|go\.(mod|sum)|package(-lock)?\.json)$")


def test_make_schema_changes_nothing_after_a_checkout(tmp_path: Path) -> None:
    for file in (PROJECT, POLICY_PACK):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / file, tmp_path / file)
    schema.main(tmp_path)
    for file in (SCHEMA, POLICY_PACK):
        assert (tmp_path / file).read_text() == (REPOSITORY / file).read_text(), "run `make schema`"

    policy_pack = tmp_path / POLICY_PACK
    policy_pack.write_text(policy_pack.read_text().replace(f"version: {__version__}", "version: 9.9.9"))
    schema.main(tmp_path)
    assert yaml.safe_load(policy_pack.read_text())["version"] == __version__


def test_the_version_is_written_by_hand_in_one_place() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    repeated = [
        file
        for file in listed.splitlines()
        if file not in HISTORY
        and not LOCKED.search(file)
        and (REPOSITORY / file).is_file()
        and re.search(rf"(?<![\d.]){re.escape(__version__)}(?![\d.])", (REPOSITORY / file).read_text(errors="replace"))
    ]
    # `make schema` writes the policy pack's.
    assert repeated == [SOURCE, POLICY_PACK]


def test_the_schema_has_the_metadata_of_the_project() -> None:
    project = read_project(REPOSITORY)
    for field in ("name", "description", "license"):
        assert COMMITTED[field] == project[field]
    assert COMMITTED["version"] == __version__
    assert COMMITTED["displayName"] == "OpenAI-compatible LLM"
    assert COMMITTED["keywords"] == ["category/network", "kind/component", *project["keywords"]]


@pytest.mark.parametrize("homepage", [None, "https://llm.example.com"])
def test_the_schema_says_who_publishes_the_package_and_where_it_is_once_the_project_does(homepage: str | None) -> None:
    repository = "https://git.example.com/house/llm"
    urls = {"Repository": repository, **({"Homepage": homepage} if homepage else {})}
    published = make_schema(
        {**read_project(REPOSITORY), "urls": urls, "authors": [{"name": "House"}, {"name": "Garden"}]}
    )
    assert (published["homepage"], published["repository"], published["publisher"]) == (
        homepage or repository,
        repository,
        "House",
    )


def test_the_schema_names_no_place_until_the_repository_has_an_address() -> None:
    """By the namespace SDKs are named; where a package was added from Git, Pulumi takes the repository's owner."""
    assert not {"pluginDownloadURL", "logoUrl", "repository", "homepage", "namespace"} & COMMITTED.keys()


@pytest.mark.parametrize("repository", ["https://github.com/house/llm", "https://github.com/house/llm.git"])
def test_the_plugin_and_the_logo_of_a_package_on_github_are_those_of_its_release(repository: str) -> None:
    published = make_schema({**read_project(REPOSITORY), "urls": {"Repository": repository}})
    assert published["pluginDownloadURL"] == "github://api.github.com/house/llm"
    prefix = f"https://raw.githubusercontent.com/house/llm/v{__version__}/"
    assert published["logoUrl"].startswith(prefix)
    assert (REPOSITORY / published["logoUrl"].removeprefix(prefix)).is_file()


def test_the_plugin_of_a_package_on_another_host_is_a_folder_of_its_repository() -> None:
    published = make_schema({**read_project(REPOSITORY), "urls": {"Repository": "https://git.example.com/house/llm"}})
    assert published["pluginDownloadURL"] == "git://git.example.com/house/llm.git/components"
    assert "logoUrl" not in published
