"""What a release has beside the wheel and the sdist: the plugin's archives, and the templates."""

import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from components.openai_compatible_llm import __version__
from tests.support.repository import REPOSITORY
from tools import release_files
from tools.release_files import CLONE, PLATFORMS, plugin_archive

NAME = f"pulumi-resource-openai-compatible-llm-v{__version__}"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("build")
    release_files.main(REPOSITORY, build)
    return build


def test_every_platform_of_the_cli_has_the_same_archive_under_the_name_that_the_cli_asks_for(build: Path) -> None:
    archives = {file.name: file.read_bytes() for file in build.glob("*.tar.gz")}
    assert set(archives) == {f"{NAME}-{platform}.tar.gz" for platform in PLATFORMS}
    assert set(PLATFORMS) == {
        f"{system}-{machine}" for system in ("darwin", "linux", "windows") for machine in ("amd64", "arm64")
    }
    assert set(archives.values()) == {plugin_archive(REPOSITORY)}


def test_the_archive_has_the_files_of_the_plugin_that_are_in_git_and_nothing_else() -> None:
    with tarfile.open(fileobj=io.BytesIO(plugin_archive(REPOSITORY))) as archive:
        names = set(archive.getnames())
    command = ["git", "ls-files", "components"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert names == {each.removeprefix("components/") for each in listed.split()}
    assert {"PulumiPlugin.yaml", "__main__.py", "pyproject.toml"} <= names


def test_the_archive_locks_its_packages_without_the_repository_around_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(plugin_archive(REPOSITORY))) as archive:
        locked = archive.extractfile("requirements.txt")
        assert locked
        content = locked.read().decode()
    assert not re.search(r"^-r", content, re.MULTILINE)
    assert re.search(r"^pulumi==[\d.]+ ", content, re.MULTILINE)


def test_the_templates_of_a_release_take_the_released_package(build: Path) -> None:
    templates = {file.parent.name: file for file in (REPOSITORY / "templates").glob("*/Pulumi.yaml")}
    assert {folder.name for folder in (build / "templates").iterdir()} == set(templates)
    for file in (build / "templates").rglob("*.*"):
        assert CLONE not in file.read_text()
        assert "clone" not in file.read_text()
    released = {
        "python/requirements.txt": f"openai-compatible-llm=={__version__}\n",
        "one-url/requirements.txt": f"openai-compatible-llm=={__version__}\n",
        "yaml/Pulumi.yaml": f"\n  openai-compatible-llm: openai-compatible-llm@{__version__}\n",
    }
    for name, line in released.items():
        assert line in (build / "templates" / name).read_text()
