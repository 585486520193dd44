"""The models of clients on the real agentgateway: at a provider's own URL, at the shared one, and in its list."""

import gzip
import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from tests.gateway.clients import CRON, NEW, NOT_ALLOWED, OTHER, WEB, WITHOUT_KEY, WRONG_KEY, bearer, client, clients
from tests.gateway.deployment import KEY, LARGE_PROMPT, Deployment
from tests.gateway.load import Load
from tests.gateway.one_url import PATH, OneUrl, asked_for, error_of
from tests.gateway.openai_provider import OpenAIProvider
from tests.gateway.test_endpoints import AUDIO, whole_api
from tests.support.question import QUESTION, ask

OWN = "/one"
MODELS = ["gpt-5", "gpt-5-mini", "tts-1", "a.b+c(d)", "codestral-2"]
ALIASES = {"fast": "gpt-5-mini", "slow": "gpt-5"}
OF_WEB = {"fast": "gpt-5-mini", "gpt-5": "gpt-5", "tts-1": "tts-1", "a.b+c(d)": "a.b+c(d)"}
"""What the client may ask for, and what the provider is asked for."""
NOT_OF_WEB = ("slow", "gpt-5-mini", "codestral-2")

TYPED = ("/chat/completions", "/responses", "/messages", "/embeddings")
"""Endpoints where the gateway replaces an alias."""
PASSED_ON = ("/completions", "/moderations", "/rerank", "/images/generations", "/audio/speech")
BASES = (OWN, f"{OWN}/v1", PATH, f"{PATH}/v1")
ENDPOINTS = [base + endpoint for base in BASES for endpoint in (*TYPED, *PASSED_ON)]
AROUND = 60


