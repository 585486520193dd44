"""The broken hop as the response alone shows it, while the cluster can't be checked."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from components.openai_compatible_llm.doctor.hops import Hop
from tests.support.chat_run import NO_CLUSTER, ChatRun
from tests.support.http_server import Request
from tests.support.stand_in_gateway import NO_ROUTE, PAGE, TOKENS, Handler, Reply, gateways_own, page, providers, silent
from tests.unit.doctor.conftest import Chat

CANARY = "sk-canary-4be1d2a09c"


def broken_at(run: ChatRun, hop: Hop) -> str:
    """Returns evidence and fix, after checking that this hop is named although the cluster wasn't checked."""
    return run.broken_at(hop, stdout=run.stdout, note=NO_CLUSTER)


@contextmanager
def listening(backlog: int = 5) -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(backlog)
        yield server


def url_of(server: socket.socket, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.getsockname()[1]}"


def test_a_gateway_that_refuses_connections(chat: Chat) -> None:
    with listening() as server:
        url = url_of(server)
    assert f"{url}: nothing listens there" in broken_at(chat(url=url), Hop.GATEWAY)


def test_a_gateway_whose_name_does_not_resolve(chat: Chat) -> None:
    report = broken_at(chat(url="http://gateway.invalid"), Hop.GATEWAY)
    assert "http://gateway.invalid: its name doesn't resolve here" in report


def test_a_gateway_without_tls(chat: Chat) -> None:
    report = broken_at(chat(url=chat.gateway.url.replace("http:", "https:")), Hop.GATEWAY)
    assert "TLS to the gateway fails" in report
    assert "or use http" in report


def test_a_gateway_that_closes_the_connection(chat: Chat) -> None:
    with listening() as server:

        def close() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=close)
        thread.start()
        report = broken_at(chat(url=url_of(server)), Hop.GATEWAY)
        thread.join()
    assert "it closes the connection" in report


def test_a_gateway_that_never_accepts_a_connection(chat: Chat) -> None:
    with listening(backlog=0) as server, socket.socket() as first, socket.socket() as second:
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        assert "connecting timed out" in broken_at(chat("--timeout", "0.3", url=url_of(server)), Hop.GATEWAY)


def test_a_gateway_that_redirects_clients(chat: Chat) -> None:
    elsewhere = "https://llm.example.com/mistral/v1/chat/completions"
    chat.gateway.replies_with(lambda handler, _: handler.answer(301, b"", "text/plain", Location=elsewhere))
    assert f"it redirects the client ({elsewhere})" in broken_at(chat(), Hop.GATEWAY)


UPSTREAM = "upstream call failed: "
NAMES = 'certificate not valid for name "api.mistral.ai"; certificate is only valid for DnsName("llm.example.com")'

