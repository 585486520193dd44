"""Gets a gateway's programs and definitions into the cache, from the images and charts that the projects publish."""

import errno
import logging
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from rich.console import Console

from local.errors import LocalError
from local.folders import cache_folder
from local.gateway.assets import VARIABLE, Assets, find_assets
from local.gateway.chart import extract_definitions
from local.gateway.digests import KeptDigests
from local.gateway.images import RELEASES, Image, Release
from local.gateway.layers import Layer, Layers
from local.gateway.manifests import Descriptor, Manifest, read_platform
from local.gateway.registry import VARIABLE as MIRROR
from local.gateway.registry import Repository
from local.lock import exclusive

logger = logging.getLogger(__name__)

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
MEGABYTE = 10**6


def ensure_gateway(api: str, environment: Mapping[str, str]) -> Path:
    """Returns the folder that has the gateway of this API. Downloads the gateway unless the cache has it.

    Args:
        api: Name of the gateway's API.
        environment: The user's environment variables.

    Raises:
        LocalError: There is no gateway of this name, or it can't be had.
    """
    release = RELEASES.get(api)
    if not release:
        raise LocalError(
            f"`GATEWAY={api}` is not a valid gateway. Give one of {', '.join(f'`{each}`' for each in RELEASES)}."
        )
    if own := environment.get(VARIABLE):
        raise LocalError(
            f"Both GATEWAY={api} and {VARIABLE}={own} are set. Give only GATEWAY to download the gateway, or only "
            f"{VARIABLE} to use your own programs."
        )
    folder = release.folder(api)
    if find_assets(str(folder)):
        return folder
    if platform.system() != "Linux":
        raise LocalError(
            f"The projects' images have programs for Linux only, and this machine runs {platform.system()}. Use a "
            "Linux machine, or a gateway in a cluster: docs/gateway.md says how."
        )
    with exclusive(cache_folder() / "gateway.lock"):
        # Another process may have downloaded it meanwhile.
        if not find_assets(str(folder)):
            _pull_or_explain(release, Assets(folder / api), environment.get(MIRROR, ""))
    return folder


def _pull_or_explain(release: Release, place: Assets, mirror: str) -> None:
    try:
        _pull(release, place, mirror)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise LocalError(
            f"There is no space left in {cache_folder()} for the gateway. Free some, or name a folder elsewhere by "
            "XDG_CACHE_HOME."
        ) from None


def _pull(release: Release, place: Assets, mirror: str) -> None:
    """Downloads a gateway, and moves it to its place when all of it is there."""
    digests = KeptDigests(cache_folder() / "gateway-digests.txt")
    found = Assets(place.folder.with_name("partial"))
    layers = found.folder / "layers"
    shutil.rmtree(found.folder, ignore_errors=True)
    layers.mkdir(parents=True)
    try:
        with Console().status("") as status:
            for image, target in ((release.controller, found.controller), (release.proxy, found.proxy)):
                download = _Download(Repository(image.reference, mirror), layers, status.update)
                download.get(digests, partial(download.program, image, target))
            download = _Download(Repository(release.chart, mirror), layers, status.update)
            download.get(digests, partial(download.definitions, found.folder / "crds"))
        shutil.rmtree(layers)
        shutil.rmtree(place.folder, ignore_errors=True)
        found.folder.rename(place.folder)
    finally:
        shutil.rmtree(found.folder, ignore_errors=True)
    logger.info(
        f"The gateway is in {place.folder}. {digests.file} keeps the digests, which a later download must have."
    )


@dataclass(frozen=True)
class _Download:
    """The download of one image or chart.

    Attributes:
        repository: Where it comes from.
        folder: For its layers.
        show: Is called with a line that says how far it is.
    """

    repository: Repository
    folder: Path
    show: Callable[[str], None]

    def get(self, digests: KeptDigests, extract: Callable[[Manifest], None]) -> None:
        """Extracts from what the tag names, if it names the same as before. Keeps its digest once all is checked."""
        reference = self.repository.reference
        logger.info(f"Downloading {reference} ...")
        manifest = self.repository.manifest()
        digests.refuse_other(reference, manifest.digest)
        extract(manifest)
        digests.keep(reference, manifest.digest)
        logger.info(f"Downloaded {reference}, whose digest is {manifest.digest}")

    def program(self, image: Image, target: Path, top: Manifest) -> None:
        """Extracts the program of an image for this machine."""
        manifest = self._for_this_machine(top)
        layers = [
            Layer(f"The layer {each.digest} of {image.reference}", cache(partial(self._save, each)))
            for each in manifest.layers
        ]
        Layers(image.reference, layers).extract(image.program, target)

    def definitions(self, target: Path, manifest: Manifest) -> None:
        """Extracts the definitions of a chart."""
        charts = [each for each in manifest.layers if each.media_type == CHART]
        if not charts:
            raise LocalError(f"{self.repository.reference} is not a Helm chart.")
        extract_definitions(self.repository.reference, self._save(charts[0]), target)

    def _for_this_machine(self, top: Manifest) -> Manifest:
        """Returns the manifest of the image for this machine.

        Raises:
            LocalError: There is none.
        """
        wanted = f"linux/{ARCHITECTURES.get(platform.machine(), platform.machine())}"
        offered: dict[str, Descriptor | None] = {each.platform: each for each in reversed(top.manifests)}
        if not offered and top.config:
            offered = {read_platform(self.repository.reference, self._save(top.config).read_bytes()): None}
        if wanted not in offered:
            # Attestations, which are no images, have an unknown platform.
            others = ", ".join(sorted(offered.keys() - {"unknown/unknown"}))
            has = f"images for {others}" if others else "no image that names its machine"
            raise LocalError(f"{self.repository.reference} has no image for this machine, {wanted}. It has {has}.")
        chosen = offered[wanted]
        return self.repository.manifest(chosen) if chosen else top

    def _save(self, descriptor: Descriptor) -> Path:
        """Downloads a blob, and returns its file."""
        file = self.folder / descriptor.digest
        size = descriptor.size / MEGABYTE
        line = f"{self.repository.reference}: {{:.0f}} of {size:.0f} MB"
        self.repository.save(descriptor, file, lambda received: self.show(line.format(received / MEGABYTE)))
        return file
