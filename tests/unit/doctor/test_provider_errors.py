"""The broken hop by what the provider's error says, whatever its status."""

import json
from typing import Any

import pytest

from components.openai_compatible_llm.doctor.hops import Hop
from tests.support.chat_run import NO_CLUSTER
from tests.support.http_server import Request
from tests.support.stand_in_gateway import COMPLETION, MODEL, Handler, Reply, gateways_own, providers
from tests.unit.doctor.conftest import Chat

KEY_FIX = (
    "use a key that is valid and may use the model: "
    "`pulumi config set --secret --path 'providers.<name>.apiKey'` and `pulumi up`"
)
MODEL_FIX = f"compare `model` (the request's was {MODEL}) and `path` with the provider's documentation"
WAIT = "wait and try again, or get the limit or the balance raised"
PAY = "get the balance or the limit raised at the provider"
SEND_LESS = "send less, or use a model that takes more"
OTHER_REGION = "use another provider, or send the gateway's requests from a region that this one serves"
LATER = "try again later; the provider's status page may know more"

XAI_KEY = {
    "code": "Client specified an invalid argument",
    "error": "Incorrect API key provided: ba***na. You can obtain an API key from https://console.x.ai.",
}
GEMINI_KEY: dict[str, Any] = {
    "error": {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
        "details": [{"reason": "API_KEY_INVALID", "domain": "googleapis.com"}],
    }
}
NO_MODEL = "The model `m` does not exist or you do not have access to it."
NOT_THERE = "Country, region, or territory not supported"
NO_MONEY = {
    "code": "The caller does not have permission",
    "error": "Your team doesn't have any credits or licenses yet.",
}
NO_QUOTA = {"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota"}}
TOO_LONG = {"error": {"message": "This model's maximum context length is 8192.", "code": "context_length_exceeded"}}
NO_REGION = {"error": {"message": "User location is not supported for the API use.", "status": "FAILED_PRECONDITION"}}
NO_COUNTRY = {"error": {"message": NOT_THERE, "code": "unsupported_country_region_territory"}}
TOO_FAST = {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "m is rate-limited"}}}
ABOUT_THE_KEY = "which says that it is about the API key"


def error(message: str) -> object:
    return {"error": {"message": message, "type": "invalid_request_error"}}


def quoted(body: object, problem: str = "failed to parse response: missing field `error` at line 1 column 9") -> object:
    """A response that a gateway of kgateway's couldn't read."""
    return {"error": {"message": f"failed to process response body ({problem}): {json.dumps(body)}"}}


