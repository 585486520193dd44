"""The whole OpenAI API behind one base URL: the official client, the real agentgateway, and nothing else between."""

import gzip
import json
from typing import Any

import openai
import pytest
import urllib3

from tests.gateway.deployment import KEY, Deployment
from tests.gateway.load import Load
from tests.gateway.openai_provider import Exchange, chat_completion, completion
from tests.gateway.test_changes_under_load import changed
from tests.support.question import QUESTION

pytestmark = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)

PREFIXES = ("/v1", "/openai/v1", "/v1beta/openai", "")
PICTURE = "aGVsbG8="
AUDIO = bytes(range(256)) * 40
VECTOR = [0.25, -0.5]
TRIES = 100


def whole_api(exchange: Exchange) -> None:
    """Answers as a provider that serves every endpoint."""
    request = exchange.request_
    path = request.path
    if path.endswith("/chat/completions"):
        completion(exchange)
    elif path.endswith("/audio/speech"):
        exchange.answer(200, AUDIO, content_type="audio/mpeg")
    elif path.endswith("/responses") and request.json.get("stream"):
        exchange.stream(json.dumps(each) for each in response_events(request.json["model"]))
    else:
        for ending, answer in ANSWERS.items():
            if path.endswith(ending):
                exchange.answer(200, json.dumps(answer).encode())
                return
        exchange.answer(404, b'{"error": {"message": "unknown path"}}')


def response(model: str) -> dict[str, Any]:
    text = {"type": "output_text", "text": "Hello", "annotations": []}
    message = {"type": "message", "id": "m1", "status": "completed", "role": "assistant", "content": [text]}
    return {
        "id": "r1", "object": "response", "created_at": 1, "status": "completed", "model": model, "output": [message],
        "parallel_tool_calls": False, "tool_choice": "auto", "tools": [],
    }  # fmt: skip


def response_events(model: str) -> list[dict[str, Any]]:
    delta = {"type": "response.output_text.delta", "delta": "Hello", "item_id": "m1", "output_index": 0}
    return [
        {**delta, "content_index": 0, "sequence_number": 1, "logprobs": []},
        {"type": "response.completed", "sequence_number": 2, "response": response(model)},
    ]


ANSWERS: dict[str, dict[str, Any]] = {
    "/responses": response("configured"),
    "/embeddings": {
        "object": "list",
        "model": "e",
        "data": [{"object": "embedding", "index": 0, "embedding": VECTOR}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    },
    "/models": {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "house"}]},
    "/audio/transcriptions": {"text": "hello"},
    "/images/generations": {"created": 1, "data": [{"b64_json": PICTURE}]},
    "/rerank": {"results": [{"index": 0, "relevance_score": 0.5}]},
}


