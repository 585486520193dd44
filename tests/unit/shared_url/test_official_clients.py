"""One base URL for several providers, as the official clients of OpenAI and Anthropic meet it.

A server does with their requests what the proxy does, by nothing but the objects that the components register.
"""

import http.client
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest
import urllib3

from components import OpenAICompatibleGatewayArgs, OpenAICompatibleLLMArgs
from components.openai_compatible_llm.args import AuthHeaderArgs, ClientArgs
from components.openai_compatible_llm.arguments.cases import to_camel_case
from tests.support.recording import record_program
from tests.support.stand_in_gateway import EMBEDDING, TOKENS
from tests.unit.shared_url.one_url import (
    DEEPSEEK,
    KEYS,
    MISTRAL,
    OPENROUTER,
    PROVIDERS,
    TEXT,
    VLLM,
    OneUrl,
    one_url,
    registered,
)

MESSAGES: Any = [{"role": "user", "content": "hi"}]
KEY = "clients-key-0123456789"
CLIENTS: dict[str, ClientArgs] = {
    "web": {"api_key": KEY, "models": ["mistral-*", "fast", "gpt-5"]},
    "any": {"api_key": "key-of-the-client-any"},
}
OF_CLIENTS: OpenAICompatibleLLMArgs = {"clients": CLIENTS}
NO_MODEL = "This request names no model, so no provider can be chosen."


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    return registered({"route_path": "/llm"})


@pytest.fixture
def url(objects: list[dict[str, Any]]) -> Iterator[OneUrl]:
    with one_url(objects) as url:
        yield url


def ask(client: openai.OpenAI, model: str, **options: Any) -> str | None:
    completion = client.chat.completions.create(model=model, messages=MESSAGES, **options)
    text: str | None = completion.choices[0].message.content
    return text


def test_the_list_has_the_models_of_all_providers_without_patterns(url: OneUrl) -> None:
    assert [(each.id, each.owned_by) for each in url.client().models.list()] == [
        ("codestral-2", "mistral"),
        ("fast", "mistral"),
        ("gpt-5", "vllm"),
        ("gpt-5-mini", "vllm"),
        ("meta-llama/Llama-3.3", "vllm"),
        ("mistral", "deepseek"),
    ]
    assert url.received_nothing()


@pytest.mark.parametrize(
    ("model", "host", "path"),
    [
        ("mistral-medium-latest", MISTRAL, "/v1"),
        ("codestral-2", MISTRAL, "/v1"),
        ("deepseek-chat", DEEPSEEK, "/v1"),
        ("mistral", DEEPSEEK, "/v1"),
        ("openrouter/mistral-small", OPENROUTER, "/api/v1"),
        ("gpt-5", VLLM, "/v1"),
        ("gpt-5-mini", VLLM, "/v1"),
        ("meta-llama/Llama-3.3", VLLM, "/v1"),
    ],
)
@pytest.mark.parametrize("version", ["/v1", ""])
def test_the_model_decides_which_provider_answers(model: str, host: str, path: str, version: str, url: OneUrl) -> None:
    assert ask(url.client(f"{url.proxy.url}/llm{version}"), model) == TEXT
    asked, request = url.received()
    assert (asked, request.path, request.json["model"]) == (host, f"{path}/chat/completions", model)
    assert request.authorization == KEYS[host]


def test_a_completion_is_streamed_token_by_token(url: OneUrl) -> None:
    stream: Any = url.client().chat.completions.create(model="deepseek-chat", messages=MESSAGES, stream=True)
    tokens = [chunk.choices[0].delta.content for chunk in stream]
    assert tokens == [*TOKENS, None]
    assert url.received()[0] == DEEPSEEK


def test_an_alias_reaches_its_provider_as_the_model_that_it_stands_for(url: OneUrl) -> None:
    assert ask(url.client(), "fast") == TEXT
    host, request = url.received()
    assert (host, request.json["model"]) == (MISTRAL, "mistral-small-latest")