OF_400 = "HTTP 400 from the provider"
ERRORS: list[tuple[int, object, Hop, str, str]] = [
    (400, XAI_KEY, Hop.KEY, f"{OF_400}, {ABOUT_THE_KEY}", KEY_FIX),
    (400, {"error": "Incorrect%20API%20key%20provided:%20ba***na."}, Hop.KEY, f"{OF_400}, {ABOUT_THE_KEY}", KEY_FIX),
    (400, quoted(XAI_KEY), Hop.KEY, f"{OF_400}, {ABOUT_THE_KEY}", KEY_FIX),
    (400, GEMINI_KEY, Hop.KEY, f"{OF_400}, {ABOUT_THE_KEY}", KEY_FIX),
    (400, [GEMINI_KEY], Hop.KEY, f"{OF_400}, {ABOUT_THE_KEY}", KEY_FIX),
    (400, quoted([GEMINI_KEY]), Hop.KEY, f"{OF_400}, {ABOUT_THE_KEY}", KEY_FIX),
    (401, error("Invalid API key"), Hop.KEY, f"HTTP 401 from the provider, {ABOUT_THE_KEY}", KEY_FIX),
    (500, error("AuthenticationError: no"), Hop.KEY, f"HTTP 500 from the provider, {ABOUT_THE_KEY}", KEY_FIX),
    (403, error("No"), Hop.KEY, "HTTP 403 from the provider", KEY_FIX),
    (403, NO_MONEY, Hop.LIMIT, f'HTTP 403 from the provider, "{NO_MONEY["error"]}"', PAY),
    (429, NO_QUOTA, Hop.LIMIT, 'HTTP 429 from the provider, "You exceeded your current quota."', WAIT),
    (400, NO_QUOTA, Hop.LIMIT, f'{OF_400}, "You exceeded your current quota."', PAY),
    (429, error("Use an API key"), Hop.LIMIT, 'HTTP 429 from the provider, "Use an API key"', WAIT),
    (400, TOO_LONG, Hop.LIMIT, f'{OF_400}, "This model\'s maximum context length is 8192."', SEND_LESS),
    (413, {"detail": "no"}, Hop.LIMIT, 'HTTP 413 from the provider, "no"', SEND_LESS),
    (400, NO_REGION, Hop.PROVIDER, f'{OF_400}, "User location is not supported for the API use."', OTHER_REGION),
    (403, NO_COUNTRY, Hop.PROVIDER, f'HTTP 403 from the provider, "{NOT_THERE}"', OTHER_REGION),
    (403, error(NO_MODEL), Hop.MODEL_OR_PATH, f'HTTP 403 from the provider, "{NO_MODEL}"', MODEL_FIX),
    (500, error(NO_MODEL), Hop.MODEL_OR_PATH, f'HTTP 500 from the provider, "{NO_MODEL}"', MODEL_FIX),
    (400, error("unknown field"), Hop.MODEL_OR_PATH, f'{OF_400}, "unknown field"', MODEL_FIX),
    (
        503,
        error("The model is overloaded"),
        Hop.PROVIDER,
        'HTTP 503 from the provider, "The model is overloaded"',
        LATER,
    ),
]


@pytest.mark.parametrize(("status", "body", "hop", "evidence", "fix"), ERRORS)
def test_the_error_itself_names_the_hop(
    chat: Chat, status: int, body: object, hop: Hop, evidence: str, fix: str
) -> None:
    chat.gateway.replies_with(providers(status, body))
    for arguments in ((), ("--stream",)):
        report = chat(*arguments).broken_at(hop, stdout="\n" * len(arguments), note=NO_CLUSTER)
        assert report == f"{evidence}\n{fix}"


OF_200 = "HTTP 200 from the provider, with an error in it"
SUCCESSES: list[tuple[object, Hop, str]] = [
    (XAI_KEY, Hop.KEY, f"{OF_200}, {ABOUT_THE_KEY}\n{KEY_FIX}"),
    (quoted([GEMINI_KEY]), Hop.KEY, f"{OF_200}, {ABOUT_THE_KEY}\n{KEY_FIX}"),
    (TOO_FAST, Hop.LIMIT, f'{OF_200}, "Provider returned error: m is rate-limited"\n{WAIT}'),
    ({"error": {"message": "slow down", "code": 429}}, Hop.LIMIT, f'{OF_200}, "slow down"\n{WAIT}'),
    ({"error": {"message": "who?", "code": "401"}}, Hop.KEY, f"{OF_200}\n{KEY_FIX}"),
    (error(NO_MODEL), Hop.MODEL_OR_PATH, f'{OF_200}, "{NO_MODEL}"\n{MODEL_FIX}'),
    ({"code": 1302, "msg": "busy"}, Hop.PROVIDER, f'{OF_200}, "busy"\n{LATER}'),
    ({"error_code": 17, "error_msg": "busy"}, Hop.PROVIDER, f'{OF_200}, "busy"\n{LATER}'),
    ({"status": 500, "detail": "busy"}, Hop.PROVIDER, f'{OF_200}, "busy"\n{LATER}'),
    ({"error": "Internal"}, Hop.PROVIDER, f'{OF_200}, "Internal"\n{LATER}'),
    ({**COMPLETION, "error": {"message": "Internal"}}, Hop.PROVIDER, f'{OF_200}, "Internal"\n{LATER}'),
]


def in_one_piece(body: object) -> Reply:
    return providers(200, body)


def as_the_first_event(body: object) -> Reply:
    def reply(handler: Handler, request: Request) -> None:
        if not request.json.get("stream"):
            in_one_piece(body)(handler, request)
            return
        handler.begin_stream()
        handler.event(json.dumps(body))
        handler.end_stream()

    return reply


