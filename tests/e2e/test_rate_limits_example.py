"""Runs the commands of examples/rate-limits/README.md and docs/rate-limits.md, and looks at the objects.

Nobody runs Pods here: test_rate_limits.py runs what they would run.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.pulumi_cli import PulumiCli, succeeded
from tests.support.canary import Canaries
from tests.support.cluster import AGENTGATEWAY_BACKEND, Cluster
from tests.support.pages import block
from tests.support.rate_limit_service import example_pods
from tests.support.repository import REPOSITORY
from tests.support.stand_in_gateway import COMPLETION, completion, stand_in_gateway

pytestmark = pytest.mark.slow

NEW_STACK, SET_KEYS = (
    block("examples/rate-limits/README.md", "cp examples"),
    block("examples/rate-limits/README.md", "openssl"),
)
COPY_SERVICE, DEPLOY_SERVICE = (
    block("examples/rate-limits/README.md", "cp -r"),
    block("examples/rate-limits/README.md", "output host"),
)
ASK = block("examples/rate-limits/README.md", "curl")
CHANGE_LIMIT, ADD_CONFIG_MAP = (
    block("docs/rate-limits.md", "rateLimits[1].tokens"),
    block("docs/rate-limits.md", "configMaps[1]"),
)

NAMESPACE = "gloo-system"
CONFIG_MAP = "llm-rate-limits"
HOST = f"ratelimit.{NAMESPACE}.svc.cluster.local"
KEYS = ("sk-canary-rate-limits-1f", "sk-canary-rate-limits-2f")


@pytest.fixture
def stack(pulumi_cli: PulumiCli, cluster: Cluster) -> Iterator[PulumiCli]:
    """The example's stack of the repository's program, deployed."""
    cli = pulumi_cli.with_environment(KUBECONFIG=str(cluster.kubeconfig))
    shutil.copytree(REPOSITORY / "examples/rate-limits", cli.project / "examples/rate-limits")
    succeeded(cli.shell(NEW_STACK))
    asking, others = SET_KEYS.split("openssl", 1)
    for command, key in zip(asking.splitlines(), KEYS, strict=True):
        succeeded(cli.shell(command, key))
    succeeded(cli.shell(f"openssl{others}"))
    yield cli
    succeeded(cli("destroy", "--skip-preview"))


@pytest.fixture
def service(stack: PulumiCli) -> Iterator[PulumiCli]:
    """The example's program beside the clone, deployed; without waiting for Pods."""
    succeeded(stack.shell(COPY_SERVICE))
    cli = replace(stack, project=stack.project.with_name("ratelimit"))
    program = cli.project / "__main__.py"
    metadata = 'metadata = {"name": name,'
    written = program.read_text()
    assert written.count(metadata) == 1
    program.write_text(written.replace(metadata, f'{metadata} "annotations": {{"pulumi.com/skipAwait": "true"}},'))
    assert succeeded(cli.shell(DEPLOY_SERVICE)).endswith(f"\n{HOST}\n")
    yield cli
    succeeded(cli("destroy", "--skip-preview"))


def config_map(cluster: Cluster) -> Any:
    return cluster.core.read_namespaced_config_map(CONFIG_MAP, NAMESPACE)


def limits(cluster: Cluster) -> dict[str, dict[str, int]]:
    """Returns the limits of each client, as the ConfigMap has them for the service."""
    config = json.loads(config_map(cluster).data["limits.yaml"])
    assert config["domain"] == "llm"
    return {
        client["value"]: {each["value"]: each["rate_limit"]["requests_per_unit"] for each in client["descriptors"]}
        for client in config["descriptors"]
    }


def pod_templates(cluster: Cluster) -> dict[str, Any]:
    """Returns what the API server's Deployments make Pods of, by their names."""
    listed: Any = cluster.custom.list_namespaced_custom_object("apps", "v1", NAMESPACE, "deployments")
    return {each["metadata"]["name"]: each["spec"]["template"] for each in listed["items"]}


def assert_has(live: Any, created: Any) -> None:
    """Checks that the API server has everything that was created, beside its own defaults."""
    if isinstance(created, dict):
        for key, value in created.items():
            assert key in live
            assert_has(live[key], value)
    elif isinstance(created, list):
        for one, other in zip(live, created, strict=True):
            assert_has(one, other)
    else:
        assert live == created


