"""Clients of several providers, what the policies make of their requests, and who gets these.

The expressions that the components register are evaluated as the proxy does: with the request as it comes, before its
path is rewritten, and with the entry of the clients' Secret that has the client's key.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from components import OpenAICompatibleGateway, OpenAICompatibleLLM, OpenAICompatibleLLMArgs
from components.openai_compatible_llm.args import BackendApi, ClientArgs, Endpoints
from tests.support.http_server import Request
from tests.support.recording import record
from tests.unit.shared_url.proxy import Proxy, RefusedError

UNAUTHORIZED, FORBIDDEN = 401, 403
LIST, NOBODY = "the list", "the error for a model that nobody serves"

SPECIAL = ["meta-llama/Llama-3.3", "a.b|c", "(?i)x", "^$\\", 'it\'s "q"', "[ab]{2}"]

MODELS: dict[str, list[str] | None] = {
    "any": None,
    "everything": ["*"],
    "web": ["mistral-*", "fast"],
    "latest": ["*-latest"],
    "exact": ["mistral-medium"],
    "exact-or-mini": ["mistral-medium-mini"],
    "special": SPECIAL,
    "of-others": ["gpt-5"],
}
"""What each client may ask for. The client's key is made from its name."""


def key(client: str) -> str:
    return f"key-of-the-client-{client}"


def clients(models: Mapping[str, list[str] | None] = MODELS) -> dict[str, ClientArgs]:
    return {
        name: {"api_key": key(name)} if each is None else {"api_key": key(name), "models": each}
        for name, each in models.items()
    }


PROVIDERS: dict[str, OpenAICompatibleLLMArgs] = {
    "mistral": {
        "preset": "mistral",
        "shared_route_path": "/llm",
        "models": ["mistral-*", "codestral-*", "whisper-1", *SPECIAL],
        "model_aliases": {"fast": "mistral-small-latest"},
    },
    "root": {"host": "root.example.com", "route_path": "/"},
    "odd": {"host": "odd.example.com", "route_path": "/a(b)*+$;c"},
    "fixed": {"host": "fixed.example.com", "model": "mistral-medium"},
    "overridden": {"host": "overridden.example.com", "request_overrides": {"model": "mistral-medium"}},
    "of-others": {"host": "others.example.com", "model": "gpt-5"},
    "default": {"host": "default.example.com", "request_defaults": {"model": "mistral-medium"}},
    "narrow": {"host": "chat.example.com", "endpoints": Endpoints.CHAT},
    "fixed-narrow": {"host": "chat.example.com", "endpoints": Endpoints.CHAT, "model": "mistral-medium"},
}


@cache
def proxy() -> Proxy:
    def program() -> None:
        for name, args in PROVIDERS.items():
            common: OpenAICompatibleLLMArgs = {"api": BackendApi.AGENTGATEWAY, "api_key": f"key-of-{name}"}
            OpenAICompatibleLLM(name, {**common, **args, "clients": clients()})
        OpenAICompatibleGateway("llm", {"route_path": "/llm", "models": LISTED, "clients": clients()})

    return Proxy("", record(program).objects(), {})


LISTED = {"mistral": ["mistral-medium", "mistral-medium-mini", "fast", "codestral-latest", *SPECIAL], "vllm": ["gpt-5"]}


def sent(method: str, path: str, body: object = None, **headers: str) -> Request:
    """Makes a request with this body, said to be JSON: as it is, or as JSON; None stands for no body."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Request(method, path, {"content-type": "application/json", **headers}, content, None, 0.0)


def outcome(request: Request, client: str = "web", gateway: Proxy | None = None) -> str | int:
    """Returns the name of the provider that gets the client's request, or who answers in its place."""
    return answer({**request.headers, "authorization": f"Bearer {key(client)}"}, request, gateway or proxy())


def answer(headers: Mapping[str, str], request: Request, gateway: Proxy) -> str | int:
    request = gateway.transformed(Request(request.method, request.path, dict(headers), request.body, None, 0.0))
    rule = next(gateway.rules("llm.example.com", request))
    try:
        gateway.admit(rule, request)
    except RefusedError as refused:
        return refused.status
    if "backendRefs" in rule.rule:
        (backend,) = rule.rule["backendRefs"]
        return str(backend["name"])
    return {"models": LIST, "unknown": NOBODY}[rule.rule["name"]]


def chat(model: object) -> dict[str, Any]:
    return {"model": model, "messages": []}
