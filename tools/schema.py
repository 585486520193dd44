"""Writes what is generated from the plugin and its version: `make schema`.

`components/schema.json` is what the plugin tells Pulumi, and SDKs in other languages are generated from it. In git, a
change of it can be seen and compared. `policy/PulumiPolicy.yaml` is written by hand, but for the version: the policy
pack is released with the package.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.openai_compatible_llm import __version__
from components.openai_compatible_llm.plugin import Plugin

REPOSITORY = Path(__file__).resolve().parent.parent
SCHEMA = "components/schema.json"
PROJECT = "components/pyproject.toml"
POLICY_PACK = "policy/PulumiPolicy.yaml"

Schema = Mapping[str, Any]


def read_project(repository: Path) -> Mapping[str, Any]:
    """Reads the `project` table of the package's pyproject.toml."""
    project: Mapping[str, Any] = tomllib.loads((repository / PROJECT).read_text())["project"]
    return project


def make_schema(project: Mapping[str, Any]) -> Schema:
    """Makes the schema from the code, with the metadata of this project table."""
    schema: Schema = json.loads(Plugin(project).schema or "{}")
    return schema


def generated_files(repository: Path) -> dict[str, str]:
    """Returns the content of each file. The same code gives the same bytes."""
    schema = json.dumps(make_schema(read_project(repository)), indent=2, ensure_ascii=False)
    policy_pack = (repository / POLICY_PACK).read_text()
    return {
        SCHEMA: f"{schema}\n",
        POLICY_PACK: re.sub(r"^version: .*$", f"version: {__version__}", policy_pack, flags=re.MULTILINE),
    }


def main(repository: Path) -> None:
    """Writes the files."""
    for file, content in generated_files(repository).items():
        (repository / file).write_text(content)


if __name__ == "__main__":
    main(REPOSITORY)
