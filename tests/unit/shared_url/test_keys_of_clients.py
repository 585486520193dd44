"""Whose key the policies take, in which header, and from which entries of a Secret."""

import hashlib
import json
from typing import Any

import pytest

from components import OpenAICompatibleGateway, OpenAICompatibleLLM
from tests.support.recording import record
from tests.unit.shared_url.proxy import Proxy
from tests.unit.shared_url.requests_of_clients import (
    FORBIDDEN,
    LIST,
    LISTED,
    PROVIDERS,
    UNAUTHORIZED,
    answer,
    chat,
    clients,
    key,
    outcome,
    proxy,
    sent,
)


@pytest.mark.parametrize("path", ["/mistral", "/mistral/v1/models", "/llm/v1/models", "/llm/v1/x", "/narrow", "/fixed"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer of-nobody"}, {"authorization": key("any")}])
def test_nobody_gets_anywhere_without_a_clients_key(headers: dict[str, str], path: str) -> None:
    for method in ("GET", "POST"):
        assert answer(headers, sent(method, path, chat("mistral-medium")), proxy()) == UNAUTHORIZED


def objects_with(**access: Any) -> list[dict[str, Any]]:
    """Returns the objects of a provider and of the shared URL with these clients."""

    def program() -> None:
        provider: Any = {"api": "agentgateway", "api_key": "key-of-mistral", **PROVIDERS["mistral"], **access}
        gateway: Any = {"route_path": "/llm", "models": LISTED, **access}
        OpenAICompatibleLLM("mistral", provider)
        OpenAICompatibleGateway("llm", gateway)

    return record(program).objects()


THEIRS = {
    "bare": key("bare"),
    "no-metadata": json.dumps({"key": key("no-metadata")}),
    "other-metadata": json.dumps({"key": key("other-metadata"), "metadata": {"client": "other", "team": "ml"}}),
    "models": json.dumps({"key": key("models"), "metadata": {"client": "models", "models": "fast|mistral-.*"}}),
    "hash": json.dumps(
        {
            "keyHash": f"sha256:{hashlib.sha256(key('hash').encode()).hexdigest().upper()}",
            "metadata": {"models": "fast"},
        }
    ),
}
"""Entries of a Secret that others manage: keys, and JSON."""


def test_an_existing_secret_may_have_bare_keys_and_expressions_for_models() -> None:
    objects = objects_with(clients_secret={"name": "theirs"})
    secret = {"kind": "Secret", "metadata": {"name": "theirs"}, "stringData": THEIRS}
    gateway = Proxy("", [*objects, secret], {})

    def outcomes(model: str) -> dict[str, str | int]:
        request = sent("POST", "/llm/v1/chat/completions", chat(model))
        return {client: outcome(request, client, gateway) for client in THEIRS}

    unrestricted = dict.fromkeys(("bare", "no-metadata", "other-metadata"), "mistral")
    assert outcomes("fast") == {**unrestricted, "models": "mistral", "hash": "mistral"}
    assert outcomes("mistral-medium") == {**unrestricted, "models": "mistral", "hash": FORBIDDEN}
    assert outcomes("codestral-latest") == {**unrestricted, "models": FORBIDDEN, "hash": FORBIDDEN}
    assert outcome(sent("GET", "/llm/v1/models"), "bare", gateway) == LIST
    assert outcome(sent("GET", "/mistral/v1/files"), "bare", gateway) == "mistral"
    assert outcome(sent("GET", "/mistral/v1/files"), "models", gateway) == FORBIDDEN


HEADERS: list[tuple[dict[str, Any], dict[str, str], dict[str, str]]] = [
    ({}, {"authorization": "Bearer {}"}, {"authorization": "{}"}),
    ({}, {"authorization": "bearer {}"}, {"x-api-key": "{}"}),
    ({"header_name": "x-api-key"}, {"x-api-key": "{}"}, {"authorization": "Bearer {}"}),
    ({"header_name": "api-key"}, {"api-key": "{}", "authorization": "Bearer other"}, {"api-key": "Bearer {}"}),
    ({"header_name": "X-Key", "prefix": "Token"}, {"x-key": "Token {}"}, {"x-key": "{}"}),
    ({"prefix": "Token"}, {"authorization": "Token {}"}, {"authorization": "Bearer {}"}),
]


@pytest.mark.parametrize(("header", "found", "not_found"), HEADERS)
def test_a_clients_key_is_where_the_arguments_say_and_goes_no_further(
    header: dict[str, Any], found: dict[str, str], not_found: dict[str, str]
) -> None:
    more = {"client_auth_header": header} if header else {}
    gateway = Proxy("", objects_with(clients=clients(), **more), {})
    for method, path in (("POST", "/mistral"), ("POST", "/llm/v1/chat/completions"), ("GET", "/llm/v1/models")):
        request = sent(method, path, chat("mistral-medium"))
        rule = next(gateway.rules("llm.example.com", gateway.transformed(request)))
        with_key, without = (
            {name: value.format(key("web")) for name, value in headers.items()} for headers in (found, not_found)
        )
        admitted, _ = gateway.admit(rule, sent(method, path, chat("mistral-medium"), **with_key))
        assert key("web") not in f"{admitted.headers}"
        assert answer(without, request, gateway) == UNAUTHORIZED