@pytest.mark.parametrize(("body", "hop", "report"), SUCCESSES)
def test_so_does_an_error_with_status_200(chat: Chat, body: object, hop: Hop, report: str) -> None:
    chat.gateway.replies_with(in_one_piece(body))
    for arguments in ((), ("--stream",)):
        assert chat(*arguments).broken_at(hop, stdout="\n" * len(arguments), note=NO_CLUSTER) == report


@pytest.mark.parametrize("body", [GEMINI_KEY, TOO_FAST])
def test_so_does_an_error_in_a_streams_first_event(chat: Chat, body: dict[str, Any]) -> None:
    chat.gateway.replies_with(as_the_first_event(body))
    hop = Hop.KEY if body is GEMINI_KEY else Hop.LIMIT
    in_a_stream = chat("--stream").broken_at(hop, stdout="\n", note=NO_CLUSTER)
    assert in_a_stream == chat().broken_at(hop, note=NO_CLUSTER)


@pytest.mark.parametrize("arguments", [("--models",), ("--embeddings", "a")])
def test_other_endpoints_errors_with_status_200_are_read_too(chat: Chat, arguments: tuple[str, ...]) -> None:
    chat.gateway.replies_with(providers(200, XAI_KEY))
    report = chat(*arguments).broken_at(Hop.KEY, note=NO_CLUSTER)
    assert report == f"{OF_200}, {ABOUT_THE_KEY}\n{KEY_FIX}"


PARTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "Hmm."}]},
    {"type": "text", "text": "Salut "},
    {"type": "text", "text": "monde"},
]


def with_parts(handler: Handler, request: Request) -> None:
    """Replies as a reasoning model whose content is a list."""
    message = {"role": "assistant", "content": PARTS}
    if not request.json.get("stream"):
        handler.answer_json(200, {**COMPLETION, "choices": [{"message": message}]})
        return
    handler.begin_stream()
    for part in (*PARTS, "!"):
        delta = {"content": [part] if isinstance(part, dict) else part}
        handler.event(json.dumps({**COMPLETION, "choices": [{"index": 0, "delta": delta}]}))
    handler.last_chunk()
    handler.end_stream()


def test_a_message_of_several_parts_is_printed_without_the_reasoning(chat: Chat) -> None:
    chat.gateway.replies_with(with_parts)
    assert (chat().status, chat().stdout) == (0, "Salut monde\n")
    assert (chat("--stream").status, chat("--stream").stdout) == (0, "Salut monde!\n")


A_STRING = "failed to parse response: invalid type: sequence, expected a string at line 1 column 60"
MISSING = "failed to parse response: missing field `model` at line 1 column 40"
STREAM_IT = "stream the response (--stream), or use a model, or a setting for its reasoning, with text alone"


LIST_OF_PARTS = "the provider's message is a list of parts, as of some reasoning models"
NO_VALUE = "failed to parse response: expected value at line 1 column 1"


@pytest.mark.parametrize(
    ("problem", "hop", "evidence", "fix"),
    [
        (A_STRING, Hop.PROVIDER, f": {LIST_OF_PARTS}", STREAM_IT),
        (
            MISSING,
            Hop.PROVIDER,
            ": the provider answered HTTP 200 with no whole completion, probably with an error",
            "read it with --stream, since the gateway passes streams on as they are",
        ),
        (
            NO_VALUE,
            Hop.MODEL_OR_PATH,
            "",
            "compare `host` and `path` (or `baseUrl`) with the provider's documentation",
        ),
    ],
)
def test_what_the_gateway_can_not_read_is_the_providers(
    chat: Chat, problem: str, hop: Hop, evidence: str, fix: str
) -> None:
    chat.gateway.replies_with(gateways_own(503, f"processing failed: {problem}"))
    assert chat().broken_at(hop, note=NO_CLUSTER) == (
        f'HTTP 503 from the gateway itself, "processing failed: {problem}"{evidence}\n{fix}'
    )


