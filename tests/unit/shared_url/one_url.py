"""Several providers behind one base URL: objects that a program registers, a proxy that follows them, and providers."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import anthropic
import openai

from components import (
    OpenAICompatibleGateway,
    OpenAICompatibleGatewayArgs,
    OpenAICompatibleLLM,
    OpenAICompatibleLLMArgs,
)
from components.openai_compatible_llm.args import BackendApi
from tests.support.http_server import Request
from tests.support.recording import record
from tests.support.stand_in_gateway import TOKENS, Handler, StandInGateway, completion, stand_in_gateway
from tests.unit.shared_url.proxy import Proxy, agentgateway_proxy

MISTRAL, DEEPSEEK, OPENROUTER, VLLM = HOSTS = ("api.mistral.ai", "api.deepseek.com", "openrouter.ai", "vllm.models")
KEYS = {
    MISTRAL: "Bearer mistrals-key",
    DEEPSEEK: "Bearer deepseeks-key",
    OPENROUTER: "Bearer openrouters-key",
    VLLM: None,
}
TEXT = "".join(TOKENS)

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "the-providers",
    "content": [{"type": "text", "text": TEXT}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 5},
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1767225600,
    "status": "completed",
    "model": "the-providers",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
        }
    ],
    "parallel_tool_calls": False,
    "tool_choice": "auto",
    "tools": [],
}

PROVIDERS: dict[str, OpenAICompatibleLLMArgs] = {
    "mistral": {
        "preset": "mistral",
        "api_key": "mistrals-key",
        "models": ["mistral-*", "codestral-2"],
        "model_aliases": {"fast": "mistral-small-latest"},
    },
    "deepseek": {"preset": "deepseek", "api_key": "deepseeks-key", "models": ["deepseek-*", "mistral"]},
    # The only one that is known to serve messages.
    "openrouter": {"preset": "openrouter", "api_key": "openrouters-key", "models": ["openrouter/*"]},
    "vllm": {
        "base_url": "http://vllm.models:8000/v1",
        "keyless": True,
        "models": ["gpt-5", "gpt-5-mini", "meta-llama/Llama-3.3"],
    },
}


def registered(gateway: OpenAICompatibleGatewayArgs, **changes: OpenAICompatibleLLMArgs) -> list[dict[str, Any]]:
    """Returns the objects of `PROVIDERS`, of which some are changed, and of their gateway component."""

    def program() -> None:
        common: OpenAICompatibleLLMArgs = {
            "api": BackendApi.AGENTGATEWAY,
            "shared_route_path": gateway["route_path"],
        }
        if "gateway" in gateway:
            common["gateway"] = gateway["gateway"]
        models = {
            name: OpenAICompatibleLLM(name, {**common, **PROVIDERS[name], **changes.get(name, {})}).models
            for name in PROVIDERS
        }
        OpenAICompatibleGateway("llm", {"models": models, **gateway})

    return record(program).objects()


def provider(handler: Handler, request: Request) -> None:
    """Answers as a provider that serves all endpoints, messages included."""
    if request.path.endswith("/responses"):
        handler.answer_json(200, RESPONSE)
    elif request.path.endswith("/messages"):
        handler.answer_json(200, MESSAGE)
    else:
        completion(handler, request)


class OneUrl:
    """Has the providers behind one base URL, by their hosts."""

    def __init__(self, proxy: Proxy, providers: Mapping[str, StandInGateway], running: ExitStack) -> None:
        self.proxy, self._providers, self._running = proxy, providers, running
        self.base_url = f"{proxy.url}/llm/v1"

    def client(self, base_url: str | None = None, **options: Any) -> openai.OpenAI:
        given = {"base_url": base_url or self.base_url, "api_key": "the-callers", "max_retries": 0, "timeout": 20}
        return self._running.enter_context(openai.OpenAI(**{**given, **options}))

    def anthropic_client(self, **options: Any) -> anthropic.Anthropic:
        client = anthropic.Anthropic(base_url=f"{self.proxy.url}/llm", max_retries=0, timeout=20, **options)
        return self._running.enter_context(client)

    def received(self) -> tuple[str, Request]:
        """Returns the only request that reached a provider, and that provider's host."""
        ((host, request),) = [(host, each) for host, own in self._providers.items() for each in own.requests]
        assert request.host == host
        assert "x-llm-model" not in request.headers
        return host, request

    def received_nothing(self) -> bool:
        return not any(each.requests for each in self._providers.values())

    def forget(self) -> None:
        """Forgets the requests so far."""
        for each in self._providers.values():
            each.requests.clear()


@contextmanager
def one_url(objects: list[dict[str, Any]]) -> Iterator[OneUrl]:
    with ExitStack() as running:
        providers = {host: running.enter_context(stand_in_gateway()) for host in HOSTS}
        for each in providers.values():
            each.replies = {"/v1": provider, "/api/v1": provider}
        urls = {host: each.url for host, each in providers.items()}
        yield OneUrl(running.enter_context(agentgateway_proxy(objects, urls)), providers, running)
