"""What is downloaded of the control plane's programs, and what is built instead."""

import hashlib
import io
import os
import platform
import shutil
import signal
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from local.toolchain.binaries import find_or_build
from local.toolchain.download import ENVTEST_INDEX, PULUMI_RELEASES
from local.toolchain.go import download_module, ensure_go
from local.toolchain.tools import KUBE_APISERVER, KUBERNETES_PROVIDER, PULUMI, TOOLS
from tests.e2e.internet import Internet, internet

pytestmark = pytest.mark.slow

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
PLATFORM = f"{platform.system().lower()}-{MACHINE}"
KUBERNETES = KUBE_APISERVER.version
ENVTEST_ARCHIVE = f"https://releases.test/envtest-{KUBERNETES}-{PLATFORM}.tar.gz"
CONTROLLER_MANAGER = f"https://dl.k8s.io/{KUBERNETES}/bin/{PLATFORM.replace('-', '/')}/kube-controller-manager"
PULUMI_ARCHIVE = f"{PULUMI_RELEASES}/sdk/pulumi-{PULUMI.version}-{PLATFORM.replace('amd64', 'x64')}.tar.gz"
PLUGIN = KUBERNETES_PROVIDER.name
PLUGIN_ARCHIVE = f"{PULUMI_RELEASES}/plugins/{PLUGIN}-{KUBERNETES_PROVIDER.published_version}-{PLATFORM}.tar.gz"

PROGRAMS = {
    "etcd": b"#!/bin/sh\necho etcd Version: 3.6.4\n",
    "kube-apiserver": f"#!/bin/sh\necho Kubernetes {KUBERNETES}\n".encode(),
    "kube-controller-manager": f"#!/bin/sh\necho Kubernetes {KUBERNETES}\n".encode(),
    "pulumi": f"#!/bin/sh\necho {PULUMI.version}\n".encode(),
    PLUGIN: b"#!/bin/sh\nexit 1\n",
}
# `go build ... -o <folder>/ <package> ...`; whatever else Go is asked for, the real one does.
GO = """#!/bin/sh
[ "$1" = build ] || exec {go} "$@"
for argument; do
  [ "$previous" = -o ] && folder=$argument
  package=${{argument%/v3}}
  [ "$folder" ] && [ "$argument" != "$folder" ] && echo built > "$folder${{package##*/}}"
  previous=$argument
done
"""


@dataclass
class Machine:
    """A machine with no programs on it, and an internet that has them all."""

    internet: Internet
    caplog: pytest.LogCaptureFixture

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.caplog.records if record.name.startswith("local.")]

    def publish(self, programs: Mapping[str, bytes]) -> None:
        files = self.internet.files
        archive = tar_gz({f"controller-tools/envtest/{name}": programs[name] for name in ("etcd", "kube-apiserver")})
        self.publish_envtest(archive, hashlib.sha512(archive).hexdigest())
        files[CONTROLLER_MANAGER] = programs["kube-controller-manager"]
        files[f"{CONTROLLER_MANAGER}.sha512"] = hashlib.sha512(files[CONTROLLER_MANAGER]).hexdigest().encode()
        files[PULUMI_ARCHIVE] = tar_gz({"pulumi/pulumi-watch": b"", "pulumi/pulumi": programs["pulumi"]})
        files[PLUGIN_ARCHIVE] = tar_gz({"LICENSE": b"", PLUGIN: programs[PLUGIN]})

    def publish_envtest(self, archive: bytes, digest: str) -> None:
        release = {f"envtest-{KUBERNETES}-{PLATFORM}.tar.gz": {"hash": digest, "selfLink": ENVTEST_ARCHIVE}}
        self.internet.files[ENVTEST_INDEX] = yaml.safe_dump({"releases": {KUBERNETES: release}}).encode()
        self.internet.files[ENVTEST_ARCHIVE] = archive

    def find_or_build(self) -> set[str]:
        """Returns the names of what was built."""
        find_or_build()
        return {tool.name for tool in TOOLS if tool.cached.read_bytes() == b"built\n"}

    def reason(self, names: str) -> str:
        """Returns why these programs could not be downloaded."""
        (line,) = (line for line in self.messages if line.startswith(f"Can't download {names}: "))
        return line


