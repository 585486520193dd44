"""What a releaser publishes, by the real CLI: package and templates to a stand-in for Pulumi Cloud, and the plugin."""

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.openai_compatible_llm import __version__
from tests.e2e.pulumi_cli import PulumiCli, isolated_cli, succeeded
from tests.e2e.pulumi_cloud import ORGANIZATION, PulumiCloud
from tests.support.http_server import serving
from tests.support.pages import PAGES, block
from tests.support.repository import REPOSITORY
from tools import release_files

PUBLISH = block("CONTRIBUTING.md", "pulumi package publish")
NAME = "openai-compatible-llm"
TOKEN = "pul-for-the-tests"

pytestmark = pytest.mark.slow


@pytest.fixture
def cloud() -> Iterator[PulumiCloud]:
    cloud = PulumiCloud()
    with serving(cloud):
        yield cloud


@pytest.fixture
def cli(tmp_path: Path) -> PulumiCli:
    """The CLI in a folder with what the commands of the page read, and with what `make dist` builds."""
    project = tmp_path / "repository"
    (project / "components").mkdir(parents=True)
    shutil.copy(REPOSITORY / "components/schema.json", project / "components")
    shutil.copytree(REPOSITORY / "docs", project / "docs")
    release_files.main(REPOSITORY, project / "build")
    return isolated_cli(project, tmp_path / "pulumi-home")


def test_the_commands_publish_the_package_with_its_pages_and_the_templates(cli: PulumiCli, cloud: PulumiCloud) -> None:
    logged_in = {"PULUMI_BACKEND_URL": cloud.url, "PULUMI_ACCESS_TOKEN": TOKEN}
    printed = succeeded(cli.shell(PUBLISH, **logged_in, ORGANIZATION=ORGANIZATION, VERSION=__version__))
    assert f"Successfully published package {ORGANIZATION}/{NAME}@{__version__}" in printed
    assert cloud.access_tokens == {f"token {TOKEN}"}

    package = cloud.published.pop(f"{ORGANIZATION}/{NAME}")
    assert package.version == __version__
    committed = json.loads((REPOSITORY / "components/schema.json").read_text())
    uploaded = json.loads(package.parts["schema"])
    assert {key: uploaded[key] for key in ("name", "version", "displayName", "description", "keywords")} == {
        key: committed[key] for key in ("name", "version", "displayName", "description", "keywords")
    }
    assert uploaded["resources"].keys() == committed["resources"].keys()
    assert package.parts["index"].decode() == PAGES["docs/_index.md"]
    assert package.parts["installationConfiguration"].decode() == PAGES["docs/installation-configuration.md"]

    templates = {file.parent.name for file in (REPOSITORY / "templates").glob("*/Pulumi.yaml")}
    assert set(cloud.published) == {f"{ORGANIZATION}/{NAME}-{each}" for each in templates}
    for name, template in cloud.published.items():
        assert template.version == __version__
        with tarfile.open(fileobj=io.BytesIO(template.parts["archive"])) as archive:
            manifest = archive.extractfile("Pulumi.yaml")
            assert manifest
            assert yaml.safe_load(manifest)["template"]["metadata"] == {"cloud": "kubernetes"}, name


@pytest.mark.parametrize("source", ["file", "server"])
def test_the_cli_installs_the_plugin_from_its_archive_and_runs_it(
    source: str, cli: PulumiCli, cloud: PulumiCloud
) -> None:
    archives = {file.name: file for file in (cli.project / "build").glob("*.tar.gz")}
    cloud.plugins = {name: file.read_bytes() for name, file in archives.items()}
    place = {"file": str(next(iter(archives.values()))), "server": cloud.url}[source]
    succeeded(cli("plugin", "install", "resource", NAME, __version__, f"--{source}", place))
    installed = cli.home / "plugins" / f"resource-{NAME}-v{__version__}"
    assert (installed / "PulumiPlugin.yaml").is_file()

    schema = json.loads(succeeded(cli("package", "get-schema", NAME)))
    assert (schema["name"], schema["version"]) == (NAME, __version__)