@pytest.mark.parametrize(
    ("model", "host", "asked"), [("fast", MISTRAL, "mistral-small-latest"), ("gpt-5", VLLM, "gpt-5")]
)
def test_responses_and_embeddings_go_where_their_model_is(model: str, host: str, asked: str, url: OneUrl) -> None:
    assert url.client().responses.create(model=model, input="hi").output_text == TEXT
    found, request = url.received()
    assert (found, request.path, request.json["model"]) == (host, "/v1/responses", asked)
    url.forget()
    embeddings = url.client().embeddings.create(model=model, input="hi", encoding_format="float")
    assert embeddings.data[0].embedding == EMBEDDING["data"][0]["embedding"]
    found, request = url.received()
    assert (found, request.path, request.json["model"]) == (host, "/v1/embeddings", asked)


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5-", "xmistral-medium", "Fast", 'a "b"', "mistral-modèle"])
def test_a_model_that_nobody_serves_is_an_error_of_the_client_that_names_it(model: str, url: OneUrl) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        ask(url.client(), model)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert caught.value.type == "invalid_request_error"
    assert f'The model "{model}" is not served at this URL. GET /llm/v1/models lists the models.' in str(
        caught.value.body
    ).replace("\\", "")
    assert url.received_nothing()


def test_so_is_one_that_a_caller_forged_a_header_for(url: OneUrl) -> None:
    forged = {"x-llm-model": "deepseek-chat", "X-LLM-Model": "deepseek-chat"}
    with pytest.raises(openai.NotFoundError, match="gpt-4o"):
        ask(url.client(), "gpt-4o", extra_headers=forged)
    with pytest.raises(openai.NotFoundError, match=NO_MODEL):
        url.client().files.create(file=b"{}", purpose="batch", extra_headers=forged)
    assert url.received_nothing()


def test_a_header_chooses_no_other_provider_than_the_body(url: OneUrl) -> None:
    assert ask(url.client(), "gpt-5", extra_headers={"x-llm-model": "deepseek-chat"}) == TEXT
    assert url.received()[0] == VLLM


def test_a_request_without_a_model_gets_a_sentence_of_its_own(url: OneUrl) -> None:
    client = url.client()
    for request in (
        lambda: client.files.create(file=b"{}", purpose="batch"),
        lambda: client.audio.transcriptions.create(file=b"RIFF", model="mistral-transcribe"),
        lambda: client.files.list(),
        lambda: ask(client, ""),
        lambda: client.models.retrieve("mistral-medium-latest"),
    ):
        with pytest.raises(openai.NotFoundError, match=NO_MODEL) as caught:
            request()
        assert caught.value.code == "model_not_found"
    assert url.received_nothing()


@pytest.mark.parametrize("key", [{"auth_token": "the-callers"}, {"api_key": "the-callers"}])
@pytest.mark.parametrize(
    ("model", "host", "path", "asked"),
    [
        ("openrouter/auto", OPENROUTER, "/api/v1/messages", "openrouter/auto"),
        ("deepseek-chat", DEEPSEEK, "/v1/chat/completions", "deepseek-chat"),
        ("fast", MISTRAL, "/v1/chat/completions", "mistral-small-latest"),
        ("gpt-5", VLLM, "/v1/chat/completions", "gpt-5"),
    ],
)
def test_anthropics_client_reaches_every_provider(
    model: str, host: str, path: str, asked: str, key: dict[str, Any], url: OneUrl
) -> None:
    client = url.anthropic_client(default_headers={"x-api-key": "of-anthropics"}, **key)
    message = client.messages.create(model=model, max_tokens=64, messages=MESSAGES)
    assert [each.text for each in message.content if each.type == "text"] == [TEXT]
    found, request = url.received()
    assert (found, request.path, request.json["model"]) == (host, path, asked)
    assert request.json["messages"] == MESSAGES
    assert request.authorization == KEYS[host]
    # No header of Anthropic's is taken for a key, or taken away.
    assert request.headers["x-api-key"] == "of-anthropics"


def test_anthropics_client_streams_what_is_translated(url: OneUrl) -> None:
    with url.anthropic_client(auth_token="x").messages.stream(model="fast", max_tokens=64, messages=MESSAGES) as stream:
        assert list(stream.text_stream) == TOKENS
    assert url.received()[1].json["stream"] is True


def test_anthropics_client_reads_the_error_for_a_model_that_nobody_serves(url: OneUrl) -> None:
    with pytest.raises(anthropic.NotFoundError, match="claude-x"):
        url.anthropic_client(auth_token="x").messages.create(model="claude-x", max_tokens=64, messages=MESSAGES)


@pytest.mark.parametrize(
    "path", ["/chat/completion%73", "/CHAT/completions", "//chat/completions", "/x/../chat/completions", "/messages/"]
)
def test_no_other_spelling_of_an_endpoint_gets_past_the_aliases(path: str, url: OneUrl) -> None:
    # Other clients resolve `..` by themselves.
    connection = http.client.HTTPConnection(urlsplit(url.base_url).netloc)
    with closing(connection):
        connection.request("POST", f"/llm/v1{path}", b'{"model": "fast"}')
        with connection.getresponse() as response:
            assert response.status == 403
    assert url.received_nothing()


