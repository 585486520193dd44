"""Finds the gateways' programs, which the user provides."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    def definitions(self) -> list[dict[str, Any]]:
        return list(parse(self._definition_files))

    @property
    def missing(self) -> list[str]:
        """Names of the files that don't exist or can't be executed."""
        programs = [
            program.name
            for program in (self.controller, self.proxy)
            if not (program.is_file() and os.access(program, os.X_OK))
        ]
        return programs if self._definition_files else [*programs, "crds/*.yaml"]

    @property
    def _definition_files(self) -> list[Path]:
        return sorted((self.folder / "crds").glob("*.yaml"))


def assets_in(folder: Path) -> dict[str, Assets]:
    """Return the assets of each gateway API by its name, whether they exist or not."""
    return {name: Assets(folder.absolute() / name) for name in GATEWAY_APIS}


def find_assets(environment: Mapping[str, str] = os.environ) -> dict[str, Assets]:
    """Return the assets in `$GATEWAY_ASSETS` of each gateway API that has all its files, by the API's name."""
    folder = environment.get(VARIABLE)
    return {name: assets for name, assets in assets_in(Path(folder)).items() if not assets.missing} if folder else {}
