"""`make chat` on the real gateways: a list of models, an embedding, routes that have neither, and a large prompt."""

from dataclasses import dataclass

import pytest

from components.openai_compatible_llm.doctor.hops import Hop
from tests.gateway.deployment import KEY, Deployment
from tests.gateway.installation import Installation
from tests.gateway.test_endpoints import VECTOR, whole_api
from tests.support.chat_run import ChatRun, run_chat

agentgateway_only = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)


@dataclass(frozen=True)
class Chat:
    """Runs the command with the gateway's URL, the route's path, and the cluster's kubeconfig."""

    deployment: Deployment
    installation: Installation
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> ChatRun:
        path = self.deployment.route_path
        where = ["--gateway-url", self.deployment.gateway.url, "--path", path]
        return run_chat(path, [*where, "--kubeconfig", str(self.installation.kubeconfig), *arguments], self.capture)


@pytest.fixture
def chat(deployment: Deployment, installation: Installation, capsys: pytest.CaptureFixture[str]) -> Chat:
    deployment.provider.behaviour = whole_api
    return Chat(deployment, installation, capsys)


@agentgateway_only
def test_models_and_embeddings_come_from_the_provider_with_its_key(deployment: Deployment, chat: Chat) -> None:
    deployment.up()
    models = chat("--models")
    assert (models.status, models.stdout) == (0, "m\n"), models.stderr
    embedding = chat("--embeddings", "hi", "--model", "embedder")
    assert (embedding.status, embedding.stdout) == (0, f"{len(VECTOR)} dimensions\n"), embedding.stderr
    listed, embedded = deployment.provider.requests
    assert (listed.method, listed.path, listed.authorization) == ("GET", "/v1/models", f"Bearer {KEY}")
    assert (embedded.method, embedded.path, embedded.authorization) == ("POST", "/v1/embeddings", f"Bearer {KEY}")
    assert embedded.json["model"] == "embedder"


@agentgateway_only
def test_an_endpoint_that_the_provider_lacks_is_the_providers_to_explain(deployment: Deployment, chat: Chat) -> None:
    deployment.up()
    deployment.provider.behaviour = lambda exchange: exchange.answer(404, b'{"error": {"message": "no such path"}}')
    assert "whether it serves /models" in chat("--models").broken_at(Hop.MODEL_OR_PATH)


@pytest.mark.parametrize("arguments", [("--models",), ("--embeddings", "hi", "--model", "embedder")])
def test_a_route_of_chat_completions_alone_says_what_to_do(
    deployment: Deployment, chat: Chat, arguments: tuple[str, ...]
) -> None:
    deployment.up(endpoints="chat")
    remedies = {
        "kgateway": "these gateways take every request for a chat completion; give `api: agentgateway`",
        "agentgateway": "give the provider `endpoints: all`, and run `pulumi up`",
    }
    report = chat(*arguments).broken_at(Hop.MODEL_OR_PATH)
    assert "the route serves chat completions only" in report
    assert report.splitlines()[1] == remedies[deployment.api]
    assert deployment.provider.requests == []


def test_a_prompt_of_over_2_mb_meets_the_gateways_limit(deployment: Deployment, chat: Chat, large_prompt: str) -> None:
    deployment.up()
    report = chat("--model", "asked", large_prompt).broken_at(Hop.LIMIT)
    assert "request was too large" in report
    assert ("`frontend.http.maxBufferSize`" in report) == (deployment.api == "agentgateway")
    assert deployment.provider.requests == []
