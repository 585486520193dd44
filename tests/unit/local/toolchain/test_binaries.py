from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version
from pulumi.automation._minimum_version import _MINIMUM_VERSION

from local.toolchain import binaries
from local.toolchain.binaries import Binaries, find_or_build
from local.toolchain.tools import (
    ETCD,
    KUBE_APISERVER,
    KUBE_CONTROLLER_MANAGER,
    KUBERNETES_PROVIDER,
    PULUMI,
    TOOLS,
    Tool,
)
from tests.unit.local.conftest import Program

PLUGIN = "pulumi-resource-kubernetes"
PLACE = Path("plugins", f"resource-kubernetes-v{version('pulumi-kubernetes')}", PLUGIN)
NEW_ENOUGH = {
    "etcd": "echo etcd Version: 3.6.5; echo Go Version: go1.24.7",
    "kube-apiserver": "echo Kubernetes v1.34.1",
    "kube-controller-manager": "echo Kubernetes v1.34.1",
    "pulumi": "echo v3.246.0",
    PLUGIN: "exit 1",
}


@pytest.fixture
def published() -> set[str]:
    """The names of what can be downloaded."""
    return set()


@pytest.fixture
def downloads() -> list[str]:
    """The names of what would have been downloaded."""
    return []


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch, published: set[str], downloads: list[str]) -> list[str]:
    """The names of what would have been built."""
    names: list[str] = []

    def download(tools: Sequence[Tool]) -> None:
        downloads.extend(tool.name for tool in tools)
        put([tool for tool in tools if tool.name in published])

    def build(tools: Sequence[Tool]) -> None:
        names.extend(tool.name for tool in tools)
        put(tools)

    def put(tools: Sequence[Tool]) -> None:
        for tool in tools:
            tool.built.parent.mkdir(parents=True, exist_ok=True)
            tool.built.touch()

    monkeypatch.setattr(binaries, "download", download)
    monkeypatch.setattr(binaries, "build", build)
    return names


def test_everything_is_built_where_nothing_is_there(built: list[str]) -> None:
    found = find_or_build()
    assert built == ["etcd", "kube-apiserver", "kube-controller-manager", "pulumi", PLUGIN]
    assert found == Binaries(*(tool.built for tool in TOOLS))


def test_what_is_built_is_not_built_again(built: list[str], caplog: pytest.LogCaptureFixture) -> None:
    assert find_or_build() == find_or_build()
    assert len(built) == 5
    assert caplog.messages == []


def test_just_what_can_not_be_downloaded_is_built(published: set[str], built: list[str]) -> None:
    published |= {"etcd", "pulumi"}
    assert find_or_build() == Binaries(*(tool.built for tool in TOOLS))
    assert built == ["kube-apiserver", "kube-controller-manager", PLUGIN]


def test_everything_is_taken_from_path_where_it_is_there(bin_folder: Path, program: Program, built: list[str]) -> None:
    for name, script in NEW_ENOUGH.items():
        program(bin_folder / name, script)
    assert find_or_build() == Binaries(*(bin_folder / name for name in NEW_ENOUGH))
    assert built == []


def test_kubebuilder_assets_come_before_path_and_what_they_lack_is_looked_for_further(
    bin_folder: Path, tmp_path: Path, program: Program, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = tmp_path / "assets"
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    for name in ("etcd", "kube-apiserver", "pulumi"):
        program(assets / name, NEW_ENOUGH[name])
    for name in ("etcd", "kube-controller-manager"):
        program(bin_folder / name, NEW_ENOUGH[name])
    found = find_or_build()
    assert found.etcd == assets / "etcd"
    assert found.kube_apiserver == assets / "kube-apiserver"
    assert found.kube_controller_manager == bin_folder / "kube-controller-manager"
    assert built == ["pulumi", PLUGIN]


@pytest.mark.parametrize(
    ("name", "script", "reason"),
    [
        ("etcd", "echo etcd Version: 3.4.23", "its version is 3.4.23, but the version must be 3.5 or newer."),
        (
            "kube-apiserver",
            "echo Kubernetes v1.29.15",
            "its version is 1.29.15, but the version must be 1.30 or newer.",
        ),
        ("pulumi", "echo v3.0.0", "its version is 3.0.0, but the version must be 3.1 or newer, and below 4."),
        ("pulumi", "echo v4.0.0", "its version is 4.0.0, but the version must be 3.1 or newer, and below 4."),
        ("pulumi", "echo dev", "it doesn't report its version, but the version must be 3.1 or newer, and below 4."),
        ("kube-apiserver", "exit 1", "it doesn't report its version, but the version must be 1.30 or newer."),
    ],
)
def test_a_program_of_another_version_is_skipped_and_built(
    bin_folder: Path,
    program: Program,
    built: list[str],
    name: str,
    script: str,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for other, right in NEW_ENOUGH.items():
        program(bin_folder / other, right)
    refused = program(bin_folder / name, script)
    find_or_build()
    assert built == [name]
    assert caplog.messages == [f"Skipping {refused}: {reason}"]


def test_a_pulumi_is_taken_just_where_the_automation_api_takes_it() -> None:
    assert Version(str(_MINIMUM_VERSION)) == PULUMI.minimum
    assert Version(str(_MINIMUM_VERSION.major + 1)) == PULUMI.below


def test_the_versions_to_build_are_those_of_the_modules() -> None:
    assert ETCD.version.startswith("v3.")
    assert KUBE_APISERVER.version == KUBE_CONTROLLER_MANAGER.version
    assert PULUMI.version.startswith("v3.")


def plugin() -> Path:
    return find_or_build().kubernetes_provider


def test_a_plugin_on_path_is_taken_first_in_any_version(
    bin_folder: Path,
    cache: Path,
    program: Program,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    downloads: list[str],
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    for place in (tmp_path / PLACE, cache / "pulumi" / PLACE):
        program(place, "exit 1")
    on_path = program(bin_folder / PLUGIN, "exit 1")
    assert plugin() == on_path
    assert PLUGIN not in downloads


@pytest.mark.parametrize(("variable", "home"), [("PULUMI_HOME", ""), ("HOME", ".pulumi")])
def test_the_plugin_of_the_users_pulumi_home_is_taken_before_the_downloaded_one(
    cache: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, home: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))
    program(cache / "pulumi" / PLACE, "")
    users = program(tmp_path / home / PLACE, "")
    assert plugin() == users


def test_another_version_in_the_users_pulumi_home_is_not_taken(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    program(tmp_path / "plugins/resource-kubernetes-v1.0.0" / PLUGIN, "")
    assert plugin() == KUBERNETES_PROVIDER.built


def test_a_downloaded_plugin_is_taken_before_one_that_was_built(
    cache: Path, program: Program, downloads: list[str]
) -> None:
    program(KUBERNETES_PROVIDER.built, "")
    assert plugin() == KUBERNETES_PROVIDER.built
    downloaded = program(cache / "pulumi" / PLACE, "")
    assert plugin() == downloaded
    assert PLUGIN not in downloads


def test_where_the_plugin_can_not_be_downloaded_it_is_built(downloads: list[str], built: list[str]) -> None:
    assert plugin() == KUBERNETES_PROVIDER.built
    assert PLUGIN in downloads
    assert PLUGIN in built


def test_the_engine_finds_the_plugin_as_the_version_of_the_sdk(tmp_path: Path, program: Program) -> None:
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
    assert (linked / PLUGIN).readlink() == tmp_path / "other"
    assert users.read_text() == "#!/bin/sh\necho users\n"
