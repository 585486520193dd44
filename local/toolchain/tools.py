"""Says which programs are needed, in which versions, and where they are kept."""

import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from local.errors import LocalError
from local.folders import cache_folder
from local.toolchain.go import TOOLCHAIN, read_version

_KUBERNETES_VERSION = ("k8s.io/component-base/version.gitVersion", "k8s.io/client-go/pkg/version.gitVersion")


@dataclass(frozen=True)
class Tool:
    """A program, how to build it, and the versions of it that are accepted.

    Attributes:
        name: Name of the program.
        toolchain: Folder, beside this file, of the Go module that builds it.
        package: Go package of the program.
        version_module: Module, required by that one, whose version is the program's.
        version_variables: Go variables to set to that version.
        embedded: Files of `version_module` that the program embeds from its own folder.
        version_argument: Argument that makes it print its version.
        minimum: Oldest version that is accepted; None accepts all.
        below: First version that is too new; None accepts all.
        in_kubebuilder_assets: Whether to look for it in `$KUBEBUILDER_ASSETS`.
    """

    name: str
    toolchain: str
    package: str
    version_module: str
    version_variables: tuple[str, ...] = ()
    embedded: tuple[str, ...] = ()
    version_argument: str = "--version"
    minimum: Version | None = None
    below: Version | None = None
    in_kubebuilder_assets: bool = False

    @property
    def module_folder(self) -> Path:
        return TOOLCHAIN / self.toolchain

    @property
    def version(self) -> str:
        """The version to build."""
        pattern = rf"^(?:require)?\s*{re.escape(self.version_module)} (v\S+)"
        match = re.search(pattern, (self.module_folder / "go.mod").read_text(), re.M)
        if not match:
            raise LocalError(f"{self.module_folder / 'go.mod'} requires no version of {self.version_module}.")
        return match[1]

    @property
    def published_version(self) -> str:
        """The version to download."""
        return self.version

    @property
    def executable(self) -> str:
        """The name that Go gives the program: the last part of its package, without the major version."""
        return [part for part in self.package.split("/") if not re.fullmatch(r"v\d+", part)][-1]

    @property
    def built(self) -> Path:
        """The program's place in the cache, which differs for other pins, sources and platforms."""
        pins = [file.read_text() for file in sorted(self.module_folder.rglob("*.*"))]
        key = hashlib.sha256("\0".join([*pins, platform.system(), platform.machine()]).encode()).hexdigest()[:16]
        return cache_folder() / f"{self.toolchain}-{key}" / self.name

    @property
    def downloaded(self) -> Path:
        """The place in the cache of what was downloaded."""
        return self.built

    @property
    def cached(self) -> Path:
        """The place in the cache, of what was downloaded if that is there, otherwise of what was or will be built."""
        return self.downloaded if self.downloaded.exists() else self.built

    def candidates(self) -> list[Path]:
        """Returns the programs of this name on this machine, the first choice first."""
        assets = os.environ.get("KUBEBUILDER_ASSETS") if self.in_kubebuilder_assets else None
        found = (shutil.which(self.name, path=path) for path in ([assets, None] if assets else [None]))
        return [Path(program).absolute() for program in found if program]

    def refusal(self, program: Path) -> str | None:
        """Tells why a program is of no use; None if it is."""
        if not self.minimum:
            return None
        version = read_version(program, self.version_argument, os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"})
        if version and self.minimum <= version and not (self.below and self.below <= version):
            return None
        reason = f"its version is {version}" if version else "it doesn't report its version"
        below = f", and below {self.below}" if self.below else ""
        return f"{reason}, but the version must be {self.minimum} or newer{below}."


class KubernetesProvider(Tool):
    """The official plugin. A Pulumi home has it in the SDK's version; a Go module has it in an older one only.

    Any version is accepted: it doesn't print its own, and the engine warns if it is older than the SDK's.
    """

    @property
    def published_version(self) -> str:
        return f"v{importlib.metadata.version('pulumi-kubernetes')}"

    @property
    def downloaded(self) -> Path:
        return self.place_in(cache_folder() / "pulumi")

    def candidates(self) -> list[Path]:
        """Returns a plugin on PATH, of any version, and then the one of the user's Pulumi home."""
        users = self.place_in(Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi"))
        return [*super().candidates(), *([users] if users.exists() else [])]

    def place_in(self, pulumi_home: Path) -> Path:
        """Returns the place where the engine looks for the plugin."""
        return pulumi_home / "plugins" / f"resource-kubernetes-{self.published_version}" / self.name

    def install(self, pulumi_home: Path, program: Path) -> None:
        """Puts a program of the plugin, of whatever version, where the engine looks for the SDK's version."""
        place = self.place_in(pulumi_home)
        if place.parent.is_symlink():
            # An earlier version of this project linked to the user's folder.
            place.parent.unlink()
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(program)


def _of_kubernetes(name: str) -> Tool:
    return Tool(
        name,
        toolchain="kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        version_module="k8s.io/kubernetes",
        version_variables=_KUBERNETES_VERSION,
        minimum=Version("1.30"),
        in_kubebuilder_assets=True,
    )


ETCD = Tool(
    "etcd",
    toolchain="kubernetes",
    package="go.etcd.io/etcd/server/v3",
    version_module="go.etcd.io/etcd/server/v3",
    minimum=Version("3.5"),
    in_kubebuilder_assets=True,
)
KUBE_APISERVER = _of_kubernetes("kube-apiserver")
KUBE_CONTROLLER_MANAGER = _of_kubernetes("kube-controller-manager")
# The versions that the Automation API accepts.
PULUMI = Tool(
    "pulumi",
    toolchain="pulumi",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    version_module="github.com/pulumi/pulumi/pkg/v3",
    version_variables=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",),
    version_argument="version",
    minimum=Version("3.1"),
    below=Version("4"),
)
KUBERNETES_PROVIDER = KubernetesProvider(
    "pulumi-resource-kubernetes",
    toolchain="kubernetes",
    package="openai-compatible-llm/local/toolchain/kubernetes/pulumi-resource-kubernetes",
    version_module="github.com/pulumi/pulumi-kubernetes/provider/v4",
    version_variables=("github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version",),
    embedded=("cmd/pulumi-resource-kubernetes/schema.json", "cmd/pulumi-resource-kubernetes/terraform-mapping.json"),
)
TOOLS = (ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, PULUMI, KUBERNETES_PROVIDER)
