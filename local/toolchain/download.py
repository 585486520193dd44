"""Downloads programs that their projects publish."""

import asyncio
import hashlib
import logging
import platform
import shutil
import tarfile
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path, PurePath

import httpx2
import yaml
from rich.console import Console

from local.toolchain.tools import ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, KUBERNETES_PROVIDER, PULUMI, Tool

logger = logging.getLogger(__name__)

SECONDS_TO_ANSWER = 10
SECONDS_TO_DOWNLOAD = 180
ENVTEST_INDEX = "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"
KUBERNETES_RELEASES = "https://dl.k8s.io"
PULUMI_RELEASES = "https://get.pulumi.com/releases"


class DownloadError(Exception):
    """Something can't be downloaded."""


def download(tools: Sequence[Tool]) -> None:
    """Downloads programs into the cache, side by side. Reports which can't be had, and why."""
    names = ", ".join(tool.name for tool in tools)
    logger.info(f"Downloading {names}; this takes {SECONDS_TO_DOWNLOAD // 60} minutes at most ...")
    # `asyncio.run` would leave this thread without an event loop.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner, Console().status(f"Downloading {names}"):
        runner.run(_download(tools))
    for tool in tools:
        if tool.downloaded.exists() and (reason := tool.refusal(tool.downloaded)):
            logger.warning(f"The downloaded {tool.name} is of no use: {reason}")
            tool.downloaded.unlink()


async def _download(missing: Sequence[Tool]) -> None:
    async with httpx2.AsyncClient(follow_redirects=True, timeout=SECONDS_TO_ANSWER) as client:
        wanted = {project: [tool for tool in missing if tool in tools] for project, tools in PROJECTS.items()}
        await asyncio.gather(*(_take(client, project, tools) for project, tools in wanted.items() if tools))


async def _take(client: httpx2.AsyncClient, project: "Project", tools: Sequence[Tool]) -> None:
    """Moves programs that a project publishes to their places, or reports why they can't be had."""
    version = PROJECTS[project][0].published_version
    folder = tools[0].downloaded.parent / f"partial-{project.__name__}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reason = ""
    try:
        async with asyncio.timeout(SECONDS_TO_DOWNLOAD):
            await project(client, version, folder)
        for tool in tools:
            if (folder / tool.name).exists():
                (folder / tool.name).rename(tool.downloaded)
            else:
                reason = f"it has no {tool.name}"
    except TimeoutError:
        reason = f"it took longer than {SECONDS_TO_DOWNLOAD} seconds"
    except (DownloadError, OSError) as error:
        reason = str(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if reason:
        logger.warning(f"Can't download {', '.join(tool.name for tool in tools)}: {reason}")


async def envtest(client: httpx2.AsyncClient, version: str, folder: Path) -> None:
    """Downloads etcd and kube-apiserver from controller-tools' releases, and checks them against its index."""
    index, archive = folder / "index", f"envtest-{version}-{'-'.join(_platform())}.tar.gz"
    await _save(client, ENVTEST_INDEX, index)
    try:
        release = yaml.safe_load(index.read_bytes())["releases"][version][archive]
        address, expected = release["selfLink"], release["hash"]
    except (yaml.YAMLError, KeyError, TypeError):
        raise DownloadError(f"{ENVTEST_INDEX} lists no {archive}") from None
    await _save(client, address, folder / archive)
    _check(folder / archive, expected, address, ENVTEST_INDEX)
    _unpack(folder / archive, address, (ETCD.name, KUBE_APISERVER.name))


async def kubernetes(client: httpx2.AsyncClient, version: str, folder: Path) -> None:
    """Downloads kube-controller-manager from Kubernetes' own releases, and checks it against their hash."""
    program, digest = folder / KUBE_CONTROLLER_MANAGER.name, folder / "sha512"
    address = f"{KUBERNETES_RELEASES}/{version}/bin/{'/'.join(_platform())}/{program.name}"
    await _save(client, f"{address}.sha512", digest)
    await _save(client, address, program)
    _check(program, digest.read_text().strip(), address, f"{address}.sha512")
    program.chmod(0o755)


async def pulumi(client: httpx2.AsyncClient, version: str, folder: Path) -> None:
    """Downloads the Pulumi CLI from where its project's installer takes it, which checks no hash either."""
    system, machine = _platform()
    address = f"{PULUMI_RELEASES}/sdk/pulumi-{version}-{system}-{'x64' if machine == 'amd64' else machine}.tar.gz"
    await _save(client, address, folder / "archive")
    _unpack(folder / "archive", address, [PULUMI.name])


async def kubernetes_provider(client: httpx2.AsyncClient, version: str, folder: Path) -> None:
    """Downloads the Kubernetes provider from where `pulumi plugin install` takes it, which checks no hash either."""
    address = f"{PULUMI_RELEASES}/plugins/{KUBERNETES_PROVIDER.name}-{version}-{'-'.join(_platform())}.tar.gz"
    await _save(client, address, folder / "archive")
    _unpack(folder / "archive", address, [KUBERNETES_PROVIDER.name])


Project = Callable[[httpx2.AsyncClient, str, Path], Awaitable[None]]
# What each project publishes, at the version of its first program.
PROJECTS: dict[Project, tuple[Tool, ...]] = {
    envtest: (KUBE_APISERVER, ETCD),
    kubernetes: (KUBE_CONTROLLER_MANAGER,),
    pulumi: (PULUMI,),
    kubernetes_provider: (KUBERNETES_PROVIDER,),
}


def _platform() -> tuple[str, str]:
    """Returns system and processor as Go spells them."""
    machine = platform.machine()
    return platform.system().lower(), {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


async def _save(client: httpx2.AsyncClient, address: str, file: Path) -> None:
    """Downloads a file.

    Raises:
        DownloadError: There is no answer, it breaks off, or it is an error.
    """
    try:
        async with client.stream("GET", address) as response:
            if response.is_error:
                raise DownloadError(f"{address} answers {response.status_code}")
            with file.open("wb") as output:
                async for part in response.aiter_bytes():
                    output.write(part)
    except httpx2.TimeoutException:
        raise DownloadError(f"{address} doesn't answer within {SECONDS_TO_ANSWER} seconds") from None
    except httpx2.TransportError as error:
        raise DownloadError(f"{address}: {error}") from None


def _check(file: Path, expected: str, address: str, source: str) -> None:
    with file.open("rb") as content:
        if hashlib.file_digest(content, "sha512").hexdigest() != expected:
            raise DownloadError(f"{address} has another SHA-512 than {source} says")


def _unpack(archive: Path, address: str, names: Iterable[str]) -> None:
    """Extracts the programs of these names, as far as they are there, from whatever folder of the archive."""
    try:
        with tarfile.open(archive) as members:
            for member in members:
                member.name = PurePath(member.name).name
                if member.isfile() and member.name in names:
                    members.extract(member, archive.parent, filter="data")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DownloadError(f"{address} is not a whole archive: {error}") from None
