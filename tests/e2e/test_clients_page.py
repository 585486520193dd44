"""Runs the commands of docs/clients.md, and those of docs/upgrading.md about clients, as they stand there."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.e2e.pulumi_cli import PulumiCli, failed, succeeded
from tests.support.canary import Canaries
from tests.support.cluster import Cluster
from tests.support.pages import block

pytestmark = pytest.mark.slow

ADD = block("docs/clients.md", "--secret --path 'clients.web.apiKey'")
SHOW = block("docs/clients.md", "config get")
ADD_SECOND = block("docs/clients.md", "'clients.web-2.apiKey'")
REMOVE = block("docs/clients.md", "config rm")
MAKE_OWN, HASH_OWN = block("docs/clients.md", "umask"), block("docs/clients.md", "read -rs")

NAMESPACE = "gloo-system"
PROJECT = "openai-compatible-llm"
ALLOWED = {"models": ["fast", "codestral-*"], "rateLimits": [{"tokens": 200000, "per": "hour"}]}
MODELS = "fast|codestral-.*"


@pytest.fixture
def cli(pulumi_cli: PulumiCli, cluster: Cluster) -> Iterator[PulumiCli]:
    """The CLI with a stack whose provider has no clients yet."""
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "MISTRAL_API_KEY": "sk-for-the-pages"}
    cli = pulumi_cli.with_environment(**environment)
    succeeded(cli.shell("pulumi stack init mistral"))
    succeeded(cli.shell("pulumi config set api agentgateway"))
    succeeded(cli.shell("pulumi config rm --path 'providers.mistral.model'"))
    yield cli
    succeeded(cli("destroy", "--skip-preview"))


def write_client(cli: PulumiCli, name: str, **settings: Any) -> None:
    """Writes a client's settings into the stack's file, beside those that it has."""
    file = cli.project / "stacks/Pulumi.mistral.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"].setdefault(f"{PROJECT}:clients", {}).setdefault(name, {}).update(settings)
    file.write_text(yaml.safe_dump(content))


def clients(cluster: Cluster) -> dict[str, Any]:
    secret: Any = cluster.core.read_namespaced_secret("mistral-clients", NAMESPACE)
    return {name: json.loads(base64.b64decode(entry)) for name, entry in secret.data.items()}


def entry(name: str, key: str, **metadata: str) -> Any:
    return {"keyHash": f"sha256:{sha256(key)}", "metadata": {"client": name, **metadata}}


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def limited(cluster: Cluster) -> list[str]:
    """Returns the conditions of the route's limits."""
    spec = cluster.everything_in(NAMESPACE)["AgentgatewayPolicy", "mistral"]["spec"]
    return [each["condition"] for each in spec["traffic"]["rateLimit"]["conditional"]]


def test_a_client_gets_a_key_then_a_second_one_and_loses_the_first(cli: PulumiCli, cluster: Cluster) -> None:
    write_client(cli, "web", **ALLOWED)
    printed = succeeded(cli.shell(ADD))
    web = succeeded(cli.shell(SHOW)).strip()
    assert len(web) == 48
    assert clients(cluster) == {"web": entry("web", web, models=MODELS)}
    assert limited(cluster) == ['apiKey.client == "web"']

    write_client(cli, "web-2", **ALLOWED)
    again = succeeded(cli.shell(ADD_SECOND))
    # The Secret, and the policy because of the limit.
    assert "2 updated" in again
    second = succeeded(cli.shell(SHOW.replace("web", "web-2"))).strip()
    old, new = entry("web", web, models=MODELS), entry("web-2", second, models=MODELS)
    assert clients(cluster) == {"web": old, "web-2": new}
    assert limited(cluster) == ['apiKey.client == "web"', 'apiKey.client == "web-2"']

    removed = succeeded(cli.shell(REMOVE))
    assert "2 updated" in removed
    assert clients(cluster) == {"web-2": new}

    keys = Canaries(web, second)
    assert not keys.are_in(printed + again + removed)
    assert not keys.are_in(json.dumps(list(cluster.everything_in(NAMESPACE).values())))
    assert keys.files(cli.project) == keys.files(cli.home) == []

    refused = failed(cli.shell(REMOVE.replace("web", "web-2")))
    assert "Stack mistral: clients: empty; " in refused
    assert clients(cluster) == {"web-2": new}
    succeeded(cli.shell("pulumi config rm clients"))


def test_a_client_without_a_limit_changes_one_object_and_other_models_do_too(cli: PulumiCli, cluster: Cluster) -> None:
    succeeded(cli.shell(ADD))
    for name, settings in (("batch", {"apiKeySha256": "0" * 64}), ("web", {"models": ["fast"]})):
        write_client(cli, name, **settings)
        assert "1 updated" in succeeded(cli.shell("pulumi up"))
    found = clients(cluster)
    assert found["batch"] == {"keyHash": f"sha256:{'0' * 64}", "metadata": {"client": "batch"}}
    assert found["web"]["metadata"] == {"client": "web", "models": "fast"}


def test_a_client_makes_its_key_itself_and_shows_its_hash_alone(cli: PulumiCli, cluster: Cluster) -> None:
    shown = succeeded(cli.shell(MAKE_OWN))
    file = cli.project / "llm.key"
    key = file.read_text().strip()
    assert (len(key), file.stat().st_mode & 0o777) == (48, 0o600)
    assert shown == f"{sha256(key)}\n" == succeeded(cli.shell(HASH_OWN, typed=f"{key}\n"))
    file.unlink()

    write_client(cli, "web", apiKeySha256=shown.strip(), **ALLOWED)
    printed = succeeded(cli.shell("pulumi up"))
    assert clients(cluster) == {"web": entry("web", key, models=MODELS)}
    assert not Canaries(key).are_in(printed)
    assert Canaries(key).files(cli.project) == Canaries(key).files(cli.home) == []


def test_the_clients_of_an_earlier_commit_keep_their_keys(cli: PulumiCli, cluster: Cluster) -> None:
    keys = {"web": "sk-of-the-client-called-web", "batch.eu": "sk-of-the-client-called-batch"}
    for name, key in keys.items():
        succeeded(cli.shell(f"pulumi config set --secret --path 'clientApiKeys[\"{name}\"]'", typed=key))
    printed = cli.shell(block("docs/upgrading.md", "for client in"))
    assert clients(cluster) == {name: entry(name, key) for name, key in keys.items()}
    assert not Canaries(*keys.values()).are_in(succeeded(printed) + printed.stderr)
    assert "unchanged" in succeeded(cli.shell("pulumi up"))


def test_the_existing_secret_of_an_earlier_commit_stays(cli: PulumiCli, cluster: Cluster) -> None:
    succeeded(cli.shell("pulumi config set --path 'clientApiKeysSecret.name' team-keys"))
    succeeded(cli.shell(block("docs/upgrading.md", "clientsSecret.name")))
    policy = cluster.everything_in(NAMESPACE)["AgentgatewayPolicy", "mistral"]["spec"]["traffic"]
    assert policy["apiKeyAuthentication"]["secretRef"]["name"] == "team-keys"
