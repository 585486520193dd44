"""The Go program of docs/other-languages.md: compiled with the SDK that is generated for it, and run in the engine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.go_host import GENERATOR, MODULE, with_go_host
from tests.e2e.pulumi_cli import PulumiCli, isolated_cli, succeeded
from tests.support.canary import Canaries
from tests.support.cluster import Cluster, api_key
from tests.support.pages import block, blocks
from tests.support.repository import REPOSITORY

CANARY = "sk-canary-go-5c12"
# The versions of the generator's module, which are those that the CLI is compiled with.
GO_MOD = (MODULE / "go.mod").read_text().replace(GENERATOR.package, "their-platform")


@pytest.fixture
def cli(tmp_path: Path, cluster: Cluster) -> Iterator[PulumiCli]:
    """The CLI in a Go project beside a clone, with a stack `dev`."""
    clone = tmp_path / "openai-compatible-llm"
    shutil.copytree(REPOSITORY / "components", clone / "components", ignore=shutil.ignore_patterns("__pycache__"))
    project = tmp_path / "their-platform"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: their-platform\nruntime: go\n")
    (program,) = blocks("go", "docs/other-languages.md")
    (project / "main.go").write_text(program)
    (project / "go.mod").write_text(GO_MOD)
    shutil.copy(MODULE / "go.sum", project)
    cli = with_go_host(isolated_cli(project, tmp_path / "pulumi-home"))
    cli = cli.with_environment(KUBECONFIG=str(cluster.kubeconfig))
    succeeded(cli("stack", "init", "dev"))
    succeeded(cli("config", "set", "--secret", "mistralApiKey", CANARY))
    yield cli
    cli("destroy", "--skip-preview")


@pytest.mark.slow
def test_it_compiles_with_the_generated_sdk_and_creates_the_objects(cli: PulumiCli, cluster: Cluster) -> None:
    commands = [block("docs/other-languages.md", "pulumi package add"), "pulumi up --skip-preview"]
    printed = succeeded(cli.shell("\n".join(commands)))
    objects = cluster.objects("mistral")
    assert sorted(objects) == ["AgentgatewayBackend", "AgentgatewayPolicy", "HTTPRoute", "Secret"]
    assert api_key(objects) == CANARY
    assert "https://llm.example.com/mistral/v1" in printed
    assert not Canaries(CANARY).are_in(printed)