@pytest.mark.parametrize(("name", "host"), [("mistral", MISTRAL), ("deepseek", DEEPSEEK), ("vllm", VLLM)])
def test_each_provider_has_its_own_url_as_before(name: str, host: str, url: OneUrl) -> None:
    client = url.client(f"{url.proxy.url}/{name}/v1")
    assert ask(client, "any-model", extra_headers={"x-llm-model": "forged"}) == TEXT
    found, request = url.received()
    assert (found, request.json["model"]) == (host, "any-model")


def test_a_body_that_the_gateway_does_not_read_has_no_model() -> None:
    with one_url(registered({"route_path": "/llm"})) as url, pytest.raises(openai.NotFoundError, match=NO_MODEL):
        ask(url.client(), "gpt-5", user="x" * 2**21)
    with one_url(registered({"route_path": "/llm", "max_request_bytes": 2**22})) as url:
        assert ask(url.client(), "gpt-5", user="x" * 2**21) == TEXT


def test_a_providers_clients_hold_at_the_shared_path_as_well() -> None:
    with one_url(registered({"route_path": "/llm"}, mistral=OF_CLIENTS)) as url:
        with pytest.raises(openai.AuthenticationError):
            ask(url.client(), "fast")
        assert url.received_nothing()
        assert ask(url.client(api_key=KEY), "fast") == TEXT
        assert url.received()[1].authorization == "Bearer mistrals-key"


@pytest.fixture
def url_with_clients() -> Iterator[OneUrl]:
    """All providers and the shared URL have the same clients."""
    with one_url(registered({"route_path": "/llm", "clients": CLIENTS}, **dict.fromkeys(PROVIDERS, OF_CLIENTS))) as url:
        yield url


def test_a_client_sees_and_gets_its_own_models_alone(url_with_clients: OneUrl) -> None:
    url = url_with_clients
    client = url.client(api_key=KEY)
    assert [each.id for each in client.models.list()] == ["fast", "gpt-5"]
    assert len(list(url.client(api_key="key-of-the-client-any").models.list())) == 6
    for model, host in (("fast", MISTRAL), ("mistral-medium-latest", MISTRAL), ("gpt-5", VLLM)):
        url.forget()
        assert ask(client, model) == TEXT
        assert url.received()[0] == host
        assert url.received()[1].authorization == KEYS[host]
        assert KEY not in f"{url.received()[1].headers}"
    url.forget()
    for model in ("gpt-5-mini", "codestral-2", "deepseek-chat", "mistral"):
        with pytest.raises(openai.PermissionDeniedError):
            ask(client, model)
    with pytest.raises(openai.NotFoundError, match="gpt-4o"):
        ask(client, "gpt-4o")
    assert url.received_nothing()


def test_so_it_is_at_a_providers_own_url(url_with_clients: OneUrl) -> None:
    url = url_with_clients
    client = url.client(f"{url.proxy.url}/mistral/v1", api_key=KEY)
    assert ask(client, "fast") == TEXT
    assert client.embeddings.create(model="mistral-embed", input="hi", encoding_format="float").data
    url.forget()
    refused = (
        lambda: ask(client, "codestral-2"),
        lambda: client.embeddings.create(model="codestral-embed", input="hi"),
        lambda: client.audio.transcriptions.create(file=b"RIFF", model="mistral-transcribe"),
        lambda: client.files.list(),
        lambda: client.files.create(file=b"{}", purpose="batch"),
        lambda: client.fine_tuning.jobs.create(model="mistral-small", training_file="file-1"),
        lambda: client.responses.retrieve("resp_1"),
        lambda: client.models.retrieve("mistral-medium-latest"),
    )
    for request in refused:
        with pytest.raises(openai.PermissionDeniedError):
            request()
    assert url.received_nothing()


def test_nobody_sees_the_list_without_a_clients_key(url_with_clients: OneUrl) -> None:
    with pytest.raises(openai.AuthenticationError):
        url_with_clients.client().models.list()
    with pytest.raises(openai.AuthenticationError):
        ask(url_with_clients.client(), "gpt-4o")


def test_anthropics_client_gives_a_clients_key_as_its_token(url_with_clients: OneUrl) -> None:
    url = url_with_clients
    question: Any = {"model": "fast", "max_tokens": 64, "messages": MESSAGES}
    with pytest.raises(anthropic.AuthenticationError):
        url.anthropic_client(auth_token="x", default_headers={"x-api-key": KEY}).messages.create(**question)
    client = url.anthropic_client(auth_token=KEY)
    assert client.messages.create(**question).type == "message"
    assert url.received()[1].authorization == KEYS[MISTRAL]
    with pytest.raises(anthropic.PermissionDeniedError):
        client.messages.create(**{**question, "model": "deepseek-chat"})


