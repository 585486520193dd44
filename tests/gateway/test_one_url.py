"""One URL for several providers on the real agentgateway: a request's model decides which of them answers."""

import gzip
import http.client
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest
import urllib3

from tests.gateway.deployment import KEY
from tests.gateway.one_url import MODEL_HEADER, NO_MODEL, PATH, PATHS, OneUrl, asked_for, error_of
from tests.gateway.openai_provider import Exchange, OpenAIProvider, completion_events
from tests.gateway.test_endpoints import ANSWERS, AUDIO, VECTOR, response_events, whole_api
from tests.gateway.test_paths import GOVERNED, REFUSED
from tests.support.question import QUESTION, ask

OTHER_KEY = "sk-canary-gateway-other-6e0a"

# What a provider is asked for, by the model that a request names.
OF_ONE = {
    "gpt-5": "gpt-5",
    "gpt-5-mini": "gpt-5-mini",
    "meta/llama-3": "meta/llama-3",
    "a.b+c(d)": "a.b+c(d)",
    "fast": "gpt-5-mini",
    "embed": "embedder-2",
}
OF_TWO = {name: name for name in ("mistral-small", "mistral-", "mistral-a/b", "codestral-latest", "-latest")}
NOBODYS = (
    *("gpt-50", "gpt-5-mini-2", "xgpt-5", "GPT-5", "Fast", "fast "),
    *("meta", "llama-3", "meta/llama-3/x", "aXb+c(d)", "a.bbc(d)", "a.b+cd"),
    *("mistral", "Mistral-small", "xmistral-small", "codestral-latest-2", 'quoted "model"', "modèle"),
)


def of_one(one_url: OneUrl, **arguments: Any) -> dict[str, Any]:
    exact = ["gpt-5", "gpt-5-mini", "meta/llama-3", "a.b+c(d)", "tts-1"]
    aliases = {"fast": "gpt-5-mini", "embed": "embedder-2"}
    return one_url.config(models=exact, modelAliases=aliases, **arguments)


@pytest.fixture
def two(one_url: OneUrl, other_provider: OpenAIProvider) -> OpenAIProvider:
    """The second of two providers, which are deployed and serve every endpoint."""
    one_url.provider.behaviour = other_provider.behaviour = whole_api
    patterns = {"models": ["mistral-*", "*-latest"], "apiKey": OTHER_KEY}
    one_url.deploy({"one": of_one(one_url), "two": one_url.config(other_provider, **patterns)})
    one_url.until_served("gpt-5", "mistral-small")
    for each in (one_url.provider, other_provider):
        each.requests.clear()
    return other_provider


def test_the_provider_that_serves_the_requests_model_answers_with_and_without_v1(
    one_url: OneUrl, two: OpenAIProvider
) -> None:
    for path in PATHS:
        for asked in (*OF_ONE, *OF_TWO):
            answer = one_url.ask(path, body={"model": asked})
            assert (asked, answer.status) == (asked, 200), answer.data
    assert asked_for(one_url.provider) == [*OF_ONE.values()] * len(PATHS)
    assert asked_for(two) == [*OF_TWO.values()] * len(PATHS)


def test_each_provider_gets_its_own_key_host_and_path_and_never_the_gateways_header(
    one_url: OneUrl, two: OpenAIProvider
) -> None:
    for path in (PATH, "/one", "/two"):
        for model in ("gpt-5", "mistral-small"):
            headers = {"authorization": "Bearer the-callers", MODEL_HEADER: "forged"}
            assert (
                ask(f"{one_url.gateway.url}{path}/v1/chat/completions", {"model": model}, headers=headers).status == 200
            )
    for provider, key in ((one_url.provider, KEY), (two, OTHER_KEY)):
        assert len(asked_for(provider)) == 3
        assert provider.keys() == {f"Bearer {key}"}
        places = {(each.path, each.host.partition(":")[0], each.server_name) for each in provider.requests}
        assert places == {("/v1/chat/completions", "localhost", "localhost")}


