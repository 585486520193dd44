"""`pulumi up` with the CLI and the project's own program on a real API server, as on a user's cluster."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import kubernetes
import pytest
import yaml

from local.control_plane.control_plane import ControlPlane
from tests.e2e.pulumi_cli import PulumiCli, failed, succeeded
from tests.support.cluster import BACKEND_KINDS, CUSTOM, Cluster, api_key, revisions

CANARY = "sk-canary-e2e-41d7"
ROTATED = "sk-canary-e2e-rotated-9b02"


@pytest.fixture(params=BACKEND_KINDS)
def api(request: pytest.FixtureRequest) -> str:
    """Each gateway API in turn."""
    return str(request.param)


@pytest.fixture
def backend(api: str) -> str:
    return BACKEND_KINDS[api]


@pytest.fixture
def cli(pulumi_cli: PulumiCli, cluster: Cluster, api: str) -> Iterator[PulumiCli]:
    """The CLI on the local API server, in a stack `test` with one provider."""
    cli = pulumi_cli.with_environment(KUBECONFIG=str(cluster.kubeconfig), HOUSE_API_KEY=CANARY)
    write_config(cli, {"house": {"host": "llm.example.com"}}, api)
    succeeded(cli("stack", "init", "test"))
    yield cli
    cli("destroy", "-s", "test", "--skip-preview")


def write_config(cli: PulumiCli, providers: object, api: str | None = None) -> None:
    file = cli.project / "stacks" / "Pulumi.test.yaml"
    content = yaml.safe_load(file.read_text()) if file.exists() else {"config": {}}
    content["config"] |= {"openai-compatible-llm:providers": providers}
    content["config"] |= {"openai-compatible-llm:api": api} if api else {}
    file.write_text(yaml.safe_dump(content))


def up(cli: PulumiCli, **environment: str) -> str:
    return succeeded(cli("up", "--skip-preview", **environment))


def failure(cli: PulumiCli, *command: str, **environment: str) -> str:
    """Runs the command, by default an `up`, and returns what it prints, in which there is no key."""
    printed = failed(cli(*(command or ("up", "--skip-preview")), **environment))
    assert CANARY not in printed
    return printed


def test_an_update_changes_what_was_changed_and_nothing_else(
    cli: PulumiCli, cluster: Cluster, api: str, backend: str
) -> None:
    up(cli)
    first = cluster.objects("house")
    policy = {"kgateway": "BackendTLSPolicy", "agentgateway": "AgentgatewayPolicy"}[api]
    assert set(first) == {backend, policy, "HTTPRoute", "Secret"}
    assert api_key(first) == CANARY

    assert "6 unchanged" in up(cli)
    assert revisions(cluster.objects("house")) == revisions(first)

    write_config(cli, {"house": {"host": "llm.example.com", "model": "other"}})
    # Where a model must hold, agentgateway's policy refuses other spellings of /messages too.
    expected = {backend, policy} if api == "agentgateway" else {backend}
    assert re.search(rf"~ {len(expected)} updated\s+{6 - len(expected)} unchanged", up(cli))
    second = cluster.objects("house")
    assert '"model": "other"' in json.dumps(second[backend]["spec"])
    assert changed(first, second) == expected

    assert re.search(r"~ 1 updated\s+5 unchanged", up(cli, HOUSE_API_KEY=ROTATED))
    third = cluster.objects("house")
    assert api_key(third) == ROTATED
    assert changed(second, third) == {"Secret"}
    assert third["Secret"]["metadata"]["uid"] == first["Secret"]["metadata"]["uid"]


def changed(before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]) -> set[str]:
    return {kind for kind in before | after if revisions(before).get(kind) != revisions(after).get(kind)}


@pytest.mark.parametrize("api", ["kgateway"], indirect=True)
def test_a_missing_key_is_reported_in_one_line_with_both_ways_to_give_it(cli: PulumiCli) -> None:
    printed = failure(cli, HOUSE_API_KEY="")
    assert (
        "Stack test has no API key for provider house. Set it with "
        "`pulumi config set -s test --secret --path 'providers.house.apiKey'`, or in the environment as HOUSE_API_KEY."
    ) in printed


@pytest.mark.parametrize("api", ["kgateway"], indirect=True)
def test_bad_arguments_are_refused_at_preview(cli: PulumiCli) -> None:
    write_config(cli, {"house": {"host": "https://llm.example.com", "modle": "m"}})
    printed = failure(cli, "preview")
    assert "providers.house.modle: unknown argument; did you mean `model`?" in printed
    assert 'providers.house.host: "https://llm.example.com" has a scheme; give the host name alone' in printed


@pytest.mark.slow
@pytest.mark.kubernetes_provider("4.29", does="refuses an object that exists already")
def test_an_obstacle_is_named_and_the_next_up_continues_from_there(
    cli: PulumiCli, cluster: Cluster, control_plane: ControlPlane, tmp_path: Path, api: str
) -> None:
    assert "unreachable" in failure(cli, KUBECONFIG=str(unreachable(cluster.kubeconfig, tmp_path)))

    namespace = f"house-{api}"
    write_config(cli, {"house": {"host": "llm.example.com", "namespace": namespace}})
    assert f'namespaces "{namespace}" not found' in failure(cli)
    metadata = kubernetes.client.V1ObjectMeta(name=namespace)
    cluster.core.create_namespace(kubernetes.client.V1Namespace(metadata=metadata))

    metadata = kubernetes.client.V1ObjectMeta(name="house-secret", namespace=namespace)
    foreign = kubernetes.client.V1Secret(metadata=metadata, string_data={"theirs": "yes"})
    cluster.core.create_namespaced_secret(namespace, foreign)
    before = revisions(cluster.objects("house", namespace))
    printed = failure(cli)
    assert re.search('house-secret"? already exists', printed)
    assert revisions(cluster.objects("house", namespace)) == before
    cluster.core.delete_namespaced_secret("house-secret", namespace)

    backend = BACKEND_KINDS[api]
    group, version, plural = CUSTOM[backend]
    cluster.extensions.delete_custom_resource_definition(f"{plural}.{group}")
    try:
        assert f'no matches for kind "{backend}" in version "{group}/{version}"' in failure(cli)
        assert list(cluster.objects("house", namespace)) == ["Secret"]
    finally:
        control_plane.start()

    assert "Secret house-secret" not in up(cli)
    objects = cluster.objects("house", namespace)
    assert len(objects) == 4
    assert api_key(objects) == CANARY


def unreachable(kubeconfig: Path, folder: Path) -> Path:
    """Writes the same kubeconfig with a port that nothing listens on."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    file = folder / "unreachable"
    file.write_text(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", kubeconfig.read_text()))
    return file
