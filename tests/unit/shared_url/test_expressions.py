"""The CEL expressions of the shared URL's objects, evaluated as the proxy does, and what it makes of their values."""

import gzip
import json
from typing import Any

import openai.types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.pagination import SyncPage

from tests.support.arguments import model_patterns, owners
from tests.support.http_server import Request
from tests.support.recording import record_gateway
from tests.unit.shared_url.expressions import evaluate_body, request
from tests.unit.shared_url.proxy import MOST_BYTES, Proxy

UNHURRIED: dict[str, Any] = {"deadline": None, "derandomize": True, "database": None}

NO_MODEL = (
    "This request names no model, so no provider can be chosen. Send JSON with a model in it, not compressed and not "
    "larger than the gateway reads. Requests without a model, such as for files, go to a provider's own URL."
)

MULTIPART = b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--x--\r\n'

# What a request's body is, and the model that the proxy finds in it.
BODIES: dict[str, tuple[bytes, str | None]] = {
    "a model": (b'{"model": "mistral-small-latest", "messages": []}', "mistral-small-latest"),
    "a model with a slash": (b'{"model": "meta-llama/Llama-3.3-70B"}', "meta-llama/Llama-3.3-70B"),
    "a model twice": (b'{"model": "a", "model": "b"}', "b"),
    "an escaped model": (b'{"mod\\u0065l": "fas\\u0074"}', "fast"),
    "blanks around a model": (b'{"model": " fast "}', " fast "),
    "an empty model": (b'{"model": ""}', ""),
    "a model of other characters": ('{"model": "modèle"}'.encode(), "modèle"),
    "a model of two lines": (b'{"model": "fast\\nx-llm-model: large"}', None),
    "a model further down": (b'{"x": {"model": "fast"}}', None),
    "no model": (b'{"messages": []}', None),
    "no value": (b'{"model": null}', None),
    "a number": (b'{"model": 5}', None),
    "a boolean": (b'{"model": true}', None),
    "a list": (b'{"model": ["fast"]}', None),
    "an object": (b'{"model": {"id": "fast"}}', None),
    "JSON that is no object": (b'["model", "fast"]', None),
    "text": (b'"model"', None),
    "no JSON": (b"model=fast", None),
    "half of JSON": (b'{"model": "fast"', None),
    "JSON with a mark in front": (b'\xef\xbb\xbf{"model": "fast"}', None),
    "JSON in UTF-16": ('{"model": "fast"}'.encode("utf-16"), None),
    "multipart": (MULTIPART, None),
    "gzip": (gzip.compress(b'{"model": "fast"}'), None),
    "nothing": (b"", None),
    "more than the proxy reads": (json.dumps({"model": "fast", "x": "y" * MOST_BYTES}).encode(), None),
}


def one_url(**args: Any) -> Proxy:
    return Proxy("", record_gateway({"route_path": "/llm", **args}).objects(), {})


def direct_response(proxy: Proxy, rule: str, body: bytes | None = b"") -> Any:
    """Returns the body that the proxy answers with by itself, parsed."""
    response = proxy.one("AgentgatewayPolicy", f"llm-{rule}")["spec"]["traffic"]["directResponse"]
    return json.loads(evaluate_body(response["bodyExpression"], request=request(body)))


def sent(body: bytes, **headers: str) -> Request:
    return Request("POST", "/llm/v1/chat/completions", headers, body, None, 0.0)


@pytest.mark.parametrize("forged", [False, True])
@pytest.mark.parametrize(("body", "model"), BODIES.values(), ids=BODIES)
def test_the_gateway_reads_the_model_and_believes_no_header(body: bytes, model: str | None, forged: bool) -> None:
    headers = {"x-llm-model": "forged", "x-other": "kept"} if forged else {"x-other": "kept"}
    transformed = one_url().transformed(sent(body, **headers))
    assert transformed.headers == {"x-other": "kept", **({} if model is None else {"x-llm-model": model})}
    assert transformed.body == body


def test_a_larger_buffer_lets_the_gateway_read_more() -> None:
    body = json.dumps({"model": "fast", "x": "y" * MOST_BYTES}).encode()
    proxy = one_url(max_request_bytes=len(body))
    assert proxy.transformed(sent(body)).headers == {"x-llm-model": "fast"}
    assert proxy.transformed(sent(body + b" ")).headers == {}


