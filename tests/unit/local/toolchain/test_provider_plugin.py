from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from local.toolchain import binaries
from local.toolchain.binaries import find_or_build
from local.toolchain.tools import KUBERNETES_PROVIDER, Tool
from tests.unit.local.conftest import Program

NAME = "pulumi-resource-kubernetes"
PLACE = Path("plugins", f"resource-kubernetes-v{version('pulumi-kubernetes')}", NAME)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have been downloaded, and then built."""
    names: list[str] = []

    def download(tools: Sequence[Tool]) -> None:
        names.extend(f"download {tool.name}" for tool in tools if tool is KUBERNETES_PROVIDER)

    def build(tools: Sequence[Tool]) -> None:
        names.extend(f"build {tool.name}" for tool in tools if tool.name == NAME)

    monkeypatch.setattr(binaries, "download", download)
    monkeypatch.setattr(binaries, "build", build)
    return names


def plugin() -> Path:
    return find_or_build().kubernetes_provider


def test_a_plugin_on_path_is_taken_first_in_any_version(
    bin_folder: Path, cache: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    for place in (tmp_path / PLACE, cache / "pulumi" / PLACE):
        program(place, "exit 1")
    on_path = program(bin_folder / NAME, "exit 1")
    assert plugin() == on_path
    assert asked == []


def test_the_plugin_of_the_users_pulumi_home_is_taken_before_the_downloaded_one(
    cache: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    program(cache / "pulumi" / PLACE, "")
    users = program(tmp_path / PLACE, "")
    assert plugin() == users


def test_without_a_pulumi_home_the_users_is_in_the_home_folder(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    users = program(tmp_path / ".pulumi" / PLACE, "")
    assert plugin() == users


def test_another_version_in_the_users_pulumi_home_is_not_taken(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    program(tmp_path / "plugins/resource-kubernetes-v1.0.0" / NAME, "")
    assert plugin() == KUBERNETES_PROVIDER.built


def test_a_downloaded_plugin_is_taken_before_one_that_was_built(
    cache: Path, program: Program, asked: list[str]
) -> None:
    program(KUBERNETES_PROVIDER.built, "")
    assert plugin() == KUBERNETES_PROVIDER.built
    downloaded = program(cache / "pulumi" / PLACE, "")
    assert plugin() == downloaded
    assert asked == []


def test_where_it_can_not_be_downloaded_it_is_built(asked: list[str]) -> None:
    assert plugin() == KUBERNETES_PROVIDER.built
    assert asked == [f"download {NAME}", f"build {NAME}"]


def test_the_engine_finds_it_as_the_version_of_the_sdk(tmp_path: Path, program: Program) -> None:
    for name in ("first", "second"):
        KUBERNETES_PROVIDER.install(tmp_path / "home", program(tmp_path / name, ""))
        assert (tmp_path / "home" / PLACE).readlink() == tmp_path / name


def test_a_folder_of_the_users_that_an_earlier_version_linked_to_stays_as_it_is(
    tmp_path: Path, program: Program
) -> None:
    users = program(tmp_path / "users" / PLACE, "echo users")
    linked = tmp_path / "home" / PLACE.parent
    linked.parent.mkdir(parents=True)
    linked.symlink_to(users.parent)
    KUBERNETES_PROVIDER.install(tmp_path / "home", program(tmp_path / "other", ""))
    assert (linked / NAME).readlink() == tmp_path / "other"
    assert users.read_text() == "#!/bin/sh\necho users\n"
