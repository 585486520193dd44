"""Downloads what a project publishes into a folder, by the project's own means where it has some.

`python -m local.toolchain.published pulumi v3.246.0 <folder>`
"""

import hashlib
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from pulumi.automation import PulumiCommand
from semver import VersionInfo

from local.messages import show_messages
from local.toolchain.go import TOOLCHAIN, ensure_go

SECONDS_TO_ANSWER = 10
ENVTEST_INDEX = "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"
KUBERNETES_RELEASES = "https://dl.k8s.io"
PULUMI_INSTALLER = "https://get.pulumi.com/install.sh"
PULUMI_PLUGINS = "https://get.pulumi.com/releases/plugins"
PLUGIN = "pulumi-resource-kubernetes"


def main(project: str, version: str, folder: str) -> None:
    """Leaves the project's programs in the folder; otherwise ends with the reason."""
    show_messages()
    try:
        projects = {"envtest": envtest, "kubernetes": kubernetes, "kubernetes-provider": plugin, "pulumi": pulumi}
        projects[project](version, Path(folder))
    except (PublishedError, OSError) as error:
        sys.exit(str(error))


class PublishedError(Exception):
    """Something can't be downloaded."""


def envtest(version: str, folder: Path) -> None:
    """Download etcd and kube-apiserver with setup-envtest, which checks them against the hashes of its index."""
    with answer(ENVTEST_INDEX):
        go = ensure_go()
    command = [str(go.program), "tool", "setup-envtest", "use", version.removeprefix("v")]
    command += ["--index", ENVTEST_INDEX, "--bin-dir", str(folder)]
    done = subprocess.run(command, cwd=TOOLCHAIN / "envtest", env=go.environment, check=False)
    # It leaves folders that can't be written to, from which nothing can be moved.
    for unpacked in folder.glob("k8s/*"):
        unpacked.chmod(0o755)
    # If it failed, it has printed why.
    sys.exit(done.returncode)


def kubernetes(version: str, folder: Path) -> None:
    """Download kube-controller-manager from Kubernetes' own releases, and check it against their hash."""
    system, machine = _platform()
    address = f"{KUBERNETES_RELEASES}/{version}/bin/{system}/{machine}/kube-controller-manager"
    program = folder / "kube-controller-manager"
    with answer(f"{address}.sha512") as response:
        expected = response.read().decode().strip()
    digest = hashlib.sha512()
    with answer(address) as response, program.open("wb") as file:
        for part in response.iter_bytes():
            digest.update(part)
            file.write(part)
    if digest.hexdigest() != expected:
        raise PublishedError(f"{address} has another SHA-512 than {address}.sha512 says")
    program.chmod(0o755)


def pulumi(version: str, folder: Path) -> None:
    """Install the Pulumi CLI as its SDK for Python does."""
    with answer(PULUMI_INSTALLER):
        try:
            PulumiCommand.install(str(folder), VersionInfo.parse(version.removeprefix("v")))
        except subprocess.CalledProcessError as error:
            sys.stdout.write(error.output.decode(errors="replace"))
            raise PublishedError(f"{PULUMI_INSTALLER} failed") from None


def plugin(version: str, folder: Path) -> None:
    """Download the Kubernetes provider from where `pulumi plugin install` takes it, which checks no hash either."""
    address = f"{PULUMI_PLUGINS}/{PLUGIN}-{version}-{'-'.join(_platform())}.tar.gz"
    with answer(address) as response, tempfile.TemporaryFile() as archive:
        for part in response.iter_bytes():
            archive.write(part)
        archive.seek(0)
        try:
            with tarfile.open(fileobj=archive) as members, (folder / PLUGIN).open("wb") as file:
                shutil.copyfileobj(members.extractfile(PLUGIN) or io.BytesIO(), file)
        except (tarfile.TarError, KeyError) as error:
            raise PublishedError(f"{address} is not the archive of a plugin: {error}") from None
    (folder / PLUGIN).chmod(0o755)


def _platform() -> tuple[str, str]:
    """Return system and processor as Go spells them."""
    machine = platform.machine()
    return platform.system().lower(), {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


@contextmanager
def answer(address: str) -> Iterator[httpx2.Response]:
    """Yield an address's answer, which must begin within seconds: without a network, other tools wait for minutes.

    Raises:
        PublishedError: There is none, it breaks off, or it is an error.
    """
    try:
        with httpx2.stream("GET", address, follow_redirects=True, timeout=SECONDS_TO_ANSWER) as response:
            if response.is_error:
                raise PublishedError(f"{address} answers {response.status_code}")
            yield response
    except httpx2.TransportError as error:
        raise PublishedError(f"{address}: {error}") from None


if __name__ == "__main__":
    main(*sys.argv[1:])
