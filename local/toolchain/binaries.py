"""Finds the control plane's programs and the Pulumi CLI, or has them built."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local.toolchain.build import Target, build
from local.toolchain.versions import Version, format_version, read_version

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
    minimum: Version
    below: Version | None = None
    in_kubebuilder_assets: bool = True

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def accepted_versions(self) -> str:
        accepted = f"{format_version(self.minimum)} or newer"
        return f"{accepted}, and below {format_version(self.below)}" if self.below else accepted


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
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    for candidate in _candidates(tool):
        version = read_version(candidate, tool.version_argument, environment)
        if version and tool.minimum <= version and (tool.below is None or version < tool.below):
            return candidate
        reason = f"its version is {format_version(version)}" if version else "it doesn't report its version"
        skip(f"Skipping {candidate}: {reason}, but the version must be {tool.accepted_versions}.")
    return None


def _candidates(tool: Tool) -> Iterator[Path]:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and tool.in_kubebuilder_assets and (found := shutil.which(tool.name, path=assets)):
        yield Path(found).absolute()
    if found := shutil.which(tool.name):
        yield Path(found).absolute()