def test_so_is_a_message_of_several_parts_that_a_gateway_of_kgateways_quotes(chat: Chat) -> None:
    chat.gateway.replies_with(providers(200, quoted({"choices": [{"message": {"content": PARTS}}]}, A_STRING)))
    assert chat().broken_at(Hop.PROVIDER, note=NO_CLUSTER) == (
        f"HTTP 200 from the provider, which the gateway can't read: {A_STRING}: {LIST_OF_PARTS}\n{STREAM_IT}"
    )


@pytest.mark.parametrize(
    "text",
    [
        'processing failed: failed to parse request: invalid type: string "hot", expected f32',
        "processing failed: missing field: model not specified",
        "processing failed: prompt guard failed",
        "failed to apply filters: no such key",
    ],
)
def test_what_the_gateway_can_not_process_is_not_the_providers_fault(chat: Chat, text: str) -> None:
    chat.gateway.replies_with(gateways_own(503, text))
    assert chat().broken_at(Hop.REQUEST, note=NO_CLUSTER) == (
        f'HTTP 503 from the gateway itself, "{text}"\n'
        "look for what changes a well-formed request: `requestDefaults`, `requestOverrides`, a policy of route or "
        "Gateway, or something in front of the gateway"
    )


def test_a_rule_that_forbids_a_well_formed_request_is_a_clients_or_of_another_policy(chat: Chat) -> None:
    chat.gateway.replies_with(gateways_own(403, "authorization failed"))
    assert chat().broken_at(Hop.CALLER, note=NO_CLUSTER) == (
        'HTTP 403 from the gateway itself, "authorization failed"\n'
        "use the key of a client that may make this request (--token-variable), or find the policy of route, Gateway "
        "or listener that forbids it"
    )


def test_a_response_over_the_gateways_limit_is_a_limit(chat: Chat) -> None:
    chat.gateway.replies_with(gateways_own(503, "processing failed: response was too large"))
    assert chat().broken_at(Hop.LIMIT, note=NO_CLUSTER) == (
        'HTTP 503 from the gateway itself, "processing failed: response was too large"\n'
        "ask for less than 2 MB (`max_tokens`), stream the response (--stream), or raise the gateway's limit: "
        "`kgateway`: the limit is fixed in these gateways; `api: agentgateway` has gateways with a setting for it; "
        "`agentgateway`: give the Gateway an AgentgatewayPolicy (`targetRefs`) with `frontend.http.maxBufferSize` in "
        "bytes, such as 33554432"
    )


SECRET = "q7Rk-2mVw9-Tz41-Lp"


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        f"{SECRET[:8]}...",
        f"{SECRET[:8]}…",
        f"...{SECRET[-8:]}",
        f"{SECRET[:2]}***{SECRET[-2:]}",
        f"****{SECRET[-4:]}",
        f"{SECRET[:4]}••••{SECRET[-4:]}",
        f"{SECRET[:4]}xxxx{SECRET[-4:]}",
        f"{SECRET[:4]}...{SECRET[-4:]}",
        f"ending in '{SECRET[-6:]}'",
        "x " * 140 + SECRET,
    ],
)
@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_no_part_of_a_key_that_the_provider_repeats_is_printed(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, echo: str, status: int
) -> None:
    monkeypatch.setenv("MY_TOKEN", SECRET)
    for body in ({"error": {"message": f"no use for {echo}, sorry"}}, {"detail": f"({echo})"}, echo):
        chat.gateway.replies_with(providers(status, body))
        run = chat("--token-variable", "MY_TOKEN")
        assert run.status >= Hop.GATEWAY.status
        assert not any(part in run.stderr for part in (SECRET[:4], SECRET[-4:], f"{SECRET[:2]}*", f"*{SECRET[-2:]}"))


def test_a_message_without_a_key_is_printed_whole(chat: Chat) -> None:
    text = "model=mistral-large-2512 isn't served... see https://docs.example.com/v1/models (request 4b1d-77)"
    chat.gateway.replies_with(providers(400, {"error": {"message": text}}))
    assert f'HTTP 400 from the provider, "{text}"\n' in chat().stderr