def url_with_header(name: str) -> AbstractContextManager[OneUrl]:
    """Runs the shared URL for clients with their keys in the header of this name."""
    header: AuthHeaderArgs = {"header_name": name}
    provider: OpenAICompatibleLLMArgs = {"clients": CLIENTS, "client_auth_header": header}
    gateway: OpenAICompatibleGatewayArgs = {"route_path": "/llm", "clients": CLIENTS, "client_auth_header": header}
    return one_url(registered(gateway, **dict.fromkeys(PROVIDERS, provider)))


def test_a_clients_key_may_come_in_the_header_of_anthropics_api() -> None:
    """Its client of today sends a token. Older ones and other programs send a key."""
    question: Any = {"model": "fast", "max_tokens": 64, "messages": MESSAGES}
    with url_with_header("x-api-key") as url:
        client = url.anthropic_client(auth_token="x", default_headers={"x-api-key": KEY})
        assert client.messages.create(**question).type == "message"
        _, request = url.received()
        assert request.authorization == KEYS[MISTRAL]
        assert "x-api-key" not in request.headers
        with pytest.raises(anthropic.AuthenticationError):
            url.anthropic_client(auth_token=KEY).messages.create(**question)


def test_azures_client_gives_its_key_as_it_does_to_azure() -> None:
    """It puts the model into the path as well, where others could stand than in the body."""
    with url_with_header("api-key") as url:

        def azures(key: str) -> openai.AzureOpenAI:
            return openai.AzureOpenAI(base_url=url.base_url, api_key=key, api_version="2024-10-21", max_retries=0)

        with azures(KEY) as client, azures("key-of-the-client-any") as unrestricted, azures("of-nobody") as nobody:
            assert [each.id for each in client.models.list()] == ["fast", "gpt-5"]
            assert client.responses.create(model="fast", input="hi").output_text == TEXT
            assert "api-key" not in url.received()[1].headers
            url.forget()
            assert ask(unrestricted, "fast") == TEXT
            asked, request = url.received()
            assert (asked, urlsplit(request.path).path) == (MISTRAL, "/v1/chat/completions")
            with pytest.raises(openai.AuthenticationError):
                ask(nobody, "fast")
            with pytest.raises(openai.PermissionDeniedError):
                ask(client, "fast")


def test_a_provider_with_host_names_takes_its_models_there_alone() -> None:
    with one_url(registered({"route_path": "/llm"}, vllm={"hostnames": ["llm.example.com"]})) as url:
        with pytest.raises(openai.NotFoundError):
            ask(url.client(), "gpt-5")
        assert ask(url.client(), "gpt-5", extra_headers={"host": "llm.example.com"}) == TEXT
        assert url.received()[0] == VLLM


def test_another_listener_has_no_model_and_no_list() -> None:
    for section, status in (("http", 200), ("other", 404)):
        objects = registered({"route_path": "/llm", "gateway": {"section_name": section}})
        with one_url(objects) as url, urllib3.PoolManager(retries=False) as pool:
            assert pool.request("GET", f"{url.base_url}/models").status == status


def test_at_the_root_every_request_that_nobody_takes_gets_the_error() -> None:
    with one_url(registered({"route_path": "/"})) as url:
        client = url.client(f"{url.proxy.url}/v1")
        assert "fast" in [each.id for each in client.models.list()]
        assert ask(client, "fast") == TEXT
        with pytest.raises(openai.NotFoundError, match=r"gpt-4o.*GET /v1/models"):
            ask(client, "gpt-4o")
        assert ask(url.client(f"{url.proxy.url}/vllm/v1"), "any-model") == TEXT


def test_a_stack_file_makes_the_same_objects(objects: list[dict[str, Any]]) -> None:
    providers = {
        name: {to_camel_case(argument): value for argument, value in args.items() if argument != "preset"}
        for name, args in PROVIDERS.items()
    }
    config = {"api": "agentgateway", "shared": {"routePath": "/llm"}, "providers": providers}
    # In a program the gateway's objects come last, because its models are outputs of the providers.
    made, expected = (
        {(each["kind"], each["metadata"]["name"]): each for each in found}
        for found in (record_program(config).objects(), objects)
    )
    assert made == expected