def request(
    gateway: str, method: str, path: str, body: object = None, key: str | None = WEB, **headers: str
) -> tuple[int, bytes]:
    """Sends the path as it stands, which other clients would tidy up."""
    connection = http.client.HTTPConnection(urlsplit(gateway).netloc, timeout=20)
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    typed = {} if content is None else {"content-type": "application/json"}
    try:
        connection.request(method, path, content, {**typed, **(bearer(key) if key else {}), **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def question(model: object) -> dict[str, Any]:
    """Returns a body that every endpoint takes."""
    return {**QUESTION, "model": model, "input": "hi", "max_tokens": 9}


@pytest.fixture
def shared(one_url: OneUrl) -> OneUrl:
    """One provider, deployed with a client that has some of its models, and one that has all."""
    one_url.provider.behaviour = whole_api
    own = ["fast", "gpt-5", "tts-*", "a.b+c(d)"]
    one_url.settings = {"clients": {"web": client(WEB, *own), "cron": client(CRON)}}
    one_url.deploy({"one": one_url.config(models=MODELS, modelAliases=ALIASES)})
    one_url.until_served(*MODELS, *ALIASES, **bearer(CRON))
    one_url.until(200, body={"model": "fast"}, headers=bearer(WEB))
    one_url.provider.requests.clear()
    return one_url


def is_refused(answer: tuple[int, bytes]) -> bool:
    return answer == (403, NOT_ALLOWED.encode())


def test_a_client_asks_for_its_own_models_by_the_names_that_it_uses_at_every_endpoint(shared: OneUrl) -> None:
    provider = shared.provider
    for path in ENDPOINTS:
        for model, expected in OF_WEB.items():
            status, body = request(shared.gateway.url, "POST", path, question(model))
            # This provider lacks some endpoints.
            assert (status, b"unknown path" in body) in ((200, False), (404, True)), (path, model, body)
            last = provider.requests[-1]
            asked = expected if path.endswith(TYPED) else model
            assert (last.json["model"], last.authorization) == (asked, f"Bearer {KEY}"), path
    assert len(provider.requests) == len(ENDPOINTS) * len(OF_WEB)

    provider.requests.clear()
    for path in ENDPOINTS:
        for model in NOT_OF_WEB:
            answer = request(shared.gateway.url, "POST", path, question(model))
            assert is_refused(answer), (path, model, answer)
    assert provider.requests == []
    for base in BASES:
        for model in (*MODELS, *ALIASES):
            assert request(shared.gateway.url, "POST", f"{base}/chat/completions", question(model), CRON)[0] == 200
    assert asked_for(provider) == [*MODELS, *ALIASES.values()] * len(BASES)


def test_only_a_whole_name_is_a_clients_model(shared: OneUrl) -> None:
    others = ("FAST", "Fast", "fast ", " fast", "fast\n", "xfast", "gpt-50", "gpt-5\n", "tts", "aXb+c(d)", "a.bbc(d)")
    for model in (*others, "", None, 5, ["gpt-5"], {"gpt-5": 1}, "gpt-5|.*", "fast|codestral-2"):
        for path in (OWN, f"{OWN}/v1/chat/completions", f"{OWN}/v1/rerank"):
            answer = request(shared.gateway.url, "POST", path, question(model))
            assert is_refused(answer), (model, path, answer)
    assert shared.provider.requests == []
    for path in (OWN, f"{OWN}/v1/chat/completions", f"{OWN}/v1/chat/completions?beta=true"):
        assert request(shared.gateway.url, "POST", path, question("tts-new"))[0] == 200


def test_what_has_no_readable_model_and_every_other_path_is_refused_to_a_client_with_models(shared: OneUrl) -> None:
    url, allowed = shared.gateway.url, question("gpt-5")
    refused: dict[str, tuple[str, str, object]] = {
        "files": ("GET", "/v1/files", None),
        "a file": ("GET", "/v1/files/file-1/content", None),
        "deletion": ("DELETE", "/v1/files/file-1", None),
        "one model": ("GET", "/v1/models/gpt-5", None),
        "batches": ("POST", "/v1/batches", {"input_file_id": "file-1", "endpoint": "/v1/chat/completions"}),
        "fine-tuning, with an allowed model": (
            "POST",
            "/v1/fine_tuning/jobs",
            {"model": "gpt-5", "training_file": "f"},
        ),
        "an assistant, with an allowed model": ("POST", "/v1/assistants", allowed),
        "GET with a body": ("GET", "/v1/chat/completions", allowed),
        "PUT": ("PUT", "/v1/chat/completions", allowed),
        "wrong case": ("POST", "/v1/Chat/Completions", allowed),
        "wrong case, passed on for others": ("POST", "/v1/Rerank", allowed),
        "two slashes": ("POST", "/v1//chat/completions", allowed),
        "two slashes, passed on for others": ("POST", "//v1/rerank", allowed),
        "a slash at the end": ("POST", "/v1/rerank/", allowed),
        "an escape": ("POST", "/v1/reran%6B", allowed),
        "another version": ("POST", "/v2/chat/completions", allowed),
        "another folder": ("POST", "/v1/x/chat/completions", allowed),
        "a list elsewhere": ("GET", "/v1/x/models", None),
        "a posted list": ("POST", "/v1/models", allowed),
        "no JSON": ("POST", "/v1/rerank", b"{bad"),
        "an empty body": ("POST", "/v1/rerank", b""),
        "a list as body": ("POST", "/v1/rerank", [allowed]),
        "a model in the query": ("POST", "/v1/rerank?model=codestral-2", allowed),
        "an escaped one": ("POST", "/v1/chat/completions?x=1&mod%65l=codestral-2", allowed),
        "further models": ("POST", "/v1/chat/completions", {**allowed, "models": ["codestral-2"]}),
        "fallbacks": ("POST", "/v1/rerank", {**allowed, "fallbacks": ["codestral-2"]}),
        "a model in another case": ("POST", "/v1/rerank", {**allowed, "Model": "codestral-2"}),
        "two objects": ("POST", "/v1/rerank", json.dumps(allowed).encode() + b'{"model": "codestral-2"}'),
    }
    for name, (method, path, body) in refused.items():
        assert is_refused(answer := request(url, method, OWN + path, body)), (name, answer)
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
        for path in (f"{OWN}/v1/chat/completions", f"{OWN}/v1/rerank"):
            answer = request(url, "POST", path, allowed, **{"content-type": content_type})
            assert is_refused(answer), (content_type, path, answer)
    packed = gzip.compress(json.dumps(allowed).encode())
    assert is_refused(request(url, "POST", f"{OWN}/v1/rerank", packed, **{"content-encoding": "gzip"}))
    large = {**allowed, "messages": [{"role": "user", "content": LARGE_PROMPT}]}
    answer_to_large = ask(f"{url}{OWN}/v1/chat/completions", large, headers=bearer(WEB))
    assert is_refused((answer_to_large.status, answer_to_large.data))

    for send in without_a_model(client_of(shared, WEB)):
        with pytest.raises(openai.PermissionDeniedError):
            send()
    assert shared.provider.requests == []


def client_of(one_url: OneUrl, key: str) -> openai.OpenAI:
    """Returns OpenAI's client for the provider's own URL."""
    return openai.OpenAI(base_url=f"{one_url.gateway.url}{OWN}/v1", api_key=key, max_retries=0, timeout=20)


def without_a_model(client: openai.OpenAI) -> tuple[Callable[[], object], ...]:
    """Returns requests whose body isn't JSON, or that have none."""
    return (
        lambda: client.audio.transcriptions.create(model="gpt-5", file=("a.wav", AUDIO, "audio/wav")),
        lambda: client.files.create(file=("a.jsonl", b"{}"), purpose="batch"),
        client.files.list,
    )


def test_a_client_without_models_of_its_own_reaches_everything_as_before(shared: OneUrl) -> None:
    unrestricted = client_of(shared, CRON)
    assert unrestricted.audio.transcriptions.create(model="any", file=("a.wav", AUDIO, "audio/wav")).text == "hello"
    assert [each.id for each in unrestricted.models.list()] == ["m"]
    for method, path in (("GET", "/v1/files"), ("POST", "/v1/fine_tuning/jobs"), ("POST", "/v1/Rerank")):
        assert request(shared.gateway.url, method, OWN + path, question("any") if method == "POST" else None, CRON) == (
            404,
            b'{"error": {"message": "unknown path"}}',
        )
    assert [each.path for each in shared.provider.requests] == [
        *("/v1/audio/transcriptions", "/v1/models"),
        *("/v1/files", "/v1/fine_tuning/jobs", "/v1/Rerank"),
    ]


def test_the_providers_own_list_is_for_every_client(shared: OneUrl) -> None:
    for path in ("/models", "/v1/models"):
        for body in (None, question("codestral-2")):
            status, listed = request(shared.gateway.url, "GET", OWN + path, body)
            assert (status, [each["id"] for each in json.loads(listed)["data"]]) == (200, ["m"])
    assert [each.path for each in shared.provider.requests] == ["/v1/models"] * 4


def test_the_shared_list_shows_each_client_its_own_models_and_list_and_error_need_a_key(shared: OneUrl) -> None:
    def listed(key: str, path: str | None = None) -> list[str]:
        return [name for name, _ in shared.listed(path, **bearer(key)) or []]

    shared.until_listed(*sorted((*MODELS, *ALIASES)), **bearer(CRON))
    for path in (None, f"{PATH}/models"):
        assert listed(CRON, path) == sorted((*MODELS, *ALIASES))
        assert listed(WEB, path) == sorted(OF_WEB)
    for path in (f"{PATH}/v1/models", f"{PATH}/v1/nothing"):
        for key, refusal in ((None, WITHOUT_KEY), ("wrong" * 5, WRONG_KEY), (KEY, WRONG_KEY)):
            assert request(shared.gateway.url, "GET", path, key=key) == (401, refusal.encode())
    for key in (WEB, CRON):
        error = error_of(shared.ask(body={"model": "nobodys"}, headers=bearer(key)))
        assert error is not None
        assert '"nobodys"' in error["message"]
    assert shared.ask(body={"model": "nobodys"}).data == WITHOUT_KEY.encode()

    # A fine-tuning job names a model, so it comes to the provider's route; files name none, so nobody's.
    job = request(shared.gateway.url, "POST", f"{PATH}/v1/fine_tuning/jobs", {"model": "gpt-5", "training_file": "f"})
    assert is_refused(job)
    assert request(shared.gateway.url, "GET", f"{PATH}/v1/files")[0] == 404
    assert shared.provider.requests == []


def test_of_two_providers_a_client_may_have_one_and_nobody_lists_it_the_other(
    one_url: OneUrl, other_provider: OpenAIProvider
) -> None:
    one_url.settings = {"clients": {"web": client(WEB, "mistral-*"), "cron": client(CRON, "*-5", "mistral-small")}}
    two = one_url.config(other_provider, models=["mistral-*", "mistral-small"])
    one_url.deploy({"one": one_url.config(models=["gpt-5"]), "two": two})
    for key, models in ((WEB, ["mistral-small", "mistral-x"]), (CRON, ["gpt-5", "mistral-small"])):
        for model in models:
            one_url.until(200, body={"model": model}, headers=bearer(key))
    one_url.until_listed("mistral-small", **bearer(WEB))
    one_url.until_listed("gpt-5", "mistral-small", **bearer(CRON))
    one_url.provider.requests.clear()
    other_provider.requests.clear()
    for key, model in ((WEB, "gpt-5"), (CRON, "mistral-x")):
        for path in (PATH, "/one", "/two"):
            answer = request(one_url.gateway.url, "POST", f"{path}/v1/chat/completions", question(model), key)
            assert is_refused(answer), (path, model)
    assert one_url.provider.requests == other_provider.requests == []


agentgateway_only = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)


@agentgateway_only
@pytest.mark.parametrize(
    "fixed",
    [{"model": "configured"}, {"model": None, "requestOverrides": {"model": "configured"}}],
    ids=["model", "override"],
)
def test_where_the_provider_has_a_fixed_model_a_client_needs_that(
    deployment: Deployment, fixed: dict[str, Any]
) -> None:
    deployment.provider.behaviour = whole_api
    asks = client(OTHER, "asked")
    deployment.up(**fixed, clients={"web": client(WEB, "config*"), "other": asks, "cron": client(CRON)})
    deployment.until(200, headers=bearer(WEB))
    deployment.provider.requests.clear()

    def send(path: str, key: str, model: str = "asked") -> tuple[int, bytes]:
        return request(deployment.gateway.url, "POST", deployment.route_path + path, question(model), key)

    gets_it = ("", "/chat/completions", "/v1/chat/completions", "/v1/responses", "/v1/messages")
    for path in gets_it:
        assert send(path, WEB)[0] == 200
        assert is_refused(send(path, OTHER))
    assert asked_for(deployment.provider) == ["configured"] * len(gets_it)
    # Passed on with the request's own model.
    assert is_refused(send("/v1/rerank", WEB))
    assert send("/v1/rerank", WEB, "configured")[0] == 200
    assert send("/v1/rerank", OTHER)[0] == 200
    assert asked_for(deployment.provider)[len(gets_it) :] == ["configured", "asked"]


@agentgateway_only
def test_with_chat_completions_alone_models_hold_at_every_path(deployment: Deployment) -> None:
    own = {"web": client(WEB, "gpt-*"), "cron": client(CRON)}
    deployment.up(endpoints="chat", model=None, clients=own)
    deployment.until(200, headers=bearer(CRON))
    deployment.until(200, headers=bearer(WEB), body={"model": "gpt-5"})
    deployment.provider.requests.clear()
    for path in ("", "/v1/chat/completions", "/any/path"):
        url = deployment.route_path + path
        assert request(deployment.gateway.url, "POST", url, question("gpt-5"))[0] == 200
        assert is_refused(request(deployment.gateway.url, "POST", url, question("mistral-small")))
        assert request(deployment.gateway.url, "POST", url, question("mistral-small"), CRON)[0] == 200
        assert is_refused(request(deployment.gateway.url, "GET", url))
    assert asked_for(deployment.provider) == ["gpt-5", "mistral-small"] * 3


def test_a_client_with_models_comes_and_one_gets_models_without_a_moment_in_which_it_may_do_more(
    one_url: OneUrl,
) -> None:
    providers = {"one": one_url.config(models=["gpt-5", "gpt-5-mini"])}
    one_url.settings = {"clients": clients(web=WEB, cron=CRON)}
    one_url.deploy(providers)
    one_url.until_served("gpt-5", "gpt-5-mini", **bearer(CRON))
    own = f"{one_url.gateway.url}{OWN}/v1/chat/completions"
    with (
        one_url.load_on("gpt-5", **bearer(CRON)) as others,
        one_url.load_on("gpt-5", **bearer(WEB)) as still_allowed,
        one_url.load_on("gpt-5-mini", **bearer(NEW)) as forbidden,
        Load(own, model="gpt-5-mini", headers=bearer(NEW)) as forbidden_there,
    ):
        for load in (others, forbidden, forbidden_there):
            load.wait_for(AROUND)
        new = {"web": client(WEB, "gpt-5"), "cron": client(CRON), "new": client(NEW, "gpt-5")}
        one_url.settings = {"clients": new}
        # The Secrets of provider and shared URL.
        assert "2 updated" in one_url.deploy(providers)
        one_url.until(200, body={"model": "gpt-5"}, headers=bearer(NEW))
        one_url.until(403, body={"model": "gpt-5-mini"}, headers=bearer(WEB))
        after = [one_url.ask(body={"model": "gpt-5-mini"}, headers=bearer(WEB)).status for _ in range(AROUND)]
        one_url.until_listed("gpt-5", **bearer(WEB))
        for load in (others, forbidden, forbidden_there):
            load.wait_for(AROUND)
    assert after == [403] * AROUND
    assert (others.lost, still_allowed.lost) == ({}, {})
    for load in (forbidden, forbidden_there):
        assert set(load.answers) == {f"401 {WRONG_KEY}", f"403 {NOT_ALLOWED}"}
