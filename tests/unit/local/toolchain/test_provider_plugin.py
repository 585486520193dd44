import os
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from local.toolchain.provider_plugin import EXECUTABLE, ensure_provider_plugin
from tests.unit.local.conftest import Program

FOLDER = f"resource-kubernetes-v{version('pulumi-kubernetes')}"
STAND_IN = "The official Kubernetes provider plugin is not available: using this project's stand-in."
DOWNLOADING = "Downloading the official Kubernetes provider plugin ..."
DOWNLOADS = f'mkdir -p "$PULUMI_HOME/plugins/{FOLDER}" && echo "$@" > "$PULUMI_HOME/plugins/{FOLDER}/{EXECUTABLE}"'


class Machine:
    def __init__(self, folder: Path, bin_folder: Path, program: Program) -> None:
        self.bin_folder = bin_folder
        self.own_home = folder / "own"
        self.users_home = folder / "users"
        self._pulumi = folder / "pulumi"
        self._program = program
        self.pulumi("exit 1")

    def pulumi(self, script: str) -> None:
        self._program(self._pulumi, script)

    def put_plugin(self, home: Path) -> Path:
        return self._program(home / "plugins" / FOLDER / EXECUTABLE, "echo official")

    def put_plugin_on_path(self) -> Path:
        return self._program(self.bin_folder / EXECUTABLE, "echo from PATH")

    def choose(self) -> list[str]:
        """What is said."""
        said: list[str] = []
        ensure_provider_plugin(self.own_home, self._pulumi, said.append, str(self.users_home))
        return said

    @property
    def chosen(self) -> Path:
        return self.own_home / "plugins" / FOLDER / EXECUTABLE


@pytest.fixture
def machine(tmp_path: Path, bin_folder: Path, program: Program) -> Machine:
    return Machine(tmp_path, bin_folder, program)


def test_the_official_plugin_on_path_is_taken_first(machine: Machine, cache: Path) -> None:
    machine.put_plugin(cache / "pulumi")
    machine.put_plugin(machine.users_home)
    on_path = machine.put_plugin_on_path()
    assert machine.choose() == []
    assert machine.chosen.resolve() == on_path.resolve()


def test_the_official_plugin_in_the_users_pulumi_home_is_taken_before_the_cached_one(
    machine: Machine, cache: Path
) -> None:
    machine.put_plugin(cache / "pulumi")
    users = machine.put_plugin(machine.users_home)
    assert machine.choose() == []
    assert machine.chosen.resolve() == users.resolve()


def test_without_a_pulumi_home_the_users_is_in_the_home_folder(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    users = machine.put_plugin(tmp_path / "home/.pulumi")
    said: list[str] = []
    ensure_provider_plugin(machine.own_home, tmp_path / "pulumi", said.append, None)
    assert machine.chosen.resolve() == users.resolve()


def test_another_version_in_the_users_pulumi_home_is_not_taken(machine: Machine) -> None:
    users = machine.put_plugin(machine.users_home)
    users.parent.rename(users.parent.with_name("resource-kubernetes-v1.0.0"))
    assert machine.choose() == [DOWNLOADING, STAND_IN]


def test_the_official_plugin_is_downloaded_once_for_all_clones(machine: Machine, cache: Path) -> None:
    machine.pulumi(DOWNLOADS)
    assert machine.choose() == [DOWNLOADING]
    assert machine.chosen.resolve() == (cache / "pulumi/plugins" / FOLDER / EXECUTABLE).resolve()
    asked = machine.chosen.read_text()
    assert asked == f"plugin install resource kubernetes v{version('pulumi-kubernetes')}\n"
    machine.pulumi("exit 1")
    assert machine.choose() == []


def test_where_the_official_plugin_can_not_be_had_the_stand_in_is_written(machine: Machine) -> None:
    assert machine.choose() == [DOWNLOADING, STAND_IN]
    assert os.access(machine.chosen, os.X_OK)
    assert "-m local.kubernetes_provider" in machine.chosen.read_text()


def test_a_refusal_holds_for_a_day(machine: Machine, cache: Path) -> None:
    machine.choose()
    machine.pulumi(DOWNLOADS)
    assert machine.choose() == [STAND_IN]
    yesterday = time.time() - 25 * 60 * 60
    os.utime(cache / f"pulumi/{FOLDER}.failed", (yesterday, yesterday))
    assert machine.choose() == [DOWNLOADING]
    assert machine.chosen.is_symlink()


def test_the_stand_in_gives_way_to_the_official_plugin_and_comes_back(machine: Machine) -> None:
    machine.choose()
    official = machine.put_plugin_on_path()
    assert machine.choose() == []
    assert subprocess.check_output([machine.chosen]) == b"from PATH\n"
    gone = official.rename(official.with_name("gone"))
    assert machine.choose() == [STAND_IN]
    assert "-m local.kubernetes_provider" in machine.chosen.read_text()
    assert gone.read_text() == "#!/bin/sh\necho from PATH\n"


def test_a_folder_of_the_users_that_an_earlier_version_linked_to_stays_as_it_is(machine: Machine) -> None:
    users = machine.put_plugin(machine.users_home)
    machine.chosen.parent.parent.mkdir(parents=True)
    machine.chosen.parent.symlink_to(users.parent)
    machine.put_plugin_on_path()
    assert machine.choose() == []
    assert subprocess.check_output([machine.chosen]) == b"from PATH\n"
    assert users.read_text() == "#!/bin/sh\necho official\n"
