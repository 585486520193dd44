import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.custom_resource_definitions import parse
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
        return list(parse(sorted((self.folder / "crds").glob("*.yaml"))))

    @property
    def are_there(self) -> bool:
        programs = (self.controller, self.proxy)
        return all(os.access(program, os.X_OK) and program.is_file() for program in programs) and any(
            (self.folder / "crds").glob("*.yaml")
        )


def find_assets(environment: Mapping[str, str] = os.environ) -> dict[str, Assets]:
    """Those of each gateway API, by its name, of which everything is there."""
    root = environment.get(VARIABLE)
    found = {name: Assets(Path(root).absolute() / name) for name in GATEWAY_APIS} if root else {}
    return {name: assets for name, assets in found.items() if assets.are_there}