@pytest.fixture
def client(deployment: Deployment, prefix: str) -> openai.OpenAI:
    deployment.provider.behaviour = whole_api
    deployment.up(host=None, port=None, baseUrl=f"https://localhost:{deployment.provider.port}{prefix}")
    url = f"{deployment.gateway.url}{deployment.route_path}/v1"
    return openai.OpenAI(base_url=url, api_key="the-callers", max_retries=0, timeout=20)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_endpoint_arrives_at_the_providers_own_path_with_its_key(
    deployment: Deployment, client: openai.OpenAI, prefix: str
) -> None:
    question: Any = [{"role": "user", "content": "hi"}]
    assert client.chat.completions.create(model="asked", messages=question).choices[0].message.content
    chunks = client.chat.completions.create(model="asked", messages=question, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello, world!"
    assert client.responses.create(model="asked", input="hi").output_text == "Hello"
    streamed = client.responses.create(model="asked", input="hi", stream=True)
    assert [event.type for event in streamed] == ["response.output_text.delta", "response.completed"]
    embedded = client.embeddings.create(model="asked", input="hi", encoding_format="float")
    assert embedded.data[0].embedding == VECTOR
    assert [model.id for model in client.models.list()] == ["m"]
    assert client.audio.transcriptions.create(model="asked", file=("a.wav", AUDIO, "audio/wav")).text == "hello"
    assert client.audio.speech.create(model="asked", voice="alloy", input="hi").read() == AUDIO
    assert client.images.generate(model="asked", prompt="a cat").data[0].b64_json == PICTURE  # type: ignore[index]
    assert client.post("/rerank", body={"model": "asked"}, cast_to=object) == ANSWERS["/rerank"]
    body = {"model": "asked", "messages": question, "max_tokens": 9}
    translated: Any = client.post("/messages", body=body, cast_to=object)
    assert (translated["type"], [each["text"] for each in translated["content"]]) == ("message", ["Hello, world!"])

    came = deployment.provider.requests
    assert [(each.method, each.path.removeprefix(prefix)) for each in came] == [
        ("POST", "/chat/completions"),
        ("POST", "/chat/completions"),
        ("POST", "/responses"),
        ("POST", "/responses"),
        ("POST", "/embeddings"),
        ("GET", "/models"),
        ("POST", "/audio/transcriptions"),
        ("POST", "/audio/speech"),
        ("POST", "/images/generations"),
        ("POST", "/rerank"),
        ("POST", "/chat/completions"),
    ]
    assert all(each.path.startswith(prefix) for each in came)
    assert {each.authorization for each in came} == {f"Bearer {KEY}"}
    assert {each.host.partition(":")[0] for each in came} == {"localhost"}
    bodies = [each for each in came if each.method == "POST" and "json" in each.headers["content-type"]]
    models = [(each.path.removeprefix(prefix), each.json["model"]) for each in bodies]
    assert {model for path, model in models if path in ("/chat/completions", "/responses")} == {"configured"}
    assert {model for path, model in models if path not in ("/chat/completions", "/responses")} == {"asked"}
    upload = next(each for each in came if "transcriptions" in each.path)
    assert AUDIO in upload.body
    assert b"asked" in upload.body


@pytest.mark.parametrize("prefix", ["/openai/v1"])
def test_a_base_url_without_v1_and_the_routes_own_path_do_as_well(
    deployment: Deployment, client: openai.OpenAI, prefix: str
) -> None:
    assert client.base_url.path.endswith("/v1/")
    for path in ("", "/chat/completions", "/v1/chat/completions"):
        assert deployment.ask(path).json()["model"] == "configured"
    assert {each.path for each in deployment.provider.requests} == {f"{prefix}/chat/completions"}
    assert deployment.ask("/embeddings").json() == ANSWERS["/embeddings"]
    assert deployment.provider.requests[-1].path == f"{prefix}/embeddings"


def test_a_query_such_as_azures_api_version_arrives_with_all_endpoints_and_is_dropped_with_chat_alone(
    deployment: Deployment,
) -> None:
    deployment.provider.behaviour = lambda exchange: exchange.answer(200, json.dumps(chat_completion("m")).encode())
    chat = "/openai/deployments/d/chat/completions"
    for endpoints, arrives in (("all", f"{chat}?api-version=2024-10-21"), ("chat", chat)):
        deployment.up(path=chat, endpoints=endpoints)
        for _ in range(TRIES):
            deployment.until(200, path="/v1/chat/completions?api-version=2024-10-21")
            if deployment.provider.requests[-1].path == arrives:
                break
        assert deployment.provider.requests[-1].path == arrives


def test_a_chat_completion_in_gzip_arrives_unpacked(deployment: Deployment) -> None:
    deployment.up()
    deployment.until(200)
    with urllib3.PoolManager(retries=False, timeout=20) as pool:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        body = gzip.compress(json.dumps({**QUESTION, "seed": 7}).encode())
        assert pool.request("POST", deployment.url, body=body, headers=headers).status == 200
    last = deployment.provider.requests[-1]
    assert (last.json["seed"], "content-encoding" in last.headers) == (7, False)


def test_a_browsers_preflight_is_not_served(deployment: Deployment) -> None:
    deployment.up()
    deployment.until(200)
    headers = {"origin": "https://www.example.com", "access-control-request-method": "POST"}
    with urllib3.PoolManager(retries=False, timeout=20) as pool:
        assert pool.request("OPTIONS", deployment.url, headers=headers).status == 503
    assert {each.method for each in deployment.provider.requests} == {"POST"}


def test_a_live_route_changes_between_chat_and_all_and_loses_no_request(deployment: Deployment) -> None:
    deployment.up(endpoints="chat")
    bare = f"{deployment.gateway.url}{deployment.route_path}"
    for endpoints in ("all", "chat", "all"):
        printed: list[str] = []
        with Load(bare) as load:
            changed(deployment, lambda: printed.append(deployment.up(endpoints=endpoints)))  # noqa: B023
        assert (load.lost, load.total > 0) == ({}, True)
        assert "1 updated" in printed[0]
    assert {each.path for each in deployment.provider.requests} == {"/v1/chat/completions"}
    assert {each.json["model"] for each in deployment.provider.requests} == {"configured"}
    assert deployment.provider.keys() == {f"Bearer {KEY}"}