def test_a_header_of_the_callers_own_decides_nothing(one_url: OneUrl, two: OpenAIProvider) -> None:
    for forged in ("mistral-small", "gpt-5"):
        assert one_url.ask(body={"model": "gpt-5"}, headers={MODEL_HEADER: forged}).status == 200
        with urllib3.PoolManager(retries=False, timeout=20) as pool:
            headers = {MODEL_HEADER: forged, "content-type": "application/json"}
            for body in (b'{"messages": []}', b"no JSON", b""):
                answer = pool.request("POST", one_url.url, body=body, headers=headers)
                assert NO_MODEL in refused(answer)["message"]
            listed = pool.request("GET", f"{one_url.base_url}/files", headers=headers)
            assert NO_MODEL in refused(listed)["message"]
    assert asked_for(one_url.provider) == ["gpt-5"] * 2
    assert two.requests == []


def refused(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    """Returns the gateway's own error."""
    error = error_of(answer)
    assert error is not None, (answer.status, answer.data)
    assert answer.headers["content-type"] == "application/json"
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", "model", "model_not_found")
    return error


def test_a_model_that_nobody_serves_gets_openais_error_with_its_name_and_where_the_list_is(
    one_url: OneUrl, two: OpenAIProvider
) -> None:
    for model in NOBODYS:
        message = f'The model "{model}" is not served at this URL. GET {PATH}/v1/models lists the models.'
        assert refused(one_url.ask(body={"model": model}))["message"] == message
    with pytest.raises(openai.NotFoundError) as raised:
        one_url.client.chat.completions.create(model="gpt-50", messages=[{"role": "user", "content": "hi"}])
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")
    assert '"gpt-50"' in raised.value.message
    assert one_url.provider.requests == two.requests == []


def test_a_request_without_a_model_gets_an_error_that_says_so(one_url: OneUrl, two: OpenAIProvider) -> None:
    client = one_url.client
    multipart: dict[str, Callable[[], object]] = {
        "audio": lambda: client.audio.transcriptions.create(model="gpt-5", file=("a.wav", AUDIO, "audio/wav")),
        "file": lambda: client.files.create(file=("a.jsonl", b"{}"), purpose="batch"),
        "files": client.files.list,
    }
    for request in multipart.values():
        with pytest.raises(openai.NotFoundError, match=NO_MODEL):
            request()
    body = json.dumps({**QUESTION, "model": "gpt-5"}).encode()
    bodies = {
        "gzip": (gzip.compress(body), {"content-encoding": "gzip"}),
        "empty": (b"", {}),
        "no model": (b'{"messages": []}', {}),
        "no JSON": (b"{bad", {}),
        "list": (b"[]", {}),
        "empty model": (b'{"model": ""}', {}),
    }
    with urllib3.PoolManager(retries=False, timeout=20) as pool:
        for name, (content, more) in bodies.items():
            headers = {"content-type": "application/json", **more}
            error = refused(pool.request("POST", one_url.url, body=content, headers=headers))
            assert (name, NO_MODEL in error["message"]) == (name, True)
    assert one_url.provider.requests == two.requests == []


def test_the_list_has_every_name_once_in_order_with_its_provider_and_no_pattern(
    one_url: OneUrl, other_provider: OpenAIProvider
) -> None:
    two = one_url.config(other_provider, models=["mistral-*", "Zeta", "codestral-2"])
    elsewhere = {"elsewhere": ["b-1", "c-*"]}
    one_url.deploy({"one": of_one(one_url), "two": two}, models=elsewhere)
    one_url.provider.behaviour = whole_api
    names = ["a.b+c(d)", "b-1", "codestral-2", "embed", "fast", "gpt-5", "gpt-5-mini", "meta/llama-3", "tts-1"]
    one_url.until_listed("Zeta", *names)
    owners = {"Zeta": "two", "b-1": "elsewhere", "codestral-2": "two"}
    expected = [(name, owners.get(name, "one")) for name in ("Zeta", *names)]
    for base_url in (one_url.base_url, f"{one_url.gateway.url}{PATH}"):
        page = one_url.client.with_options(base_url=base_url).models.list()
        assert page.object == "list"
        assert [(each.id, each.owned_by) for each in page.data] == expected
        assert {(each.object, each.created) for each in page.data} == {("model", 0)}
    assert one_url.provider.requests == []
    one_url.until_served("gpt-5")
    assert one_url.listed("/one/v1/models") == [("m", "house")]


def test_each_providers_own_url_takes_every_model_as_before(one_url: OneUrl, two: OpenAIProvider) -> None:
    question: Any = [{"role": "user", "content": "hi"}]
    client = one_url.client.with_options(base_url=f"{one_url.gateway.url}/two/v1")
    for model in ("gpt-5", "nobodys", "mistral-small"):
        assert client.chat.completions.create(model=model, messages=question).choices[0].message.content
    assert client.responses.create(model="nobodys", input="hi").output_text == "Hello"
    assert client.embeddings.create(model="nobodys", input="hi", encoding_format="float").data[0].embedding == VECTOR
    assert client.audio.transcriptions.create(model="m", file=("a.wav", AUDIO, "audio/wav")).text == "hello"
    assert [each.id for each in client.models.list()] == ["m"]
    assert ask(f"{one_url.gateway.url}/two", {"model": "bare"}).status == 200
    assert [(each.path, MODEL_HEADER in each.headers) for each in two.requests] == [
        (path, False)
        for path in (
            *["/v1/chat/completions"] * 3,
            "/v1/responses",
            "/v1/embeddings",
            "/v1/audio/transcriptions",
            "/v1/models",
            "/v1/chat/completions",
        )
    ]
    assert two.requests[-1].json["model"] == "bare"
    assert one_url.provider.requests == []


def test_every_endpoint_that_names_a_model_in_json_is_routed_by_it_and_aliases_hold(
    one_url: OneUrl, two: OpenAIProvider
) -> None:
    client = one_url.client
    for model in ("fast", "mistral-small"):
        assert client.responses.create(model=model, input="hi").output_text == "Hello"
    for model in ("embed", "mistral-embed"):
        embedded = client.embeddings.create(model=model, input="hi", encoding_format="float")
        assert embedded.data[0].embedding == VECTOR
    assert client.audio.speech.create(model="tts-1", voice="alloy", input="hi").read() == AUDIO
    assert client.post("/rerank", body={"model": "mistral-rerank"}, cast_to=object) == ANSWERS["/rerank"]
    assert [(each.path, each.json["model"]) for each in one_url.provider.requests] == [
        ("/v1/responses", "gpt-5-mini"),
        ("/v1/embeddings", "embedder-2"),
        ("/v1/audio/speech", "tts-1"),
    ]
    assert [(each.path, each.json["model"]) for each in two.requests] == [
        ("/v1/responses", "mistral-small"),
        ("/v1/embeddings", "mistral-embed"),
        ("/v1/rerank", "mistral-rerank"),
    ]
    assert MODEL_HEADER not in {name for each in (*one_url.provider.requests, *two.requests) for name in each.headers}


@pytest.mark.parametrize("base", [PATH, "/one"])
def test_anthropics_client_talks_to_a_provider_of_chat_completions(
    one_url: OneUrl, two: OpenAIProvider, base: str
) -> None:
    client = anthropic.Anthropic(
        base_url=f"{one_url.gateway.url}{base}", auth_token="the-callers", max_retries=0, timeout=20
    )
    messages: Any = [{"role": "user", "content": "hi"}]
    message = client.messages.create(model="fast", max_tokens=9, messages=messages)
    assert [each.text for each in message.content if each.type == "text"] == ["Hello, world!"]
    assert (message.role, message.stop_reason) == ("assistant", "end_turn")
    with client.messages.stream(model="fast", max_tokens=9, messages=messages) as stream:
        assert "".join(stream.text_stream) == "Hello, world!"
    for request in one_url.provider.requests:
        assert request.path == "/v1/chat/completions"
        assert (request.json["model"], request.json["max_completion_tokens"]) == ("gpt-5-mini", 9)
    assert one_url.provider.keys() == {f"Bearer {KEY}"}
    assert len(asked_for(one_url.provider)) == 2
    assert two.requests == []


def chat(one_url: OneUrl) -> Iterable[object]:
    messages: Any = [{"role": "user", "content": "hi"}]
    return one_url.client.chat.completions.create(model="fast", messages=messages, stream=True)


def responses(one_url: OneUrl) -> Iterable[object]:
    return one_url.client.responses.create(model="fast", input="hi", stream=True)


def messages(one_url: OneUrl) -> Iterable[object]:
    client = anthropic.Anthropic(
        base_url=f"{one_url.gateway.url}{PATH}", auth_token="the-callers", max_retries=0, timeout=20
    )
    question: Any = [{"role": "user", "content": "hi"}]
    return client.messages.create(model="fast", max_tokens=9, messages=question, stream=True)


@pytest.mark.parametrize("stream", [chat, responses, messages])
def test_an_answer_arrives_while_the_provider_still_writes_it(
    one_url: OneUrl, stream: Callable[[OneUrl], Iterable[object]]
) -> None:
    first_event_read = threading.Event()

    def writes(exchange: Exchange) -> None:
        request = exchange.request_
        chunks = completion_events(request) if "messages" in request.json else map(json.dumps, response_events("m"))

        def events() -> Iterator[str]:
            yield next(chunks)
            assert first_event_read.wait(20), "nobody read the first event"
            yield from chunks

        exchange.stream(events())

    one_url.deploy({"one": of_one(one_url)})
    one_url.until_served("gpt-5")
    one_url.provider.behaviour = writes
    events = iter(stream(one_url))
    next(events)
    first_event_read.set()
    assert len(list(events)) >= 1
    assert asked_for(one_url.provider)[-1] == "gpt-5-mini"


# Other spellings of what is governed where a provider has aliases.
EMBEDDINGS = ("/v1/Embeddings", "/v1/embedding%73", "/v1/embeddings/")


def post(one_url: OneUrl, path: str) -> tuple[int, bytes]:
    """Sends the path as it stands, which other clients would tidy up."""
    connection = http.client.HTTPConnection(urlsplit(one_url.gateway.url).netloc, timeout=20)
    try:
        body = json.dumps({**QUESTION, "model": "fast", "input": "hi", "max_tokens": 9})
        connection.request("POST", path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", [PATH, "/eu;a=(1)%41"])
def test_every_spelling_of_a_governed_endpoint_is_governed_or_refused(one_url: OneUrl, path: str) -> None:
    one_url.path = path
    one_url.provider.behaviour = whole_api
    one_url.deploy({"one": of_one(one_url, requestOverrides={"temperature": 0.5})})
    one_url.until_served("gpt-5")
    one_url.provider.requests.clear()

    refused_here = (*REFUSED, *EMBEDDINGS)
    answers = {ending: post(one_url, path + ending) for ending in refused_here}
    assert {ending: status for ending, (status, _) in answers.items()} == dict.fromkeys(refused_here, 403)
    assert {body for _, body in answers.values()} == {b"authorization failed"}
    assert one_url.provider.requests == []

    endings = [*filter(None, GOVERNED), "/v1/embeddings"]
    assert [post(one_url, path + ending)[0] for ending in endings] == [200] * len(endings)
    assert [(each.json["model"], each.json["temperature"]) for each in one_url.provider.requests] == [
        ("gpt-5-mini", 0.5)
    ] * len(endings)