RESPONSES: list[tuple[Reply, Hop, str]] = [
    (NO_ROUTE, Hop.ROUTE, 'HTTP 404 from the gateway itself, "route not found"'),
    (gateways_own(404, "listener not found"), Hop.ROUTE, "listener not found"),
    (gateways_own(401, "authentication failure: no bearer token found"), Hop.CALLER, "--token-variable"),
    (gateways_own(401, "api key authentication failure: no API Key found"), Hop.CALLER, "HTTP 401 from the gateway"),
    (gateways_own(401, "api key authentication failure: invalid credentials"), Hop.CALLER, "put a client's key, or a"),
    (gateways_own(403, "authorization failed"), Hop.CALLER, "HTTP 403 from the gateway itself"),
    (gateways_own(500, "service not found"), Hop.BACKEND, "HTTP 500 from the gateway itself"),
    (gateways_own(500, "no valid backends"), Hop.BACKEND, "kubectl describe"),
    (gateways_own(500, "backend authentication failed: no key"), Hop.SECRET, "kubectl describe"),
    (gateways_own(503, f"{UPSTREAM}Connect: Connection refused (os error 111)"), Hop.PROVIDER, "`host` and `port`"),
    (gateways_own(503, "backends required DNS resolution which failed"), Hop.PROVIDER, "`host` and `port`"),
    (gateways_own(503, "upstream call failed"), Hop.TLS, "BackendTLSPolicy"),
    (gateways_own(503, f"{UPSTREAM}Connect: invalid peer certificate: {NAMES}"), Hop.TLS, "`tls.hostname`"),
    (
        gateways_own(503, f"{UPSTREAM}Connect: invalid peer certificate: UnknownIssuer"),
        Hop.TLS,
        "`tls.caCertificateConfigmap`",
    ),
    (gateways_own(503, f"{UPSTREAM}Connect: invalid peer certificate: Expired"), Hop.TLS, "renew"),
    (gateways_own(503, f"{UPSTREAM}Connect: received corrupt message"), Hop.TLS, "`tls.disabled`"),
    (gateways_own(503, "processing failed: failed to parse response: expected value"), Hop.MODEL_OR_PATH, "`path`"),
    (gateways_own(503, "processing failed: request was too large"), Hop.LIMIT, "`frontend.http.maxBufferSize`"),
    (gateways_own(500, "backends does not exist"), Hop.BACKEND, "HTTP 500 from the gateway itself"),
    (gateways_own(429, "rate limit exceeded"), Hop.LIMIT, "HTTP 429 from the gateway itself"),
    (gateways_own(429, "rate limit exceeded"), Hop.LIMIT, "raise the route's limit (`rateLimits`)"),
    (gateways_own(504, "upstream call timeout"), Hop.TIMEOUT, "HTTP 504 from the gateway itself"),
    (providers(401, {"detail": "Unauthorized"}), Hop.KEY, "providers.<name>.apiKey"),
    (providers(403, {"message": "No access"}), Hop.KEY, "HTTP 403 from the provider"),
    (page(403), Hop.KEY, "HTTP 403 from the provider"),
    (page(421), Hop.HOST, "`rewriteHost`"),
    (providers(400, {"object": "error", "message": "Invalid model: m"}), Hop.MODEL_OR_PATH, '"Invalid model: m"'),
    (providers(404, {"error": {"message": "The model does not exist"}}), Hop.MODEL_OR_PATH, '"The model does not'),
    (providers(404, {"detail": "Not Found"}), Hop.MODEL_OR_PATH, '"Not Found"'),
    (providers(422, {"detail": [{"loc": ["body"]}]}), Hop.MODEL_OR_PATH, "HTTP 422 from the provider"),
    (lambda handler, _: handler.answer(404, b"404 page not found", "text/plain"), Hop.MODEL_OR_PATH, "HTTP 404 from"),
    (page(404), Hop.MODEL_OR_PATH, "HTTP 404 from the provider"),
    (page(200), Hop.MODEL_OR_PATH, "HTTP 200 with text/html; charset=UTF-8, and no chat completion in it"),
    (
        providers(200, {"error": {"message": f"failed to process response body (failed to parse): {PAGE}"}}),
        Hop.MODEL_OR_PATH,
        "failed to process response body",
    ),
    (lambda handler, _: handler.answer(200, b"{"), Hop.MODEL_OR_PATH, "no chat completion in it"),
    (providers(429, {"message": "Too many requests"}, Retry_After="17"), Hop.LIMIT, "wait 17 seconds"),
    (providers(429, {"message": "Too many"}, Retry_After="Wed, 21 Oct"), Hop.LIMIT, "wait and try again"),
    (providers(402, {"error": {"message": "Insufficient Balance"}}), Hop.LIMIT, '"Insufficient Balance"'),
    (providers(500, {"error": {"message": "Internal error"}}), Hop.PROVIDER, '"Internal error"'),
    (page(503), Hop.PROVIDER, "HTTP 503 from the provider"),
    (providers(504, {"message": "slow"}), Hop.TIMEOUT, "HTTP 504 from the provider"),
]


