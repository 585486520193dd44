"""Which requests of which client the policies let through, and which models the shared list shows it."""

import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.openai_compatible_llm import model_patterns
from tests.support.recording import record_component, record_gateway
from tests.unit.shared_url import expressions
from tests.unit.shared_url.proxy import MOST_BYTES, Proxy
from tests.unit.shared_url.requests_of_clients import (
    FORBIDDEN,
    LIST,
    LISTED,
    MODELS,
    NOBODY,
    PROVIDERS,
    SPECIAL,
    chat,
    clients,
    key,
    outcome,
    sent,
)

UNHURRIED: dict[str, Any] = {"deadline": None, "derandomize": True, "database": None}
ON_AGENTGATEWAY: dict[str, Any] = {"api": "agentgateway", "api_key": "key-of-the-provider"}

WITH_MODEL = (
    *("chat/completions", "completions", "responses", "messages", "embeddings", "moderations", "rerank"),
    *("images/generations", "audio/speech"),
)
"""Endpoints whose JSON body names a model."""

BASES = ("/mistral/v1", "/mistral", "/llm/v1", "/llm")


@pytest.mark.parametrize("endpoint", WITH_MODEL)
@pytest.mark.parametrize("base", BASES)
def test_a_client_gets_its_own_models_alone_at_both_paths(base: str, endpoint: str) -> None:
    path = f"{base}/{endpoint}"
    for client, models in {
        "web": ["mistral-medium", "mistral-", "fast", "mistral-a/b c"],
        "latest": ["codestral-latest", "mistral-small-latest"],
        "special": SPECIAL,
        "any": ["mistral-medium", "fast", "codestral-latest"],
        "everything": ["mistral-medium", "fast", "codestral-latest"],
    }.items():
        assert [outcome(sent("POST", path, chat(model)), client) for model in models] == ["mistral"] * len(models)
    for client, models in {
        "web": ["codestral-latest", "whisper-1"],
        "latest": ["fast", "mistral-medium", "codestral-latest-1"],
        "special": ["mistral-medium"],
        "of-others": ["mistral-medium", "fast"],
    }.items():
        assert [outcome(sent("POST", path, chat(model)), client) for model in models] == [FORBIDDEN] * len(models)


@pytest.mark.parametrize("path", ["/mistral", "/mistral?x=/v1/chat/completions"])
def test_the_routes_own_path_is_a_chat_completion(path: str) -> None:
    assert outcome(sent("POST", path, chat("mistral-medium"))) == "mistral"
    assert outcome(sent("POST", path, chat("codestral-latest"))) == FORBIDDEN
    # At the shared path the rest of the path decides, and here there is none.
    assert outcome(sent("POST", "/llm", chat("mistral-medium"))) == FORBIDDEN
    assert outcome(sent("POST", "/llm", chat("mistral-medium")), "any") == "mistral"


@pytest.mark.parametrize("base", BASES[:2])
@pytest.mark.parametrize(
    "model",
    ["Mistral-medium", "MISTRAL-MEDIUM", "xmistral-medium", "mistral", "", " mistral-medium", "Fast", "faster", "fas"],
)
def test_case_counts_and_so_does_every_character(model: str, base: str) -> None:
    assert outcome(sent("POST", f"{base}/chat/completions", chat(model))) == FORBIDDEN


def test_a_model_whose_name_is_the_beginning_of_anothers_is_another_model() -> None:
    asked = {model: sent("POST", "/mistral/v1/chat/completions", chat(model)) for model in LISTED["mistral"][:2]}
    assert [outcome(each, "exact") for each in asked.values()] == ["mistral", FORBIDDEN]
    assert [outcome(each, "exact-or-mini") for each in asked.values()] == [FORBIDDEN, "mistral"]


@pytest.mark.parametrize("model", ["meta-llamaXLlama-3.3", "axb|c", "a.b", "c", "x", "X", "", "aa", "it's", "^$"])
def test_what_means_something_in_an_expression_means_nothing_in_a_name(model: str) -> None:
    assert outcome(sent("POST", "/mistral/v1/chat/completions", chat(model)), "special") == FORBIDDEN


