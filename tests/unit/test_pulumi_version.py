"""The lowest Pulumi CLI: what the CLI itself checks in projects and in the plugin is what the pages say."""

import re
from pathlib import Path

import pytest
import yaml

from tests.support.pages import PAGES
from tests.support.repository import REPOSITORY

(LOWEST,) = re.findall(r"^\| Pulumi CLI \| [\d.]+ \| ([\d.]+) and newer \|", PAGES["docs/versions.md"], re.MULTILINE)
PROJECTS = [
    REPOSITORY / "Pulumi.yaml",
    REPOSITORY / "components/PulumiPlugin.yaml",
    *REPOSITORY.glob("examples/**/Pulumi.yaml"),
    *REPOSITORY.glob("templates/*/Pulumi.yaml"),
]


@pytest.mark.parametrize("file", PROJECTS, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_an_older_cli_is_refused(file: Path) -> None:
    required = yaml.safe_load(file.read_text()).get("requiredPulumiVersion")
    assert required == f">={LOWEST}.0"


def test_the_registrys_page_names_it() -> None:
    assert f"- The Pulumi CLI {LOWEST} or newer." in PAGES["docs/installation-configuration.md"]
