import json
import os
import platform
import re
import shutil
import signal
import threading
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from local.errors import LocalError
from local.toolchain.build import build
from local.toolchain.go import TOOLCHAIN
from local.toolchain.tools import ETCD, KUBE_APISERVER, KUBERNETES_PROVIDER, PULUMI
from tests.unit.local.conftest import Program

# `go build ... -o <folder>/ <package> ...`, whose programs tell how it was called.
GO = """
[ "$1" = version ] && echo go version go1.99.0 linux/amd64 && exit
echo compiling
for argument; do
  [ "$previous" = -o ] && folder=$argument
  package=${argument%/v3}
  [ "$folder" ] && [ "$argument" != "$folder" ] && echo "$PWD $*" > "$folder${package##*/}"
  previous=$argument
done
"""


@pytest.fixture(autouse=True)
def fake_go(bin_folder: Path, program: Program) -> Path:
    return program(bin_folder / "go", GO)


def test_a_build_says_what_it_builds(caplog: pytest.LogCaptureFixture) -> None:
    build([ETCD])
    assert ETCD.built.exists()
    assert re.fullmatch(
        rf"Building etcd {ETCD.version}; this takes about \d+ minutes with \d+ processors \.\.\.",
        caplog.messages[0],
    )
    assert caplog.messages[1].startswith(f"Built etcd {ETCD.version} in 0:00:0")
    assert len(caplog.messages) == 2


def test_a_program_is_built_in_its_module_with_its_version_in_it() -> None:
    build([PULUMI, KUBE_APISERVER])
    pulumi, kube_apiserver = PULUMI.built.read_text(), KUBE_APISERVER.built.read_text()
    version = PULUMI.version
    assert pulumi.startswith(str(TOOLCHAIN / "pulumi"))
    assert f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}" in pulumi
    assert f"-X k8s.io/component-base/version.gitVersion={KUBE_APISERVER.version}" in kube_apiserver
    assert "-trimpath" in kube_apiserver
    assert "-gcflags=all=-l -dwarf=false -c=1" in kube_apiserver


@pytest.mark.parametrize(("gib", "collector"), [(24, "off"), (8, "")])
def test_the_compiler_collects_its_garbage_where_memory_is_short(
    bin_folder: Path, program: Program, monkeypatch: pytest.MonkeyPatch, gib: int, collector: str
) -> None:
    monkeypatch.delenv("GOGC", raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=gib * 2**30))
    program(bin_folder / "go", GO.replace("$PWD $*", "GOGC=$GOGC"))
    build([ETCD])
    assert ETCD.built.read_text() == f"GOGC={collector}\n"


def test_the_kubernetes_provider_embeds_the_files_of_its_module(
    bin_folder: Path, program: Program, tmp_path: Path
) -> None:
    download = f'[ "$1 $2" = "mod download" ] && echo "{{\\"Dir\\": \\"{tmp_path}\\"}}" && exit\n'
    program(bin_folder / "go", download + GO)
    build([KUBERNETES_PROVIDER])
    (overlay,) = re.findall(r"-overlay=(\S+)", KUBERNETES_PROVIDER.built.read_text())
    source = TOOLCHAIN / "kubernetes/pulumi-resource-kubernetes"
    replaced = json.loads(Path(overlay).read_text())["Replace"]
    embedded = re.findall("//go:embed (.+)", (source / "main.go").read_text())
    assert replaced == {
        str(source / name): str(tmp_path / "cmd/pulumi-resource-kubernetes" / name) for name in embedded
    }


def test_a_half_finished_build_is_not_taken_for_a_whole_one(bin_folder: Path, program: Program) -> None:
    program(bin_folder / "go", GO + "echo no space left; exit 2")
    with pytest.raises(LocalError, match="Building etcd failed"):
        build([ETCD])
    assert list(ETCD.built.parent.iterdir()) == []
    assert not ETCD.built.exists()
    program(bin_folder / "go", GO)
    build([ETCD])
    assert [file.name for file in ETCD.built.parent.iterdir()] == ["etcd"]


def test_a_failed_build_names_its_log_and_shows_its_end(bin_folder: Path, cache: Path, program: Program) -> None:
    program(bin_folder / "go", GO + "for line in 1 2 3; do echo reason $line >&2; done; exit 2")
    with pytest.raises(LocalError) as failure:
        build([ETCD])
    log = cache / "logs" / "build-kubernetes.log"
    assert str(failure.value).startswith("Building etcd failed. ")
    assert str(failure.value).endswith(f"The last lines of {log}:\ncompiling\nreason 1\nreason 2\nreason 3")


def test_modules_are_built_one_after_the_other_while_the_later_ones_are_downloaded(
    bin_folder: Path, program: Program, tmp_path: Path
) -> None:
    begun, downloading = tmp_path / "begun", tmp_path / "downloading"
    first = f"while [ ! -f {downloading} ]; do sleep 0.05; done; [ -f {begun} ] && exit 2; :"
    program(
        bin_folder / "go",
        f'[ "$1" = list ] && echo "$PWD $*" > {downloading} && sleep 60\n'
        + GO
        + f"case $PWD in */pulumi) echo > {begun};; *) {first};; esac",
    )
    build([ETCD, PULUMI])
    assert downloading.read_text() == f"{TOOLCHAIN / 'pulumi'} list -e -deps {PULUMI.package}\n"
    assert ETCD.built.exists()
    assert PULUMI.built.exists()


def test_after_a_failure_nothing_more_is_built(bin_folder: Path, program: Program) -> None:
    program(bin_folder / "go", GO + "case $PWD in */pulumi) ;; *) exit 2;; esac")
    with pytest.raises(LocalError, match="Building etcd failed"):
        build([ETCD, PULUMI])
    assert not PULUMI.built.exists()


def test_an_interrupted_build_ends_go(
    bin_folder: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = tmp_path / "ended"
    program(bin_folder / "go", GO + f"trap 'echo > {ended}; exit 1' INT; while :; do sleep 0.05; done")
    interrupt = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    monkeypatch.setattr("local.toolchain.build.logger.info", lambda _: interrupt.start())
    with pytest.raises(KeyboardInterrupt):
        build([ETCD])
    assert ended.exists()
    assert not ETCD.built.exists()


@pytest.mark.parametrize("changed", ["go.mod", "go.sum"])
def test_other_pins_are_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str) -> None:
    before = ETCD.built
    shutil.copytree(TOOLCHAIN, tmp_path / "toolchain")
    monkeypatch.setattr("local.toolchain.tools.TOOLCHAIN", tmp_path / "toolchain")
    assert ETCD.built == before
    with (tmp_path / "toolchain" / "kubernetes" / changed).open("a") as pins:
        pins.write("\n")
    assert ETCD.built != before
    assert ETCD.built.name == "etcd"


def test_another_platform_is_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ETCD.built
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert ETCD.built != before


def test_a_long_build_says_every_now_and_then_what_it_does(
    bin_folder: Path, program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("local.toolchain.build.SECONDS_BETWEEN_LINES", 0.1)
    program(bin_folder / "go", GO + "sleep 0.8")
    build([ETCD])
    assert re.fullmatch(rf"Building etcd {ETCD.version}; .* processors \.\.\. 0:00:0\d: compiling", caplog.messages[1])