def test_an_alias_is_a_name_of_its_own() -> None:
    own = {**MODELS, "alias": ["fast"], "model": ["mistral-small-latest"]}
    args = {**ON_AGENTGATEWAY, **PROVIDERS["mistral"], "clients": clients(own)}
    gateway = Proxy("", record_component(args).objects(), {})
    asked = {model: sent("POST", "/mistral/v1/responses", chat(model)) for model in ("fast", "mistral-small-latest")}
    assert [outcome(each, "alias", gateway) for each in asked.values()] == ["mistral", FORBIDDEN]
    assert [outcome(each, "model", gateway) for each in asked.values()] == [FORBIDDEN, "mistral"]


MULTIPART = b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nmistral-medium\r\n--x--\r\n'

NO_MODEL: dict[str, Any] = {
    "no body": None,
    "no JSON": b"model=mistral-medium",
    "half of JSON": b'{"model": "mistral-medium"',
    "multipart": MULTIPART,
    "gzip": gzip.compress(b'{"model": "mistral-medium"}'),
    "JSON in UTF-16": '{"model": "mistral-medium"}'.encode("utf-16"),
    "no object": ["model", "mistral-medium"],
    "text": "mistral-medium",
    "a number of a body": 5,
    "null": b"null",
    "no model": {"messages": []},
    "a model further down": {"x": {"model": "mistral-medium"}},
    "a model in another case": {"Model": "mistral-medium"},
    "a number": chat(5),
    "a boolean": chat(model=True),
    "nothing": chat(None),
    "a list": chat(["mistral-medium"]),
    "an object": chat({"id": "mistral-medium"}),
    "two lines": chat("mistral-medium\nx"),
    "a line break at the end": chat("mistral-medium\n"),
    "more than the gateway reads": json.dumps({"model": "mistral-medium", "x": "y" * MOST_BYTES}).encode(),
}


@pytest.mark.parametrize("endpoint", ["", "/v1/chat/completions", "/v1/embeddings", "/audio/speech"])
@pytest.mark.parametrize("body", NO_MODEL.values(), ids=NO_MODEL)
def test_a_request_whose_model_can_not_be_read_is_refused_to_a_client_with_models(body: Any, endpoint: str) -> None:
    request = sent("POST", f"/mistral{endpoint}", body)
    for client in ("web", "exact"):
        assert outcome(request, client) == FORBIDDEN
    assert outcome(request, "any") == "mistral"


@pytest.mark.parametrize(
    "body", [b'{"model": "codestral-latest", "model": "mistral-a"}', b'{"mod\\u0065l": "fas\\u0074"}']
)
def test_a_model_is_read_as_the_gateway_reads_it(body: bytes) -> None:
    """The last of two, and what is escaped as what it stands for."""
    assert outcome(sent("POST", "/mistral/v1/chat/completions", body)) == "mistral"


EVERY_WAY = [
    "/mistral",
    *(f"{base}/{endpoint}" for base in BASES for endpoint in WITH_MODEL),
    "/fixed",
    "/narrow",
    "/fixed-narrow",
]
"""Paths at which a request has a model, that of the body or a fixed one."""


