"""Runs the commands of examples/kind/README.md that need no Pods, and what they would start, with a real API server.

tests/unit/test_kind_script.py checks what its script gives to kind, kubectl and Helm.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import trustme
import urllib3
import yaml

from tests.e2e.pulumi_cli import PulumiCli, succeeded
from tests.e2e.test_page_commands import put_make
from tests.support.canary import Canaries
from tests.support.cluster import GATEWAY, Cluster, api_key
from tests.support.demo_provider import demo_provider
from tests.support.pages import block
from tests.support.repository import REPOSITORY
from tests.support.stand_in_gateway import TOKENS, completion, stand_in_gateway

EXAMPLE = REPOSITORY / "examples/kind"
NAMESPACE, NAME = "llm-demo", "demo-provider"
KEY = "sk-canary-kind-4a17"
CANARIES = Canaries(KEY)
MERGE_PATCH = "application/merge-patch+json"

needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not on PATH")


def shell(commands: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-euo", "pipefail", "-c", commands]
    given = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)


@pytest.fixture
def cli(pulumi_cli: PulumiCli, cluster: Cluster) -> PulumiCli:
    """The CLI in a copy of the project with the example, where the cluster's context has kind's name."""
    project = pulumi_cli.project
    shutil.copytree(EXAMPLE, project / "examples/kind")
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["contexts"] = [{**each, "name": "kind-llm"} for each in config["contexts"]]
    # The stack's setting is what leads to the cluster.
    config["current-context"] = ""
    kubeconfig = project / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))
    return pulumi_cli.with_environment(KUBECONFIG=str(kubeconfig))


@pytest.mark.slow
def test_the_stack_is_deployed_asked_and_gets_a_provider_with_a_key(cli: PulumiCli, cluster: Cluster) -> None:
    succeeded(cli.shell(block("examples/kind/README.md", "cp examples")))
    demo = cluster.objects("demo")
    assert "Secret" not in demo
    provider = demo["AgentgatewayBackend"]["spec"]["ai"]["provider"]
    assert (provider["host"], provider["port"]) == (f"{NAME}.{NAMESPACE}.svc.cluster.local", 8000)

    put_make(cli)
    with stand_in_gateway() as gateway:
        gateway.replies = {"/demo": completion, "/mistral": completion}
        # The page asks at the port that kubectl forwards.
        done = cli.shell(block("examples/kind/README.md", "Say hello"), GATEWAY_URL=gateway.url)
        assert (done.returncode, done.stdout) == (0, f"{''.join(TOKENS)}\n"), done.stderr
        assert [(each.path, each.json["model"]) for each in gateway.requests] == [("/demo/v1/chat/completions", "demo")]

        done = cli.shell(block("examples/kind/README.md", "providers.mistral.apiKey"), KEY, GATEWAY_URL=gateway.url)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not CANARIES.are_in(done.stdout + done.stderr)
        assert gateway.requests[-1].path == "/mistral/v1/chat/completions"
    assert api_key(cluster.objects("mistral")) == KEY
    assert CANARIES.files(cli.project) == []

    succeeded(cli("destroy", "--skip-preview"))
    assert cluster.objects("demo") == cluster.objects("mistral") == {}


@needs_kubectl
def test_the_providers_objects_are_applied_and_their_command_serves_what_the_probes_ask(cluster: Cluster) -> None:
    apply, wait = block("examples/kind/README.md", "apply --kustomize").splitlines()
    applied = shell(f"{apply} --server-side --validate=strict", REPOSITORY, KUBECONFIG=str(cluster.kubeconfig))
    assert applied.returncode == 0, applied.stderr
    apps = kubernetes.client.AppsV1Api(cluster.core.api_client)
    try:
        deployment: Any = apps.read_namespaced_deployment(NAME, NAMESPACE)
        pod = deployment.spec.template
        (container,) = pod.spec.containers
        (volume,) = pod.spec.volumes
        config_map: Any = cluster.core.read_namespaced_config_map(volume.config_map.name, NAMESPACE)
        service: Any = cluster.core.read_namespaced_service(NAME, NAMESPACE)
        _roll_out(apps, deployment)
        assert shell(wait, REPOSITORY, KUBECONFIG=str(cluster.kubeconfig)).returncode == 0
    finally:
        cluster.delete_namespace(NAMESPACE)

    assert config_map.data == {"provider.py": (EXAMPLE / "provider.py").read_text()}
    assert service.spec.selector == deployment.spec.selector.match_labels == pod.metadata.labels
    (port,) = service.spec.ports
    (named,) = container.ports
    stack = yaml.safe_load((EXAMPLE / "Pulumi.kind.yaml").read_text())["config"]
    (demo,) = stack["openai-compatible-llm:providers"].values()
    assert demo["baseUrl"] == f"http://{NAME}.{NAMESPACE}.svc.cluster.local:{port.port}/v1"
    *command, option, listening = container.command
    assert (option, listening) == ("--port", str(named.container_port))
    assert port.target_port == named.name

    mount = container.volume_mounts[0].mount_path
    command = [sys.executable, *(each.replace(mount, str(EXAMPLE)) for each in command[1:])]
    with demo_provider(command) as url:
        for probe in (container.readiness_probe, container.liveness_probe):
            assert probe.http_get.port == named.name
            assert urllib3.request("GET", f"{url}{probe.http_get.path}", timeout=5).status == 200
        asked = {"model": demo["model"], "messages": [{"role": "user", "content": "Say hello."}]}
        answer = urllib3.request("POST", f"{url}/v1/chat/completions", json=asked, timeout=5)
        assert "Say hello." in answer.json()["choices"][0]["message"]["content"]


def _roll_out(apps: kubernetes.client.AppsV1Api, deployment: Any) -> None:
    """Gives the Deployment the status that its controller gives it when its Pods are ready."""
    status = {
        "observedGeneration": deployment.metadata.generation,
        **dict.fromkeys(
            ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), deployment.spec.replicas
        ),
    }
    apps.patch_namespaced_deployment_status(NAME, NAMESPACE, {"status": status})


@needs_kubectl
def test_the_script_reads_which_definitions_and_which_gateway_the_cluster_has(cluster: Cluster, tmp_path: Path) -> None:
    """Helm is a stand-in that fails, so the step changes nothing."""
    helm = tmp_path / "helm"
    helm.write_text("#!/bin/sh\nexit 9\n")
    helm.chmod(0o755)
    context = yaml.safe_load(cluster.kubeconfig.read_text())["current-context"]
    path = os.pathsep.join((str(tmp_path), os.environ["PATH"]))
    given = {"KUBECONFIG": str(cluster.kubeconfig), "CONTEXT": context, "EXPOSURE": "internal", "PATH": path}
    said = f"{context} has the Gateway API v1.4.1 (standard). Its definitions stay as they are.\n"
    done = shell("examples/kind/kind.sh gateway", REPOSITORY, **given, API="kgateway")
    assert (done.returncode, done.stderr, done.stdout) == (9, "", said)
    done = shell("examples/kind/kind.sh gateway", REPOSITORY, **given, API="agentgateway")
    refused = f"The GatewayClass agentgateway of {context} is of the controller kgateway.dev/agentgateway, "
    assert (done.returncode, done.stdout) == (2, said)
    assert done.stderr.startswith(refused)


@needs_kubectl
def test_a_gateways_certificate_and_its_address_are_handled_by_the_commands_of_the_page(
    cluster: Cluster, tmp_path: Path
) -> None:
    certificate = trustme.CA().issue_cert("llm.example.com")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    certificate.private_key_pem.write_to_path(tmp_path / "tls.key")
    environment = {"KUBECONFIG": str(cluster.kubeconfig)}
    created = shell(block("docs/gateway.md", "kubectl create secret tls"), tmp_path, **environment)
    assert created.returncode == 0, created.stderr
    try:
        _parameters, gateway = yaml.safe_load_all(block("docs/gateway.md", "# production-gateway.yaml\n", "yaml"))
        (listener,) = gateway["spec"]["listeners"]
        (reference,) = listener["tls"]["certificateRefs"]
        secret: Any = cluster.core.read_namespaced_secret(reference["name"], "gloo-system")
        assert (secret.type, sorted(secret.data)) == ("kubernetes.io/tls", ["tls.crt", "tls.key"])
    finally:
        cluster.core.delete_namespaced_secret("llm-tls", "gloo-system")

    status = {"addresses": [{"type": "IPAddress", "value": "203.0.113.7"}]}
    group, version, plural = GATEWAY
    cluster.custom.patch_namespaced_custom_object_status(
        group, version, "gloo-system", plural, "agentgateway", {"status": status}, _content_type=MERGE_PATCH
    )
    printed = shell(block("docs/gateway.md", "kubectl get gateway "), tmp_path, **environment)
    assert (printed.returncode, printed.stdout) == (0, "203.0.113.7"), printed.stderr
