from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from packaging.version import Version
from pulumi.automation._minimum_version import _MINIMUM_VERSION

from local.toolchain import binaries
from local.toolchain.binaries import Binaries, find_or_build
from local.toolchain.tools import ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, PULUMI, TOOLS, Tool

Program = Callable[[Path, str], Path]

NEW_ENOUGH = {
    "etcd": "echo etcd Version: 3.6.5; echo Go Version: go1.24.7",
    "kube-apiserver": "echo Kubernetes v1.34.1",
    "kube-controller-manager": "echo Kubernetes v1.34.1",
    "pulumi": "echo v3.246.0",
    "pulumi-resource-kubernetes": "exit 1",
}


@pytest.fixture
def published() -> set[str]:
    """The names of what can be downloaded."""
    return set()


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch, published: set[str]) -> list[str]:
    """The names of what would have been built."""
    names: list[str] = []

    def fetch(tools: Sequence[Tool]) -> None:
        record([tool for tool in tools if tool.name in published], names=[])

    def record(tools: Sequence[Tool], names: list[str] = names) -> None:
        for tool in tools:
            if tool.built.exists():
                continue
            names.append(tool.name)
            tool.built.parent.mkdir(parents=True, exist_ok=True)
            tool.built.touch()

    monkeypatch.setattr(binaries, "download", fetch)
    monkeypatch.setattr(binaries, "build", record)
    return names


def test_everything_is_built_where_nothing_is_there(built: list[str]) -> None:
    found = find_or_build()
    assert built == ["etcd", "kube-apiserver", "kube-controller-manager", "pulumi", "pulumi-resource-kubernetes"]
    assert found == Binaries(*(tool.built for tool in TOOLS))


def test_what_is_built_is_not_built_again(built: list[str], caplog: pytest.LogCaptureFixture) -> None:
    assert find_or_build() == find_or_build()
    assert len(built) == 5
    assert caplog.messages == []


def test_just_what_can_not_be_downloaded_is_built(published: set[str], built: list[str]) -> None:
    published |= {"etcd", "pulumi"}
    assert find_or_build() == Binaries(*(tool.built for tool in TOOLS))
    assert built == ["kube-apiserver", "kube-controller-manager", "pulumi-resource-kubernetes"]


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
    assert built == ["pulumi", "pulumi-resource-kubernetes"]


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