@pytest.mark.parametrize("path", EVERY_WAY)
def test_a_request_that_may_ask_for_another_model_elsewhere_is_refused_to_a_client_with_models(path: str) -> None:
    """What servers, such as LiteLLM and OpenRouter, take a model from as well."""
    allowed = chat("mistral-medium")
    others = {
        "models": sent("POST", path, {**allowed, "models": ["codestral-latest"]}),
        "fallbacks": sent("POST", path, {**allowed, "fallbacks": ["codestral-latest"]}),
        "another case": sent("POST", path, {**allowed, "Model": "codestral-latest"}),
        "fallbacks in another case": sent("POST", path, {**allowed, "FallBacks": ["codestral-latest"]}),
        "more JSON": sent("POST", path, json.dumps(allowed).encode() + b'{"model": "codestral-latest"}'),
        "before a form": sent("POST", path, json.dumps(allowed).encode() + MULTIPART),
        **{
            kind or "of no type": sent("POST", path, allowed, **{"content-type": kind})
            for kind in (
                *("", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"),
                *("application/jsonl", "application/x-www-form-urlencoded; application/json"),
            )
        },
        **{
            query: sent("POST", f"{path}?{query}", allowed)
            for query in (
                *(
                    "model=codestral-latest",
                    "x=1&model=codestral-latest",
                    "x;model=y",
                    "MODEL=x",
                    "x[model]=y",
                    "model",
                ),
                *("mod%65l=codestral-latest", "%6Dodel=x", "x=1&%6D=2", "a?model=x", "models=x"),
            )
        },
    }
    assert outcome(sent("POST", path, allowed), "exact") != FORBIDDEN
    for name, request in others.items():
        assert outcome(request, "exact") == FORBIDDEN, name
        assert outcome(request, "any") != FORBIDDEN, name


@pytest.mark.parametrize("query", ["beta=true", "api-version=preview", "x=model", "x=a%20b&y", ""])
@pytest.mark.parametrize("path", [*EVERY_WAY, "/a(b)*+$;c"])
def test_other_queries_and_spellings_of_the_type_are_as_good(path: str, query: str) -> None:
    for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"):
        request = sent("POST", f"{path}?{query}", chat("mistral-medium"), **{"content-type": kind})
        assert outcome(request, "exact") != FORBIDDEN, kind


@pytest.mark.parametrize("path", ["/mistral/models", "/mistral/v1/models"])
@pytest.mark.parametrize("body", [None, chat("codestral-latest"), MULTIPART])
def test_every_client_may_list_the_providers_models(body: Any, path: str) -> None:
    for client in MODELS:
        assert outcome(sent("GET", f"{path}?limit=5", body), client) == "mistral"


OTHER_PEOPLES = [
    ("GET", "/v1/models/mistral-medium"),
    ("GET", "/v1/models/meta-llama%2FLlama-3.3"),
    ("POST", "/v1/models"),
    ("DELETE", "/v1/models"),
    ("DELETE", "/v1/models/mistral-medium"),
    ("GET", "/v1/files"),
    ("POST", "/v1/files"),
    ("GET", "/v1/files/file-1/content"),
    ("DELETE", "/v1/files/file-1"),
    ("POST", "/v1/uploads"),
    ("POST", "/v1/batches"),
    ("POST", "/v1/assistants"),
    ("POST", "/v1/threads"),
    ("POST", "/v1/threads/thread_1/messages"),
    ("POST", "/v1/threads/messages"),
    ("POST", "/v1/threads/runs"),
    ("POST", "/v1/fine_tuning/jobs"),
    ("GET", "/v1/fine_tuning/jobs"),
    ("GET", "/v1/responses/resp_1"),
    ("DELETE", "/v1/responses/resp_1"),
    ("POST", "/v1/responses/resp_1/cancel"),
    ("DELETE", "/v1/responses"),
    ("GET", "/v1/responses"),
    ("GET", "/v1/chat/completions"),
    ("GET", "/v1/chat/completions/chatcmpl_1"),
    ("POST", "/v1/chat/completions/chatcmpl_1"),
    ("DELETE", "/v1/chat/completions"),
    ("PUT", "/v1/chat/completions"),
    ("PATCH", "/v1/embeddings"),
    ("POST", "/v1/conversations"),
    ("POST", "/v1/vector_stores"),
    ("POST", "/v1/evals"),
    ("POST", "/v1/audio/transcriptions"),
    ("POST", "/v1/images/edits"),
    ("POST", "/v1/videos"),
    ("POST", "/v1/realtime/sessions"),
    ("POST", "/v1/organization/projects"),
    ("POST", "/v2/chat/completions"),
    ("POST", "/v1/v1/chat/completions"),
    ("POST", "/openai/v1/chat/completions"),
    ("POST", "/deployments/mistral-medium/chat/completions"),
    ("GET", ""),
    ("DELETE", ""),
]


@pytest.mark.parametrize(("method", "path"), OTHER_PEOPLES)
def test_no_other_request_is_for_a_client_with_models_even_if_it_names_one_of_them(method: str, path: str) -> None:
    """What others have stored at the provider has no model by which it could be told apart."""
    request = sent(method, f"/mistral{path}", chat("mistral-medium"))
    for client in ("web", "exact", "everything"):
        assert outcome(request, client) == FORBIDDEN
    assert outcome(request, "any") == "mistral"
    if path:
        shared = sent(method, f"/llm{path}", chat("mistral-medium"))
        assert outcome(shared) == FORBIDDEN
        assert outcome(shared, "any") == "mistral"


MISSPELT = [
    *("chat/completion%73", "chat%2Fcompletions", "chat/completions;x", "CHAT/completions", "chat/Completions"),
    *("chat//completions", "chat/completions/", "./chat/completions", "x/../chat/completions", "x/%2E%2E/embeddings"),
    *("Embeddings", "embeddings/", "responses%2F", "Responses", "MESSAGES", "models/..%2Fchat%2Fcompletions"),
    *("models%2F..%2Fchat/completions", "chat\\completions", "chat/completions%00", "%63hat/completions"),
]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("path", MISSPELT)
def test_a_misspelt_endpoint_is_refused_to_everybody(path: str, base: str) -> None:
    for client in MODELS:
        if client != "of-others":
            assert outcome(sent("POST", f"{base}/{path}", chat("mistral-medium")), client) == FORBIDDEN


@pytest.mark.parametrize("path", ["/models/meta-llama%2FLlama-3.3", "/v1/models/a%2fb/x", "/v1/files/file-1"])
def test_a_client_without_models_may_do_what_the_route_can(path: str) -> None:
    assert outcome(sent("GET", f"/mistral{path}"), "any") == "mistral"
    assert outcome(sent("GET", f"/mistral{path}")) == FORBIDDEN


@pytest.mark.parametrize("provider", ["root", "odd"])
def test_a_route_at_any_path_has_the_same_rule(provider: str) -> None:
    base = PROVIDERS[provider]["route_path"]
    assert isinstance(base, str)
    for path in (base, *(f"{base.rstrip('/')}{version}/{each}" for version in ("", "/v1") for each in WITH_MODEL)):
        assert outcome(sent("POST", path, chat("mistral-medium"))) == provider
        assert outcome(sent("POST", path, chat("codestral-latest"))) == FORBIDDEN
    for version in ("", "/v1"):
        assert outcome(sent("GET", f"{base.rstrip('/')}{version}/models")) == provider
    assert outcome(sent("POST", f"{base.rstrip('/')}/v1/files", chat("mistral-medium"))) == FORBIDDEN


SETS_MODEL = [
    "",
    *(f"{version}/{each}" for version in ("", "/v1") for each in ("chat/completions", "responses", "messages")),
]
EMBEDDINGS = ["/embeddings", "/v1/embeddings"]


@pytest.mark.parametrize(("provider", "set_there"), [("fixed", SETS_MODEL), ("overridden", [*SETS_MODEL, *EMBEDDINGS])])
def test_a_fixed_model_stands_in_the_place_of_the_bodys_where_it_is_set(provider: str, set_there: list[str]) -> None:
    for endpoint in ("", *(f"{version}/{each}" for version in ("", "/v1") for each in WITH_MODEL)):
        asked = [sent("POST", f"/{provider}{endpoint}", chat(model)) for model in ("gpt-5", "mistral-medium")]
        own: list[str | int] = [provider] * 2
        others: list[str | int] = [FORBIDDEN] * 2
        if endpoint not in set_there:
            own, others = [FORBIDDEN, provider], [provider, FORBIDDEN]
        assert [outcome(each, "exact") for each in asked] == own, endpoint
        assert [outcome(each, "of-others") for each in asked] == others, endpoint
        assert [outcome(each, "any") for each in asked] == [provider] * 2, endpoint


def test_a_client_whose_models_are_others_than_the_fixed_one_gets_nothing_by_naming_its_own() -> None:
    request = sent("POST", "/of-others/v1/chat/completions", chat("mistral-medium"))
    assert outcome(request) == FORBIDDEN
    assert outcome(request, "of-others") == "of-others"


def test_a_default_model_is_nothing_that_the_client_asked_for() -> None:
    path = "/default/v1/chat/completions"
    assert outcome(sent("POST", path, {"messages": []})) == FORBIDDEN
    assert outcome(sent("POST", path, chat("mistral-medium"))) == "default"
    assert outcome(sent("POST", path, chat("gpt-5"))) == FORBIDDEN


@pytest.mark.parametrize("path", ["", "/v1/chat/completions", "/anything/else", "/v1/models"])
def test_where_every_request_is_a_chat_completion_its_model_decides(path: str) -> None:
    assert outcome(sent("POST", f"/narrow{path}", chat("mistral-medium"))) == "narrow"
    assert outcome(sent("POST", f"/narrow{path}", chat("gpt-5"))) == FORBIDDEN
    assert outcome(sent("GET", f"/narrow{path}")) == FORBIDDEN
    assert outcome(sent("GET", f"/narrow{path}"), "any") == "narrow"
    assert outcome(sent("POST", f"/fixed-narrow{path}", chat("gpt-5"))) == "fixed-narrow"
    assert outcome(sent("POST", f"/fixed-narrow{path}", chat("mistral-medium")), "of-others") == FORBIDDEN


def test_what_nobody_serves_and_the_list_are_for_every_client() -> None:
    for client in MODELS:
        assert outcome(sent("POST", "/llm/v1/chat/completions", chat("gpt-x")), client) == NOBODY
        for path in ("/llm/models", "/llm/v1/models"):
            assert outcome(sent("GET", path, chat("mistral-medium")), client) == LIST


def listed(client: str, models: Mapping[str, Sequence[str]], own: Mapping[str, list[str] | None]) -> list[str]:
    """Returns the models that the shared list shows the client."""
    args = {"route_path": "/llm", "models": models, "clients": clients(own)}
    gateway = Proxy("", record_gateway(args).objects(), {})
    request = sent("GET", "/llm/v1/models", authorization=f"Bearer {key(client)}")
    rule = next(gateway.rules("llm.example.com", request))
    _, variables = gateway.admit(rule, request)
    body = json.loads(expressions.evaluate_body(rule.policy("directResponse")["bodyExpression"], **variables))
    assert body["object"] == "list"
    return [each["id"] for each in body["data"]]


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("any", sorted([*LISTED["mistral"], "gpt-5"])),
        ("everything", sorted([*LISTED["mistral"], "gpt-5"])),
        ("web", ["fast", "mistral-medium", "mistral-medium-mini"]),
        ("latest", ["codestral-latest"]),
        ("exact", ["mistral-medium"]),
        ("exact-or-mini", ["mistral-medium-mini"]),
        ("special", sorted(SPECIAL)),
        ("of-others", ["gpt-5"]),
    ],
)
def test_the_shared_list_shows_each_client_its_own_models(client: str, expected: list[str]) -> None:
    assert listed(client, LISTED, MODELS) == expected


