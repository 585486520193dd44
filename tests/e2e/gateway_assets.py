"""Makes a folder for `$GATEWAY_ASSETS` with programs that stand in for agentgateway's."""

import sys
from pathlib import Path

import yaml

from local.control_plane.custom_resource_definitions import custom_resource_definitions
from tests.support.repository import REPOSITORY

PROGRAMS = REPOSITORY / "tests/e2e/stand_in_gateway_programs"


def stand_in_gateway_assets(folder: Path) -> Path:
    """Writes controller, proxy and definitions of `api: agentgateway`, and returns the folder."""
    definitions = folder / "agentgateway/crds/crds.yaml"
    definitions.parent.mkdir(parents=True)
    of_agentgateway = [each for each in custom_resource_definitions() if each["spec"]["group"] == "agentgateway.dev"]
    definitions.write_text(yaml.safe_dump_all(of_agentgateway))
    for name in ("controller", "proxy"):
        program = folder / "agentgateway" / name
        lines = [
            f"#!{sys.executable}",
            "import runpy, sys",
            f"sys.path.insert(0, {str(REPOSITORY)!r})",
            f"runpy.run_path({str(PROGRAMS / f'{name}.py')!r}, run_name='__main__')",
        ]
        program.write_text("\n".join(lines))
        program.chmod(0o755)
    return folder
