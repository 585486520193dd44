"""Says which images and charts have each gateway's programs and definitions."""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.folders import cache_folder


@dataclass(frozen=True)
class Image:
    """A container image, and the path of the program in it."""

    reference: str
    program: str


@dataclass(frozen=True)
class Release:
    """What the projects publish for one gateway API, at the versions that are tested here.

    Attributes:
        controller: Image of the controller.
        proxy: Image of the proxy.
        chart: Reference of the Helm chart with the definitions.
    """

    controller: Image
    proxy: Image
    chart: str

    def folder(self, api: str) -> Path:
        """Returns the place in the cache, which differs for other versions and machines."""
        key = hashlib.sha256(f"{self}\0{platform.machine()}".encode()).hexdigest()[:16]
        return cache_folder() / f"gateway-{api}-{key}"


RELEASES: Mapping[str, Release] = {
    "kgateway": Release(
        controller=Image("cr.kgateway.dev/kgateway-dev/kgateway:v2.1.3", "/usr/local/bin/kgateway"),
        proxy=Image("ghcr.io/agentgateway/agentgateway:0.10.1", "/app/agentgateway"),
        chart="cr.kgateway.dev/kgateway-dev/charts/kgateway-crds:v2.1.3",
    ),
    "agentgateway": Release(
        controller=Image("cr.agentgateway.dev/controller:v1.4.1", "/usr/local/bin/agentgateway"),
        proxy=Image("cr.agentgateway.dev/agentgateway:v1.4.1", "/app/agentgateway"),
        chart="cr.agentgateway.dev/charts/agentgateway-crds:v1.4.1",
    ),
}
