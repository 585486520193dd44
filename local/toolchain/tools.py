"""Says which programs are needed, and in which versions."""

import os
from dataclasses import dataclass
from pathlib import Path

from local.toolchain.build import Target
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

    def refusal(self, program: Path) -> str | None:
        """Tell why a program is of no use; None if it is."""
        version = read_version(program, self.version_argument, os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"})
        if version and self.minimum <= version and (self.below is None or version < self.below):
            return None
        reason = f"its version is {format_version(version)}" if version else "it doesn't report its version"
        accepted = f"{format_version(self.minimum)} or newer"
        accepted += f", and below {format_version(self.below)}" if self.below else ""
        return f"{reason}, but the version must be {accepted}."


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
TOOLS = (ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, PULUMI)