def test_the_program_runs_the_service_that_the_stack_asks_on_the_config_map_that_it_makes(
    stack: PulumiCli, service: PulumiCli, cluster: Cluster
) -> None:
    assert limits(cluster) == {
        "web": {"requests-minute": 60, "tokens-day": 200_000},
        "batch": {"tokens-day": 1_000_000},
    }
    assert json.loads(succeeded(stack("stack", "output", "--json", "shared")))["rateLimitConfigMapName"] == CONFIG_MAP
    pods = example_pods([CONFIG_MAP])
    templates = pod_templates(cluster)
    assert templates.keys() == pods.keys()
    for name, template in templates.items():
        assert_has(template["spec"], pods[name])

    listed: Any = cluster.core.list_namespaced_service(NAMESPACE)
    services = {each.metadata.name: each.spec for each in listed.items}
    ports = {name: [(each.port, each.target_port) for each in spec.ports] for name, spec in services.items()}
    assert ports == {"ratelimit": [(8081, 8081)], "ratelimit-redis": [(6379, 6379)]}
    for name, spec in services.items():
        assert spec.selector == templates[name]["metadata"]["labels"]
    labels = {name: each["metadata"]["labels"] for name, each in templates.items()}
    proxies = {"matchExpressions": [{"key": "gateway.networking.k8s.io/gateway-name", "operator": "Exists"}]}
    assert connections(cluster) == {
        "ratelimit": only(proxies, labels["ratelimit"], 8081),
        "ratelimit-redis": only({"matchLabels": labels["ratelimit"]}, labels["ratelimit-redis"], 6379),
    }
    group, version, plural = AGENTGATEWAY_BACKEND
    for name in ("llm", "mistral", "deepseek"):
        backend: Any = cluster.custom.get_namespaced_custom_object(
            group, version, NAMESPACE, plural, f"{name}-rate-limits"
        )
        assert backend["spec"] == {"static": {"host": HOST, "port": 8081}}

    succeeded(service.shell(ADD_CONFIG_MAP))
    (volume,) = pod_templates(cluster)["ratelimit"]["spec"]["volumes"]
    assert_has(volume, example_pods([CONFIG_MAP, "team-rate-limits"])["ratelimit"]["volumes"][0])

    # Redis where the service looks for it, and the ports that probes and Services use.
    (container,) = pods["ratelimit"]["containers"]
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert environment["REDIS_URL"] == "ratelimit-redis:6379"
    assert [each["containerPort"] for each in container["ports"]] == [
        int(environment[name]) for name in ("GRPC_PORT", "PORT")
    ]
    assert container["readinessProbe"]["httpGet"]["port"] == int(environment["PORT"])


def connections(cluster: Cluster) -> dict[str, Any]:
    """Returns the NetworkPolicies by their names."""
    listed: Any = cluster.custom.list_namespaced_custom_object("networking.k8s.io", "v1", NAMESPACE, "networkpolicies")
    return {each["metadata"]["name"]: each["spec"] for each in listed["items"]}


def only(clients: Any, to: Any, port: int) -> dict[str, Any]:
    """Returns the NetworkPolicy by which only these Pods can connect to those with the labels `to`."""
    ingress = {"from": [{"podSelector": clients}], "ports": [{"port": port, "protocol": "TCP"}]}
    return {"podSelector": {"matchLabels": to}, "policyTypes": ["Ingress"], "ingress": [ingress]}


def test_a_second_up_changes_nothing_and_a_new_limit_the_config_map_alone(stack: PulumiCli, cluster: Cluster) -> None:
    before, objects = config_map(cluster), versions(cluster)
    assert re.search(r"^\s+\d+ unchanged$", succeeded(stack("up", "--skip-preview")), re.MULTILINE)
    assert config_map(cluster).metadata.resource_version == before.metadata.resource_version

    assert "1 updated" in succeeded(stack.shell(CHANGE_LIMIT))
    assert limits(cluster)["web"] == {"requests-minute": 60, "tokens-day": 300_000}
    assert config_map(cluster).metadata.uid == before.metadata.uid
    assert versions(cluster) == objects


def versions(cluster: Cluster) -> dict[tuple[str, str], str]:
    """Returns the versions of all objects of the components but the ConfigMap."""
    objects = cluster.everything_in(NAMESPACE)
    return {each: objects[each]["metadata"]["resourceVersion"] for each in objects if each[0] != "ConfigMap"}


def test_a_client_asks_with_its_key(stack: PulumiCli) -> None:
    with stand_in_gateway() as gateway:
        gateway.replies = {"/llm": completion}
        done = stack.shell(ASK.replace('"$url/', f'"{gateway.url}/llm/v1/'))
        assert COMPLETION["choices"][0]["message"]["content"] in succeeded(done)
        key = succeeded(stack.shell("pulumi config get --path 'clients.web.apiKey'")).strip()
        assert gateway.requests[-1].authorization == f"Bearer {key}"
    assert not Canaries(key, *KEYS).are_in(done.stdout + done.stderr)