@pytest.fixture(scope="session")
def go_environment() -> dict[str, str]:
    """The environment of a Go that has what it needs to start a build."""
    go = ensure_go()
    download_module(KUBERNETES_PROVIDER.version_module, KUBERNETES_PROVIDER.toolchain)
    variables = [str(go.program), "env", "GOPATH", "GOCACHE", "GOMODCACHE"]
    asked = subprocess.check_output(variables, env=go.environment, text=True)
    places = dict(zip(("GOPATH", "GOCACHE", "GOMODCACHE"), asked.split(), strict=True))
    return {"GO": str(go.program), "GOROOT": go.environment.get("GOROOT", ""), **places}


@pytest.fixture
def machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, go_environment: dict[str, str]
) -> Iterator[Machine]:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name in ("cat", "env", "mkdir", "sh", "sleep"):
        found = shutil.which(name)
        assert found, f"{name} is not on PATH"
        (bin_folder / name).symlink_to(found)
    (bin_folder / "go").write_text(GO.format(go=go_environment["GO"]))
    (bin_folder / "go").chmod(0o755)
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    with internet(tmp_path) as served:
        own = {"PATH": str(bin_folder), "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}
        for name, value in {**go_environment, **own, **served.environment}.items():
            if value or name.lower() == "no_proxy":
                monkeypatch.setenv(name, value)
        machine = Machine(served, caplog)
        machine.publish(PROGRAMS)
        yield machine


def test_everything_is_downloaded_where_it_can_be_had(machine: Machine) -> None:
    assert machine.find_or_build() == set()
    assert {tool.name: tool.downloaded.read_bytes() for tool in TOOLS} == PROGRAMS
    assert all(os.access(tool.downloaded, os.X_OK) for tool in TOOLS)
    assert machine.messages == [
        f"Downloading etcd, kube-apiserver, kube-controller-manager, pulumi, {PLUGIN}; this takes 3 minutes at most ..."
    ]
    assert not [file for tool in TOOLS for file in tool.built.parent.glob("partial*")]


def test_what_is_downloaded_is_not_downloaded_again(machine: Machine) -> None:
    machine.find_or_build()
    asked, messages = list(machine.internet.asked), list(machine.messages)
    machine.find_or_build()
    assert machine.internet.asked == asked
    assert machine.messages == messages


def test_just_what_is_missing_is_asked_for(machine: Machine, tmp_path: Path) -> None:
    for name in ("etcd", "kube-controller-manager", "pulumi", PLUGIN):
        (tmp_path / "bin" / name).write_bytes(PROGRAMS[name])
        (tmp_path / "bin" / name).chmod(0o755)
    find_or_build()
    assert set(machine.internet.asked) == {ENVTEST_INDEX, ENVTEST_ARCHIVE}
    assert KUBE_APISERVER.built.read_bytes() == PROGRAMS["kube-apiserver"]
    assert [file.name for file in KUBE_APISERVER.built.parent.iterdir()] == ["kube-apiserver"]


def test_where_there_is_no_internet_everything_is_built(machine: Machine) -> None:
    machine.internet.files.clear()
    assert machine.find_or_build() == set(PROGRAMS)
    assert machine.reason("pulumi") == f"Can't download pulumi: {PULUMI_ARCHIVE} answers 404"
    assert machine.reason("etcd, kube-apiserver").endswith(f"{ENVTEST_INDEX} answers 404")
    assert machine.reason("kube-controller-manager").endswith(f"{CONTROLLER_MANAGER}.sha512 answers 404")
    assert machine.reason(PLUGIN).endswith(f"{PLUGIN_ARCHIVE} answers 404")


def test_where_nothing_listens_everything_is_built(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert machine.find_or_build() == set(PROGRAMS)
    assert machine.reason("pulumi").endswith(f"{PULUMI_ARCHIVE}: All connection attempts failed")


def test_an_archive_with_another_hash_than_the_index_says_is_not_taken(machine: Machine) -> None:
    machine.publish_envtest(machine.internet.files[ENVTEST_ARCHIVE], "0" * 128)
    assert machine.find_or_build() == {"etcd", "kube-apiserver"}
    assert machine.reason("etcd, kube-apiserver").endswith(
        f"{ENVTEST_ARCHIVE} has another SHA-512 than {ENVTEST_INDEX} says"
    )


def test_a_broken_archive_is_not_taken_though_its_hash_is_right(machine: Machine) -> None:
    broken = machine.internet.files[ENVTEST_ARCHIVE][:-40]
    machine.publish_envtest(broken, hashlib.sha512(broken).hexdigest())
    assert machine.find_or_build() == {"etcd", "kube-apiserver"}
    assert f"{ENVTEST_ARCHIVE} is not a whole archive: " in machine.reason("etcd, kube-apiserver")


def test_an_archive_without_one_of_the_programs_gives_the_other(machine: Machine) -> None:
    archive = tar_gz({"controller-tools/envtest/etcd": PROGRAMS["etcd"]})
    machine.publish_envtest(archive, hashlib.sha512(archive).hexdigest())
    assert machine.find_or_build() == {"kube-apiserver"}
    assert machine.reason("etcd, kube-apiserver").endswith("it has no kube-apiserver")


def test_an_index_without_this_version_gives_nothing(machine: Machine) -> None:
    machine.internet.files[ENVTEST_INDEX] = b"releases: {}\n"
    assert machine.find_or_build() == {"etcd", "kube-apiserver"}


def test_a_controller_manager_with_another_hash_is_not_taken(machine: Machine) -> None:
    machine.internet.files[CONTROLLER_MANAGER] += b"exit 1\n"
    assert machine.find_or_build() == {"kube-controller-manager"}
    assert machine.reason("kube-controller-manager").endswith(
        f"{CONTROLLER_MANAGER} has another SHA-512 than {CONTROLLER_MANAGER}.sha512 says"
    )


def test_a_broken_archive_of_pulumi_is_not_taken(machine: Machine) -> None:
    machine.internet.files[PULUMI_ARCHIVE] = machine.internet.files[PULUMI_ARCHIVE][:-40]
    assert machine.find_or_build() == {"pulumi"}
    assert f"{PULUMI_ARCHIVE} is not a whole archive: " in machine.reason("pulumi")


def test_a_broken_archive_of_the_plugin_is_not_taken(machine: Machine) -> None:
    machine.internet.files[PLUGIN_ARCHIVE] = tar_gz({"LICENSE": b""})
    assert machine.find_or_build() == {PLUGIN}
    assert machine.reason(PLUGIN).endswith(f"it has no {PLUGIN}")


# The plugin prints no version by which that could be seen.
@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - {PLUGIN}))
def test_a_program_that_does_not_run_here_is_not_taken(machine: Machine, name: str) -> None:
    machine.publish(PROGRAMS | {name: b"\x7fELF of another machine"})
    assert machine.find_or_build() == {name}
    assert any(name in line for line in machine.messages[1:-2])