@pytest.mark.parametrize(("reply", "hop", "says"), RESPONSES)
def test_each_response_is_the_fault_of_its_hop(chat: Chat, reply: Reply, hop: Hop, says: str) -> None:
    chat.gateway.replies_with(reply)
    for arguments in ((), ("--stream",)):
        report = broken_at(chat(*arguments), hop)
        assert says in report
        assert "<html>" not in report


@pytest.mark.parametrize(
    "body", [{}, [], "text", 5, None, {"choices": None}, {"choices": "x"}, {"choices": [{}]}, {"choices": [5]}]
)
def test_json_that_is_no_completion(chat: Chat, body: object) -> None:
    def as_a_body_or_an_event(handler: Handler, request: Request) -> None:
        if not request.json.get("stream"):
            handler.answer_json(200, body)
            return
        handler.begin_stream()
        handler.event(json.dumps(body))
        handler.end_stream()

    chat.gateway.replies_with(as_a_body_or_an_event)
    broken_at(chat(), Hop.MODEL_OR_PATH)
    broken_at(chat("--stream"), Hop.STREAM)


def test_no_response_in_time(chat: Chat) -> None:
    chat.gateway.replies_with(silent)
    assert "no response arrived for 0.2 seconds" in broken_at(chat("--timeout", "0.2"), Hop.TIMEOUT)


def test_a_stream_that_stalls(chat: Chat) -> None:
    def stall(handler: Handler, request: Request) -> None:
        handler.begin_stream()
        handler.token(TOKENS[0])
        silent(handler, request)

    chat.gateway.replies_with(stall)
    run = chat("--stream", "--timeout", "0.2")
    assert run.stdout == f"{TOKENS[0]}\n"
    assert "a part of the response arrived, and then nothing for 0.2 seconds" in broken_at(run, Hop.TIMEOUT)


def cut(handler: Handler, _: Request) -> None:
    handler.begin_stream()
    handler.token(TOKENS[0])
    handler.break_off()


def without_an_end(handler: Handler, _: Request) -> None:
    handler.begin_stream()
    handler.token(TOKENS[0])
    handler.end_stream()


def with_an_error_in_it(handler: Handler, _: Request) -> None:
    handler.begin_stream()
    handler.token(TOKENS[0])
    handler.event(json.dumps({"error": {"message": f"overloaded, said {CANARY}"}}))
    handler.end_stream()


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (cut, "incomplete chunked read"),
        (without_an_end, "the stream ended without a finish_reason"),
        (with_an_error_in_it, "overloaded, said [removed]"),
    ],
)
def test_a_stream_that_ends_early(chat: Chat, reply: Reply, says: str) -> None:
    chat.gateway.replies_with(reply)
    run = chat("--stream")
    assert run.stdout == f"{TOKENS[0]}\n"
    assert says in broken_at(run, Hop.STREAM)


def test_a_response_that_ends_early(chat: Chat) -> None:
    def cut_response(handler: Handler, _: Request) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"id": ')
        handler.break_off()

    chat.gateway.replies_with(cut_response)
    assert "the response ended early" in broken_at(chat(), Hop.STREAM)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_a_key_that_the_provider_repeats_is_not_printed(
    chat: Chat, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opaque = "zz-9f-the-callers-own"
    monkeypatch.setenv("MY_TOKEN", opaque)
    words = f"Incorrect API key provided: {CANARY}. Or {opaque}? Or Bearer abc.def?"
    for body in ({"error": {"message": words}}, {"detail": words}, words):
        chat.gateway.replies_with(providers(status, body))
        run = chat("--token-variable", "MY_TOKEN")
        assert run.status >= Hop.GATEWAY.status
        for key in (CANARY, opaque, "abc.def"):
            assert key not in run.stdout + run.stderr