CHARACTERS = "aAbB1 -_:/@.+?()|[]{}^$\\&#~,<>='\"!%"
names = st.text(CHARACTERS, min_size=1, max_size=6).filter(lambda name: name == name.strip())
patterns = names | names.map("{}*".format) | names.map("*{}".format) | st.just("*")


@settings(max_examples=100, **UNHURRIED)
@given(
    own=st.lists(patterns, min_size=1, max_size=3, unique=True),
    others=st.lists(names, min_size=1, max_size=4),
    data=st.data(),
)
def test_rule_and_list_take_a_model_if_one_of_the_clients_patterns_stands_for_it(
    own: list[str], others: list[str], data: st.DataObject
) -> None:
    near = data.draw(st.lists(st.sampled_from([each.replace("*", "x") for each in own]), max_size=2))
    models = sorted({*others, *near} - {""})
    expected = [model for model in models if any(model_patterns.matches(each, model) for each in own)]
    assert listed("own", {"vllm": models}, {"own": own}) == expected
    args = {**ON_AGENTGATEWAY, "host": "vllm.models", "clients": clients({"own": own})}
    gateway = Proxy("", record_component(args, "vllm").objects(), {})
    asked = [sent("POST", "/vllm/v1/chat/completions", chat(model)) for model in models]
    found = [model for model, each in zip(models, asked, strict=True) if outcome(each, "own", gateway) == "vllm"]
    assert found == expected
