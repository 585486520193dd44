"""Runs the commands of docs/access-and-limits.md as they stand there."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.pulumi_cli import PulumiCli, failed, succeeded
from tests.support.canary import Canaries
from tests.support.cluster import Cluster
from tests.support.pages import block

REMOVE_CLIENT = block("docs/access-and-limits.md", "config rm")

NAMESPACE = "gloo-system"


@pytest.fixture
def cli(pulumi_cli: PulumiCli, cluster: Cluster) -> Iterator[PulumiCli]:
    """The CLI with a stack whose provider has no clients yet."""
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "MISTRAL_API_KEY": "sk-for-the-pages"}
    cli = pulumi_cli.with_environment(**environment)
    succeeded(cli.shell("pulumi stack init mistral"))
    succeeded(cli.shell("pulumi config set openai-compatible-llm:api agentgateway"))
    yield cli
    succeeded(cli("destroy", "--skip-preview"))


def clients(cluster: Cluster) -> dict[str, str]:
    secret: Any = cluster.core.read_namespaced_secret("mistral-clients", NAMESPACE)
    return {name: base64.b64decode(key).decode() for name, key in secret.data.items()}


@pytest.mark.slow
def test_a_client_gets_a_key_then_a_second_one_and_loses_the_first(cli: PulumiCli, cluster: Cluster) -> None:
    printed = succeeded(cli.shell(block("docs/access-and-limits.md", "--secret --path 'clientApiKeys.web'")))
    (web,) = clients(cluster).values()
    assert len(web) == 48
    assert succeeded(cli.shell(block("docs/access-and-limits.md", "config get"))) == f"{web}\n"

    again = succeeded(cli.shell(block("docs/access-and-limits.md", "'clientApiKeys.web-2'")))
    assert "1 updated" in again
    both = clients(cluster)
    assert (list(both), both["web"]) == (["web", "web-2"], web)

    removed = succeeded(cli.shell(REMOVE_CLIENT))
    assert "1 updated" in removed
    assert clients(cluster) == {"web-2": both["web-2"]}

    keys = Canaries(*both.values())
    assert not keys.are_in(printed + again + removed)
    assert keys.files(cli.project) == keys.files(cli.home) == []

    refused = failed(cli.shell(REMOVE_CLIENT.replace("web", "web-2")))
    assert "Stack mistral: clientApiKeys: empty; give a client's key, or let anyone call: " in refused
    assert clients(cluster) == {"web-2": both["web-2"]}
    succeeded(cli.shell("pulumi config rm openai-compatible-llm:clientApiKeys"))
