"""Finds the control plane's programs and the Pulumi CLI, or has them built."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local.toolchain.build import Target, build

_KUBERNETES_VERSION = ("k8s.io/component-base/version.gitVersion", "k8s.io/client-go/pkg/version.gitVersion")


@dataclass(frozen=True)
class Tool:
    """A program, and the versions of it that are accepted.

    Attributes:
        target: How to build it.
        version_argument: Argument that makes it print its version.
        minimum: Oldest version that is accepted.
        below: First version that is too new; None accepts all.
        in_kubebuilder_assets: Whether to look for it in `$KUBEBUILDER_ASSETS`.
    """

    target: Target
    version_argument: str
    minimum: tuple[int, ...]
    below: tuple[int, ...] | None = None
    in_kubebuilder_assets: bool = True

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def accepted_versions(self) -> str:
        return f"{_dotted(self.minimum)} or newer" + (f", and below {_dotted(self.below)}" if self.below else "")


def _kubernetes(name: str) -> Tool:
    package = f"k8s.io/kubernetes/cmd/{name}"
    target = Target(name, "kubernetes", package, "k8s.io/kubernetes", _KUBERNETES_VERSION)
    return Tool(target, "--version", minimum=(1, 30))


ETCD = Tool(
    Target("etcd", "kubernetes", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3"),
    "--version",
    minimum=(3, 5),
)
KUBE_APISERVER = _kubernetes("kube-apiserver")
KUBE_CONTROLLER_MANAGER = _kubernetes("kube-controller-manager")
# The versions that the Automation API accepts.
PULUMI = Tool(
    Target(
        "pulumi",
        "pulumi",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        "github.com/pulumi/pulumi/pkg/v3",
        ("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",),
    ),
    "version",
    minimum=(3, 1),
    below=(4,),
    in_kubebuilder_assets=False,
)


@dataclass(frozen=True)
class Binaries:
    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    pulumi: Path


def find_or_build(say: Callable[[str], None]) -> Binaries:
    """Find the programs in `$KUBEBUILDER_ASSETS` and on PATH. Build the others, once, into the cache."""
    skipped: list[str] = []
    tools = (ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, PULUMI)
    found = {tool: _find(tool, skipped.append) for tool in tools}
    programs = {tool: program or tool.target.built for tool, program in found.items()}
    missing = [tool.target for tool, program in programs.items() if not program.exists()]
    if missing:
        for line in skipped:
            say(line)
        build(missing, say)
    return Binaries(*(programs[tool] for tool in tools))


def _find(tool: Tool, skip: Callable[[str], None]) -> Path | None:
    for candidate in _candidates(tool):
        version = _version_of(candidate, tool.version_argument)
        if version and tool.minimum <= version and (tool.below is None or version < tool.below):
            return candidate
        reason = f"its version is {_dotted(version)}" if version else "it doesn't report its version"
        skip(f"Skipping {candidate}: {reason}, but the version must be {tool.accepted_versions}.")
    return None


def _candidates(tool: Tool) -> Iterator[Path]:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and tool.in_kubebuilder_assets and (found := shutil.which(tool.name, path=assets)):
        yield Path(found).absolute()
    if found := shutil.which(tool.name):
        yield Path(found).absolute()


def _version_of(program: Path, argument: str) -> tuple[int, ...] | None:
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [program, argument], env=environment, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\bv?(\d+\.\d+\.\d+)", done.stdout)
    return tuple(int(number) for number in match[1].split(".")) if match else None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
