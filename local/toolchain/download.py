"""Downloads programs that their projects publish, by the projects' own means where they have some.

`python -m local.toolchain.download pulumi v3.246.0 <folder>` downloads one project's into a folder.
"""

import hashlib
import logging
import os
import platform
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
from pulumi.automation import PulumiCommand
from semver import VersionInfo

from local.folders import REPOSITORY, cache_folder
from local.lock import exclusive
from local.messages import show_messages
from local.toolchain.go import TOOLCHAIN, ensure_go
from local.toolchain.jobs import Job, run
from local.toolchain.tools import (
    ETCD,
    KUBE_APISERVER,
    KUBE_CONTROLLER_MANAGER,
    KUBERNETES_PROVIDER,
    PULUMI,
    Tool,
)

logger = logging.getLogger(__name__)

SECONDS_TO_ANSWER = 10
SECONDS_TO_DOWNLOAD = 180
ENVTEST_INDEX = "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"
KUBERNETES_RELEASES = "https://dl.k8s.io"
PULUMI_INSTALLER = "https://get.pulumi.com/install.sh"
PULUMI_PLUGINS = "https://get.pulumi.com/releases/plugins"


class DownloadError(Exception):
    """Something can't be downloaded."""


def download(tools: Sequence[Tool]) -> None:
    """Download programs that are not in the cache yet, side by side. Report which can't be had, and why.

    Raises:
        LocalError: Another process has been downloading or building for too long.
    """
    with exclusive(cache_folder() / "build.lock"):
        missing = [tool for tool in tools if not tool.cached.exists()]
        jobs = [
            _job(project, wanted)
            for project, published in PROJECTS.items()
            if (wanted := [tool for tool in missing if tool in published])
        ]
        if not jobs:
            return
        names = ", ".join(tool.name for tool in missing)
        title = f"Downloading {names}; this takes {SECONDS_TO_DOWNLOAD // 60} minutes at most"
        for job, failure in run(jobs, title, at_once=len(jobs)):
            logger.warning(f"Can't download {job.names}: {failure}")
        for tool in missing:
            if tool.downloaded.exists() and (reason := tool.refusal(tool.downloaded)):
                logger.warning(f"The downloaded {tool.name} is of no use: {reason}")
                tool.downloaded.unlink()


def _job(project: "Project", wanted: Sequence[Tool]) -> Job:
    published = PROJECTS[project]
    name, version = project.__name__, next(iter(published)).published_version
    folder = wanted[0].downloaded.parent / f"partial-{name}"
    return Job(
        folder=folder,
        programs={published[tool]: tool.downloaded for tool in wanted},
        command=[sys.executable, "-m", "local.toolchain.download", name, version, str(folder)],
        working_folder=REPOSITORY,
        environment=os.environ,
        log=cache_folder() / "logs" / f"download-{name}.log",
        seconds=SECONDS_TO_DOWNLOAD,
    )


def envtest(version: str, folder: Path) -> None:
    """Download etcd and kube-apiserver with setup-envtest, which checks them against the hashes of its index."""
    with _answer(ENVTEST_INDEX):
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
    address = f"{KUBERNETES_RELEASES}/{version}/bin/{'/'.join(_platform())}/{KUBE_CONTROLLER_MANAGER.name}"
    program = folder / KUBE_CONTROLLER_MANAGER.name
    with _answer(f"{address}.sha512") as response:
        expected = response.read().decode().strip()
    _save(address, program)
    if hashlib.sha512(program.read_bytes()).hexdigest() != expected:
        raise DownloadError(f"{address} has another SHA-512 than {address}.sha512 says")
    program.chmod(0o755)


def pulumi(version: str, folder: Path) -> None:
    """Install the Pulumi CLI as its SDK for Python does."""
    with _answer(PULUMI_INSTALLER):
        try:
            PulumiCommand.install(str(folder), VersionInfo.parse(version.removeprefix("v")))
        except subprocess.CalledProcessError as error:
            sys.stdout.write(error.output.decode(errors="replace"))
            raise DownloadError(f"{PULUMI_INSTALLER} failed") from None


def kubernetes_provider(version: str, folder: Path) -> None:
    """Download the Kubernetes provider from where `pulumi plugin install` takes it, which checks no hash either."""
    name, archive = KUBERNETES_PROVIDER.name, folder / "archive"
    address = f"{PULUMI_PLUGINS}/{name}-{version}-{'-'.join(_platform())}.tar.gz"
    _save(address, archive)
    try:
        with tarfile.open(archive) as members:
            members.extract(name, folder, filter="data")
    except (tarfile.TarError, KeyError) as error:
        raise DownloadError(f"{address} is not the archive of a plugin: {error}") from None


Project = Callable[[str, Path], None]
# What each project publishes, at the version of the first program, and where it is then in the folder.
PROJECTS: dict[Project, dict[Tool, str]] = {
    envtest: {KUBE_APISERVER: "k8s/*/kube-apiserver", ETCD: "k8s/*/etcd"},
    kubernetes: {KUBE_CONTROLLER_MANAGER: KUBE_CONTROLLER_MANAGER.name},
    pulumi: {PULUMI: "bin/pulumi"},
    kubernetes_provider: {KUBERNETES_PROVIDER: KUBERNETES_PROVIDER.name},
}


def _platform() -> tuple[str, str]:
    """Return system and processor as Go spells them."""
    machine = platform.machine()
    return platform.system().lower(), {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _save(address: str, file: Path) -> None:
    with _answer(address) as response, file.open("wb") as output:
        for part in response.iter_bytes():
            output.write(part)


@contextmanager
def _answer(address: str) -> Iterator[httpx2.Response]:
    """Yield an address's answer, which must begin within seconds: without a network, other tools wait for minutes.

    Raises:
        DownloadError: There is none, it breaks off, or it is an error.
    """
    try:
        with httpx2.stream("GET", address, follow_redirects=True, timeout=SECONDS_TO_ANSWER) as response:
            if response.is_error:
                raise DownloadError(f"{address} answers {response.status_code}")
            yield response
    except httpx2.TransportError as error:
        raise DownloadError(f"{address}: {error}") from None


def main(project: str, version: str, folder: str) -> None:
    """Download a project's programs into the folder; otherwise end with the reason."""
    show_messages()
    try:
        next(each for each in PROJECTS if each.__name__ == project)(version, Path(folder))
    except (DownloadError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
