"""Finds the gateways' programs, which the user provides."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from local.control_plane.api_server import Manifest
from local.control_plane.custom_resource_definitions import parse
from local.gateway.api import GATEWAY_APIS

VARIABLE = "GATEWAY_ASSETS"


@dataclass(frozen=True)
class Assets:
    """The programs and the definitions of one gateway API, in the folder `$GATEWAY_ASSETS/<api>`."""

    folder: Path

    @property
    def controller(self) -> Path:
        return self.folder / "controller"

    @property
    def proxy(self) -> Path:
        return self.folder / "proxy"

    @property
    def definitions(self) -> list[Manifest]:
        return list(parse(sorted(self.folder.glob("crds/*.yaml"))))

    @property
    def missing(self) -> list[str]:
        """Names of the files that don't exist or can't be executed."""
        programs = [name for name in ("controller", "proxy") if not shutil.which(self.folder / name)]
        return programs if any(self.folder.glob("crds/*.yaml")) else [*programs, "crds/*.yaml"]


def assets_in(folder: str | None) -> dict[str, Assets]:
    """Returns the assets of each gateway API by its name, whether they exist or not; none without a folder."""
    return {name: Assets(Path(folder).absolute() / name) for name in GATEWAY_APIS} if folder else {}


def find_assets(folder: str | None) -> dict[str, Assets]:
    """Returns the assets of each gateway API that has all its files, by the API's name."""
    return {name: assets for name, assets in assets_in(folder).items() if not assets.missing}
