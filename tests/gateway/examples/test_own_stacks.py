"""Stacks of one's own beside a clone, by the commands of their README, to a completion."""

import shutil
from pathlib import Path

import pytest

from components.openai_compatible_llm import __version__
from local.lock import exclusive
from tests.gateway.examples.beside_clone import PIP, ready
from tests.gateway.installation import Installation, using
from tests.gateway.openai_provider import TOKENS, OpenAIProvider
from tests.support.clone import copy_repository, put_packages
from tests.support.cluster import Cluster
from tests.support.git_repository import GIT, release
from tests.support.kubeconfigs import write_contexts
from tests.support.pages import block
from tests.support.project import Project

KEY = "sk-canary-own-stacks-88e2"
CONTEXT = "my-cluster"
RELEASE = f"v{__version__}"
NAMESPACE = "llm"
API = "agentgateway"

pytestmark = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl isn't on PATH")


def test_from_an_empty_folder_to_a_completion_with_a_clients_key(
    installation: Installation, provider: OpenAIProvider, cluster: Cluster, tmp_path: Path
) -> None:
    released = tmp_path / "released"
    copy_repository(released)
    release(released, RELEASE)
    kubeconfig = write_contexts(tmp_path / "kubeconfig", {CONTEXT: installation.kubeconfig}, current="")
    project = ready(Project(tmp_path / "my-llm", installation.pulumi, kubeconfig))
    environment = {**PIP, **GIT, "REPOSITORY": str(released), "VERSION": RELEASE}
    gateway = installation.gateways[API]

    def run(commands: str, typed: str = "", folder: Path | None = None) -> str:
        printed = project.shell(commands, environment, typed, folder)
        assert KEY not in printed
        return printed

    with exclusive(installation.folder / "examples.lock"), using(installation, API):
        try:
            run(block("examples/own-stacks/README.md", "git init my-llm"), folder=tmp_path)
            settings = {"name": gateway.name, "namespace": gateway.namespace, "url": gateway.url}
            for path, value in settings.items():
                project("config", "set", "--path", f"gateway.{path}", value)
            project("config", "set", "--path", "providers.mistral.baseUrl", provider.base_url)
            run(block("examples/own-stacks/README.md", "kubectl --context"), typed=f"{KEY}\n")
            run(block("examples/own-stacks/README.md", "openssl rand"))
            run(block("examples/own-stacks/README.md", "Route Mistral"))
            put_packages(project.folder / "openai-compatible-llm")
            assert "".join(TOKENS) in run(block("examples/own-stacks/README.md", "make chat STACK"))
        finally:
            project.run("destroy", "--yes", "--skip-preview")
            cluster.delete_namespace(NAMESPACE)
    assert provider.keys() == {f"Bearer {KEY}"}
