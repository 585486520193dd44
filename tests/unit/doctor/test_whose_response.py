"""A response that the provider or something else may have written: what can't be told apart names both, in order."""

import pytest

from components.openai_compatible_llm.doctor.hops import Hop
from components.openai_compatible_llm.presets import PRESETS
from tests.support.chat_run import NO_CLUSTER
from tests.support.stand_in_gateway import COMPLETION, MODEL, PAGE, Reply, page, providers
from tests.unit.doctor.conftest import Chat, Stack

COMPARE = "compare `host` and `path` (or `baseUrl`) with the provider's documentation"
ANOTHER_URL = "give another --gateway-url (with make: GATEWAY_URL=...)"
OF_EITHER = "HTTP {} from the provider, or from something in front of the gateway"
ELSEWHERE = "https://login.example.com/start"


def redirect(status: int, location: str) -> Reply:
    return lambda handler, _: handler.answer(status, b"", "text/plain", Location=location)


def ask(stack: Stack, chat: Chat, *arguments: str, host: str | None = None) -> str:
    """Returns evidence and fix, of a provider whose host the stack knows."""
    stack.set_outputs({"providers": {"mistral": {"path": "/mistral", "model": MODEL, "host": host}}})
    run = stack.chat("--gateway-url", chat.gateway.url, *arguments)
    assert run.stderr.splitlines()[0].startswith("mistral: broken at the hop model-or-path: ")
    assert run.status == Hop.MODEL_OR_PATH.status
    evidence, fix = run.stderr.splitlines()[1:3]
    return f"{evidence.removeprefix('  evidence: ')}\n{fix.removeprefix('  fix:      ')}"


@pytest.mark.parametrize("arguments", [(), ("--stream",)])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_host_of_the_providers_is_the_providers(
    stack: Stack, chat: Chat, status: int, arguments: tuple[str, ...]
) -> None:
    for location in ("https://www.mistral.ai/docs", "https://mistral.ai/mistral/v1", "https://API.mistral.ai/v2/chat"):
        chat.gateway.replies_with(redirect(status, location))
        assert ask(stack, chat, *arguments, host=PRESETS["mistral"].host) == (
            f"HTTP {status} from the provider: a redirect to {location}\n{COMPARE}"
        )


@pytest.mark.parametrize("location", [ELSEWHERE, "/v1/chat/completions/", "chat/", "http://[not-a-url", "//other/v1"])
def test_any_other_redirect_is_the_providers_or_of_something_in_front_of_the_gateway(
    stack: Stack, chat: Chat, location: str
) -> None:
    chat.gateway.replies_with(redirect(307, location))
    for host in (PRESETS["mistral"].host, None):
        assert ask(stack, chat, host=host) == (
            f"{OF_EITHER.format(307)}: a redirect to {location}\n{COMPARE}; if they are right, {ANOTHER_URL}"
        )


@pytest.mark.parametrize(
    "location", ["{}/elsewhere", "{}/mistral/v1/chat/completions", "/mistral/v1/chat/completions/"]
)
def test_a_redirect_with_the_gateways_name_or_the_routes_path_is_not_the_providers(chat: Chat, location: str) -> None:
    https = location.format(chat.gateway.url.replace("http:", "https:"))
    chat.gateway.replies_with(redirect(308, https))
    assert chat().broken_at(Hop.GATEWAY, note=NO_CLUSTER) == (
        f"{chat.gateway.url}: it redirects the client ({https})\n"
        "use the URL that it redirects to: --gateway-url (with make: GATEWAY_URL=...)"
    )


def test_the_query_of_a_redirect_is_not_printed(chat: Chat) -> None:
    chat.gateway.replies_with(redirect(302, f"{ELSEWHERE}?token=very-secret#part"))
    run = chat()
    assert f"a redirect to {ELSEWHERE}\n" in run.stderr
    assert "very-secret" not in run.stderr


def test_a_status_of_redirects_without_a_location_is_the_providers(chat: Chat) -> None:
    chat.gateway.replies_with(providers(300, {"detail": "choose"}))
    report = chat().broken_at(Hop.MODEL_OR_PATH, note=NO_CLUSTER)
    assert report.startswith('HTTP 300 from the provider, "choose"\n')


def test_a_completion_in_one_piece_is_no_stream_and_it_is_the_providers(chat: Chat) -> None:
    chat.gateway.replies_with(providers(200, COMPLETION))
    assert chat("--stream").broken_at(Hop.MODEL_OR_PATH, stdout="\n", note=NO_CLUSTER) == (
        "HTTP 200 from the provider, with a completion in one piece where a stream was asked for\n"
        f"{COMPARE}: this one doesn't stream there"
    )


@pytest.mark.parametrize(
    ("reply", "content_type", "quoted"),
    [
        (page(200), "text/html; charset=UTF-8", ""),
        (providers(200, {"status": "ok"}), "application/json", ""),
        (providers(200, {"message": "Welcome"}), "application/json", ": Welcome"),
    ],
)
@pytest.mark.parametrize("arguments", [(), ("--stream",)])
def test_a_page_or_other_json_may_be_of_another_server_than_the_gateway(
    chat: Chat, reply: Reply, content_type: str, quoted: str, arguments: tuple[str, ...]
) -> None:
    chat.gateway.replies_with(reply)
    assert chat(*arguments).broken_at(Hop.MODEL_OR_PATH, stdout="\n" * len(arguments), note=NO_CLUSTER) == (
        f"HTTP 200 with {content_type}, and no chat completion in it{quoted}\n"
        f"{COMPARE}; if the URL isn't the gateway's, {ANOTHER_URL}"
    )


def test_a_page_that_the_gateway_quotes_is_the_providers(chat: Chat) -> None:
    quoted = f"failed to process response body (failed to parse response): {PAGE}"
    chat.gateway.replies_with(providers(200, {"error": {"message": quoted}}))
    assert chat().broken_at(Hop.MODEL_OR_PATH, note=NO_CLUSTER) == (
        "HTTP 200 with application/json, and no chat completion in it: "
        f"failed to process response body (failed to parse response)\n{COMPARE}"
    )


@pytest.mark.parametrize(
    ("status", "hop", "fix"),
    [
        (502, Hop.PROVIDER, "try again later; the provider's status page may know more"),
        (404, Hop.MODEL_OR_PATH, f"compare `model` (the request's was {MODEL}) and `path` with the provider's doc"),
        (413, Hop.LIMIT, "send less, or use a model that takes more"),
    ],
)
@pytest.mark.parametrize("content_type", ["text/html", "text/plain", ""])
def test_an_error_that_no_api_wrote_may_come_from_in_front_of_the_gateway(
    chat: Chat, status: int, hop: Hop, fix: str, content_type: str
) -> None:
    chat.gateway.replies_with(lambda handler, _: handler.answer(status, b"<h1>404 page not found</h1>", content_type))
    report = chat().broken_at(hop, note=NO_CLUSTER)
    assert report.startswith(f"{OF_EITHER.format(status)}\n{fix}")
