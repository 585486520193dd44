"""Proves on the real agentgateway what docs/endpoints.md says: its program, and requests over 2 MB."""

import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml

from tests.gateway.deployment import Deployment
from tests.gateway.test_endpoints import VECTOR, whole_api
from tests.support.cluster import Cluster
from tests.support.pages import block, blocks, manifests

pytestmark = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)

(PROGRAM,) = blocks("python", "docs/endpoints.md")
BASE_URL = "https://llm.example.com/mistral/v1"
SPEECH = b"\0" * 2_300_000


@pytest.fixture
def base_url(deployment: Deployment) -> str:
    deployment.provider.behaviour = whole_api
    deployment.up()
    return f"{deployment.gateway.url}{deployment.route_path}/v1"


def test_the_pages_program_prints_an_answer_an_embedding_and_the_models(
    deployment: Deployment, base_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert PROGRAM.count(BASE_URL) == 1
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace(BASE_URL, base_url))
    runpy.run_path(str(program))
    assert capsys.readouterr().out == f"Hello, world!\n{len(VECTOR)} dimensions\nm\n"
    models = [(each.path, each.json.get("model")) for each in deployment.provider.requests if each.method == "POST"]
    assert models == [("/v1/chat/completions", "configured"), ("/v1/embeddings", "mistral-embed")]


def test_the_gateways_policy_lets_a_large_chat_completion_through_and_audio_needs_none(
    deployment: Deployment, base_url: str, cluster: Cluster, large_prompt: str
) -> None:
    large: Any = {"messages": [{"role": "user", "content": large_prompt}]}
    client = openai.OpenAI(base_url=base_url, api_key="unused", max_retries=0, timeout=20)
    assert client.audio.transcriptions.create(model="m", file=("a.wav", SPEECH, "audio/wav")).text == "hello"
    refused = deployment.ask(body=large)
    assert (refused.status, b"request was too large" in refused.data) == (503, True)
    with policy(deployment, cluster):
        deployment.until(200, body=large)


@contextmanager
def policy(deployment: Deployment, cluster: Cluster) -> Iterator[None]:
    """The page's policy, for the gateway of the test, under a name of the test's own."""
    (manifest,) = map(yaml.safe_load, manifests(block("docs/troubleshooting.md", "maxBufferSize")))
    assert manifest["kind"] == "AgentgatewayPolicy"
    gateway = deployment.gateway
    manifest["metadata"] = {"name": deployment.namespace, "namespace": gateway.namespace}
    (target,) = manifest["spec"]["targetRefs"]
    target["name"] = gateway.name
    cluster.create(manifest)
    try:
        yield
    finally:
        cluster.delete(manifest["kind"], deployment.namespace, gateway.namespace)
