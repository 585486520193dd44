"""Sends one request with the official client, without retries."""

import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx2
import openai

from .outcome import (
    Answer,
    ConnectionProblem,
    Endpoint,
    Failure,
    HTTPError,
    InvalidResponse,
    Redirected,
    TimedOut,
    Truncated,
    Unreachable,
)
from .redaction import printable

MAX_CONNECT_SECONDS = 10.0

# The client requires a key. No request contains this one.
_UNUSED = "unused"

# Content types of responses that aren't streamed although the request asked for it.
_NOT_STREAMED = ("application/json", "text/html")

# What no connection came of, by the exceptions that the client's error has as causes. The first match counts.
_PROBLEMS: tuple[tuple[tuple[type[BaseException], ...], ConnectionProblem], ...] = (
    ((httpx2.ConnectTimeout,), ConnectionProblem.CONNECT_TIMEOUT),
    ((ssl.SSLError,), ConnectionProblem.TLS),
    ((socket.gaierror,), ConnectionProblem.DNS),
    ((ConnectionRefusedError,), ConnectionProblem.REFUSED),
    ((httpx2.RemoteProtocolError, httpx2.ReadError), ConnectionProblem.CLOSED),
    ((BaseException,), ConnectionProblem.OTHER),
)


@dataclass(frozen=True)
class Request:
    """A request to a provider through its gateway.

    Attributes:
        base_url: The base URL for an OpenAI client.
        model: Empty for a list of models.
        text: The prompt, or the text to embed.
        token: The caller's token for the Authorization header; None sends no such header, so that the caller's key
            can't hide that the gateway has none.
        timeout: Seconds to wait for anything to arrive.
        on_token: Asks for a stream, and gets every token as soon as it arrives.
    """

    endpoint: Endpoint
    base_url: str
    token: str | None = field(repr=False)
    timeout: float
    model: str = ""
    text: str = ""
    on_token: Callable[[str], None] | None = None


class _Exchange:
    """Times one request, and keeps its response as soon as the headers have arrived."""

    def __init__(self) -> None:
        self.sent_at = time.perf_counter()
        self.responses: list[httpx2.Response] = []
        self.started_body = False

    def seconds(self) -> float:
        return time.perf_counter() - self.sent_at

    def invalid(self, text: str) -> InvalidResponse:
        content_type = self.responses[-1].headers.get("content-type", "")
        return InvalidResponse(HTTPStatus.OK, content_type, text)


def send(request: Request) -> Answer | Failure:
    """Sends the request and returns what it results in."""
    exchange = _Exchange()
    timeout = openai.Timeout(request.timeout, connect=min(request.timeout, MAX_CONNECT_SECONDS))
    with (
        openai.DefaultHttpx2Client(
            follow_redirects=False, event_hooks={"response": [exchange.responses.append]}
        ) as connection,
        openai.OpenAI(
            base_url=request.base_url, api_key=_UNUSED, timeout=timeout, max_retries=0, http_client=connection
        ) as client,
    ):
        try:
            if request.on_token:
                return _stream(client, request, exchange, request.on_token)
            text = _ask(client, request).text
            return _read(request, text, exchange.seconds()) or exchange.invalid(text)
        except openai.APIStatusError as error:
            return _response(error.response)
        except openai.APIConnectionError as error:
            return _connection_error(error, request.timeout, exchange)
        except openai.APIError as error:
            if exchange.started_body:
                return Truncated(error.message)
            return exchange.invalid(json.dumps({"error": error.body}))
        except httpx2.RequestError as error:
            return Truncated(str(error))
        except json.JSONDecodeError:
            return exchange.invalid("")


def _ask(client: openai.OpenAI, request: Request) -> Any:
    """Sends the request without streaming. The client doesn't read the response, whose text is returned as it is."""
    headers = _headers(request.token)
    match request.endpoint:
        case Endpoint.CHAT:
            return client.chat.completions.with_raw_response.create(**_chat_parameters(request))
        case Endpoint.MODELS:
            return client.models.with_raw_response.list(extra_headers=headers)
        case Endpoint.EMBEDDINGS:
            return client.embeddings.with_raw_response.create(
                model=request.model, input=request.text, encoding_format="float", extra_headers=headers
            )


def _chat_parameters(request: Request) -> dict[str, Any]:
    message = {"role": "user", "content": request.text}
    return {"model": request.model, "messages": [message], "extra_headers": _headers(request.token)}