def error(message: str) -> dict[str, Any]:
    return {
        "error": {"message": message, "type": "invalid_request_error", "param": "model", "code": "model_not_found"},
    }


@pytest.mark.parametrize("model", ["gpt-x", "", " ", 'with "quotes"', "back\\slash", "modèle 😀", "a\nb", "x" * 5000])
def test_the_error_names_the_model_that_nobody_serves(model: str) -> None:
    found = direct_response(one_url(), "unknown", json.dumps({"model": model}).encode())
    expected = f'The model "{model}" is not served at this URL. GET /llm/v1/models lists the models.'
    assert found == error(expected if model else NO_MODEL)


# As text these name something, although no header.
NAMED = ("a model of two lines", "a number", "a boolean")


@pytest.mark.parametrize("case", [case for case, (_, model) in BODIES.items() if not model and case not in NAMED])
def test_a_request_without_a_model_gets_a_sentence_of_its_own(case: str) -> None:
    body, _ = BODIES[case]
    readable = body if len(body) <= MOST_BYTES else None
    assert direct_response(one_url(), "unknown", readable) == error(NO_MODEL)


@pytest.mark.parametrize(
    ("route_path", "listed_at"), [("/", "/v1/models"), ("/it's", "/it's/v1/models"), ("/$(a)*", "/$(a)*/v1/models")]
)
def test_the_error_says_where_the_models_are_listed(route_path: str, listed_at: str) -> None:
    proxy = one_url(route_path=route_path)
    message = direct_response(proxy, "unknown", b'{"model": "gpt-x"}')["error"]["message"]
    assert message == f'The model "gpt-x" is not served at this URL. GET {listed_at} lists the models.'
    (rule, _) = proxy.one("HTTPRoute", "llm")["spec"]["rules"]
    assert listed_at in [match["path"]["value"] for match in rule["matches"]]


def listed(models: dict[str, list[str]]) -> list[tuple[str, str | None]]:
    """Returns the models and their owners as the official client reads the list."""
    body = direct_response(one_url(models=models), "models")
    page = SyncPage[openai.types.Model].model_validate(body)
    assert page.object == "list"
    assert [(each.object, each.created) for each in page.data] == [("model", 0)] * len(page.data)
    return [(each.id, each.owned_by) for each in page.data]


def test_the_list_has_all_models_of_all_owners_sorted_and_no_patterns() -> None:
    models = {"mistral": ["mistral-*", "fast", "codestral-2"], "deepseek": ["deepseek-chat"], "vllm": ["*"]}
    assert listed(models) == [("codestral-2", "mistral"), ("deepseek-chat", "deepseek"), ("fast", "mistral")]


def test_without_models_the_list_is_empty() -> None:
    assert direct_response(one_url(), "models") == {"object": "list", "data": []}
    assert listed({"vllm": ["*"], "mistral": []}) == []


@pytest.mark.parametrize("owner", ['the "house"', "back\\slash\\", "société 😀", "it's", "{{x}}", "a,b]", "\\u0041"])
@pytest.mark.parametrize("model", ['a"b', "back\\slash\\", "it's", "{x}", "a,b]", "\\n", "\\u0041", "${m}", "%s"])
def test_names_that_mean_something_in_an_expression_are_listed_as_they_are(model: str, owner: str) -> None:
    assert listed({owner: [model]}) == [(model, owner)]


def test_as_many_models_as_the_list_can_have_are_listed() -> None:
    models = [f"model-{number:03}" for number in range(500)]
    assert listed({"vllm": models}) == [(model, "vllm") for model in models]


@settings(max_examples=100, **UNHURRIED)
@given(models=st.dictionaries(owners, st.lists(model_patterns, max_size=5), max_size=3))
def test_the_list_is_what_the_official_client_reads_whatever_the_names(models: dict[str, list[str]]) -> None:
    names = {name for each in models.values() for name in each if "*" not in name}
    found = listed(models)
    assert [model for model, _ in found] == sorted(names)
    assert all(model in models[str(owner)] for model, owner in found)