def test_sites_that_never_answer_are_not_waited_for(machine: Machine) -> None:
    machine.internet.silent |= {ENVTEST_INDEX, PULUMI_ARCHIVE, f"{CONTROLLER_MANAGER}.sha512", PLUGIN_ARCHIVE}
    assert machine.find_or_build() == set(PROGRAMS)
    assert machine.reason("pulumi").endswith(f"{PULUMI_ARCHIVE} doesn't answer within 10 seconds")


def test_a_download_that_takes_too_long_ends(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.toolchain.download.SECONDS_TO_DOWNLOAD", 5)
    machine.internet.stalling |= {ENVTEST_ARCHIVE, PULUMI_ARCHIVE}
    assert machine.find_or_build() == {"etcd", "kube-apiserver", "pulumi"}
    assert machine.reason("pulumi").endswith("it took longer than 5 seconds")


def test_ctrl_c_ends_a_download(machine: Machine) -> None:
    machine.internet.stalling |= {ENVTEST_ARCHIVE, PULUMI_ARCHIVE}
    interrupt = threading.Thread(target=_interrupt_when_asked_for, args=[machine.internet.asked])
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        machine.find_or_build()
    interrupt.join()
    unfinished = {"etcd", "kube-apiserver", "pulumi"}
    assert not [tool.name for tool in TOOLS if tool.name in unfinished and tool.built.exists()]
    assert not [file for tool in TOOLS for file in tool.built.parent.glob("partial*")]


def _interrupt_when_asked_for(asked: list[str]) -> None:
    while not {ENVTEST_ARCHIVE, PULUMI_ARCHIVE} <= set(asked):
        threading.Event().wait(0.05)
    os.kill(os.getpid(), signal.SIGINT)


def tar_gz(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