def _headers(token: str | None) -> dict[str, Any]:
    """Drops the headers that the environment sets for OpenAI itself: they aren't meant for other providers."""
    custom = [line.partition(":")[0].strip() for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()]
    absent = dict.fromkeys(["OpenAI-Organization", "OpenAI-Project", *filter(None, custom)], openai.omit)
    others = {name: value for name, value in absent.items() if name.lower() != "authorization"}
    return {**others, "Authorization": f"Bearer {token}" if token else openai.omit}


def _read(request: Request, text: str, seconds: float) -> Answer | None:
    """Reads a response's body; None where it isn't what was asked for.

    The client wouldn't validate it. Some providers, such as Together AI, send a bare list of models, unlike its type.
    """
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        return None
    printed = None
    models: tuple[str, ...] = (str(_find(body, "model") or request.model),)
    match request.endpoint:
        case Endpoint.CHAT:
            message = _find(body, "choices", 0, "message")
            if message is not None and not _find(body, "error"):
                printed = f"{_content(message)}\n"
        case Endpoint.MODELS:
            listed = body.get("data") if isinstance(body, dict) else body
            if isinstance(listed, list) and all(isinstance(each, dict) and "id" in each for each in listed):
                models = tuple(str(each["id"]) for each in listed)
                printed = "".join(f"{printable(each)}\n" for each in models)
        case Endpoint.EMBEDDINGS:
            vector = _find(body, "data", 0, "embedding")
            printed = f"{len(vector)} dimensions\n" if isinstance(vector, list) else None
    if printed is None:
        return None
    tokens = _find(body, "usage", "total_tokens")
    return Answer(request.endpoint, printed, models, seconds, tokens, body=text)


def _stream(
    client: openai.OpenAI, request: Request, exchange: _Exchange, on_token: Callable[[str], None]
) -> Answer | InvalidResponse | Truncated:
    model, tokens, first_token_seconds, is_finished = request.model, None, None, False
    with client.chat.completions.create(**_chat_parameters(request), stream=True) as chunks:
        if chunks.response.headers.get("content-type", "").startswith(_NOT_STREAMED):
            return exchange.invalid(chunks.response.read().decode(errors="replace"))
        for each in chunks:
            exchange.started_body = True
            chunk = each.to_dict(warnings=False) if isinstance(each, openai.BaseModel) else each
            model = _find(chunk, "model") or model
            tokens = _find(chunk, "usage", "total_tokens") or tokens
            is_finished = is_finished or _find(chunk, "choices", 0, "finish_reason") is not None
            if token := _content(_find(chunk, "choices", 0, "delta")):
                first_token_seconds = first_token_seconds or exchange.seconds()
                on_token(token)
    if not exchange.started_body:
        return exchange.invalid("")
    if not is_finished:
        return Truncated("the stream ended without a finish_reason")
    return Answer(request.endpoint, "\n", (model,), exchange.seconds(), tokens, first_token_seconds)


def _content(message: Any) -> str:
    """Returns the text of a message or of a part of it. With some reasoning models, its content is a list of parts."""
    content = _find(message, "content")
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")


def _find(whole: Any, *keys: str | int) -> Any:
    """Returns what is at these keys of nested objects and lists; None where it isn't there."""
    for key in keys:
        try:
            whole = whole[key]
        except (TypeError, KeyError, IndexError):
            return None
    return whole


def _response(response: httpx2.Response) -> HTTPError | Redirected:
    headers = response.headers
    parts = (response.status_code, headers.get("content-type", ""), response.text, headers.get("retry-after", ""))
    return Redirected(*parts, headers["location"]) if response.has_redirect_location else HTTPError(*parts)


def _connection_error(
    error: openai.APIConnectionError, timeout: float, exchange: _Exchange
) -> Unreachable | TimedOut | Truncated:
    causes = list(_causes(error))
    last = str(causes[-1]) or type(causes[-1]).__name__
    problem = next(problem for kinds, problem in _PROBLEMS if any(isinstance(cause, kinds) for cause in causes))
    if problem is not ConnectionProblem.CONNECT_TIMEOUT and isinstance(error, openai.APITimeoutError):
        return TimedOut(timeout, exchange.started_body)
    if exchange.responses:
        return Truncated(last)
    return Unreachable(problem, last)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
