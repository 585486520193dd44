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
    """The programs of one gateway API and its definitions, in a folder `$GATEWAY_ASSETS/<api>`."""

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
        """What is not there, or is no program."""
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
    """Where those of each gateway API are looked for, by its name."""
    return {name: Assets(folder.absolute() / name) for name in GATEWAY_APIS}


def find_assets(environment: Mapping[str, str] = os.environ) -> dict[str, Assets]:
    """Those of each gateway API in `$GATEWAY_ASSETS` of which everything is there, by its name."""
    folder = environment.get(VARIABLE)
    return {name: assets for name, assets in assets_in(Path(folder)).items() if not assets.missing} if folder else {}
