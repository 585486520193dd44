"""Says which programs are needed, and in which versions."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from local.folders import cache_folder
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

    @property
    def published_version(self) -> str:
        """The version to download."""
        return self.target.version

    @property
    def downloaded(self) -> Path:
        """The place in the cache of what was downloaded."""
        return self.target.built

    @property
    def cached(self) -> Path:
        """The place in the cache, of what was downloaded if that is there, otherwise of what was or will be built."""
        return self.downloaded if self.downloaded.exists() else self.target.built

    def candidates(self) -> Iterator[Path]:
        """Yield the programs of this name on this machine, the first choice first."""
        assets = os.environ.get("KUBEBUILDER_ASSETS")
        if assets and self.in_kubebuilder_assets and (found := shutil.which(self.name, path=assets)):
            yield Path(found).absolute()
        if found := shutil.which(self.name):
            yield Path(found).absolute()

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


class KubernetesProvider(Tool):
    """The official plugin. A Pulumi home has it in the SDK's version; a Go module has it in an older one only."""

    @property
    def published_version(self) -> str:
        return f"v{version('pulumi-kubernetes')}"

    @property
    def downloaded(self) -> Path:
        return self.place_in(cache_folder() / "pulumi")

    def place_in(self, pulumi_home: Path) -> Path:
        """Return the place where the engine looks for the plugin."""
        return pulumi_home / "plugins" / f"resource-kubernetes-{self.published_version}" / self.name

    def candidates(self) -> Iterator[Path]:
        """Yield a plugin on PATH, of any version, and then the one of the user's Pulumi home."""
        yield from super().candidates()
        users = self.place_in(Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi"))
        if users.exists():
            yield users

    def refusal(self, program: Path) -> None:
        """Accept any: it doesn't print its version, and the engine warns if it is older than the SDK's."""


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
KUBERNETES_PROVIDER = KubernetesProvider(
    Target(
        "pulumi-resource-kubernetes",
        "kubernetes",
        "openai-compatible-llm/local/toolchain/kubernetes/pulumi-resource-kubernetes",
        "github.com/pulumi/pulumi-kubernetes/provider/v4",
        ("github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version",),
        ("cmd/pulumi-resource-kubernetes/schema.json", "cmd/pulumi-resource-kubernetes/terraform-mapping.json"),
    ),
    version_argument="",
    minimum=(),
    in_kubebuilder_assets=False,
)
TOOLS = (ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, PULUMI, KUBERNETES_PROVIDER)
