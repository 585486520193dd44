"""Sends one request with the official client, without retries."""

import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
import openai

from .outcome import (
    Completion,
    ConnectionProblem,
    Embedding,
    Failure,
    HTTPError,
    InvalidResponse,
    ModelList,
    Redirected,
    TimedOut,
    Truncated,
    Unreachable,
)

MAX_CONNECT_SECONDS = 10.0

# The client requires a key. No request contains this one.
_UNUSED = "unused"

# Content types of responses that aren't streamed although the request asked for it.
_NOT_STREAMED = ("application/json", "text/html")


COMPLETION, MODEL_LIST, EMBEDDING = "chat completion", "list of models", "embedding"


@dataclass(frozen=True)
class Connection:
    """How to reach a provider through its gateway.

    Attributes:
        base_url: The base URL for an OpenAI client.
        token: The caller's token for the Authorization header; None sends no such header, so that the caller's key
            can't hide that the gateway has none.
        timeout: Seconds to wait for anything to arrive.
    """

    base_url: str
    token: str | None = field(repr=False)
    timeout: float


@dataclass(frozen=True)
class ChatRequest:
    """A chat completion request."""

    connection: Connection
    model: str
    prompt: str


Result = TypeVar("Result", Completion, ModelList, Embedding)


class _Exchange:
    """Times one request, and keeps its response as soon as the headers have arrived."""

    def __init__(self) -> None:
        self.sent_at = time.perf_counter()
        self.responses: list[httpx2.Response] = []
        self.started_body = False

    def seconds(self) -> float:
        return time.perf_counter() - self.sent_at


def send(request: ChatRequest) -> Completion | Failure:
    """Sends the request without streaming."""
    return _exchange(request.connection, COMPLETION, lambda client, exchange: _complete(client, request, exchange))


def stream(request: ChatRequest, on_token: Callable[[str], None]) -> Completion | Failure:
    """Sends the request with streaming, and passes on every token as soon as it arrives."""
    return _exchange(
        request.connection, COMPLETION, lambda client, exchange: _stream(client, request, exchange, on_token)
    )


def list_models(connection: Connection) -> ModelList | Failure:
    """Asks for the provider's models."""
    return _exchange(
        connection, MODEL_LIST, lambda client, exchange: _list_models(client, _headers(connection.token), exchange)
    )


def embed(connection: Connection, model: str, text: str) -> Embedding | Failure:
    """Asks for the embedding of a text."""

    def call(client: openai.OpenAI, exchange: _Exchange) -> Embedding | InvalidResponse:
        return _embed(client, model, text, _headers(connection.token), exchange)

    return _exchange(connection, EMBEDDING, call)


def _exchange(
    to: Connection, expected: str, call: Callable[[openai.OpenAI, _Exchange], Result | InvalidResponse | Truncated]
) -> Result | Failure:
    exchange = _Exchange()
    timeout = openai.Timeout(to.timeout, connect=min(to.timeout, MAX_CONNECT_SECONDS))
    with (
        openai.DefaultHttpx2Client(
            follow_redirects=False, event_hooks={"response": [exchange.responses.append]}
        ) as connection,
        openai.OpenAI(
            base_url=to.base_url,
            api_key=_UNUSED,
            timeout=timeout,
            max_retries=0,
            http_client=connection,
        ) as client,
    ):
        try:
            return call(client, exchange)
        except openai.APIStatusError as error:
            return _http_error(error.response)
        except openai.APIConnectionError as error:
            return _connection_error(error, to.timeout, exchange)
        except openai.APIError as error:
            if exchange.started_body:
                return Truncated(error.message)
            return InvalidResponse("text/event-stream", json.dumps({"error": error.body}), expected)
        except httpx2.RequestError as error:
            return Truncated(str(error))
        except json.JSONDecodeError:
            response = exchange.responses[-1]
            return InvalidResponse(response.headers.get("content-type", ""), "the body isn't JSON", expected)


def _parameters(request: ChatRequest) -> dict[str, Any]:
    message = {"role": "user", "content": request.prompt}
    return {"model": request.model, "messages": [message], "extra_headers": _headers(request.connection.token)}


def _headers(token: str | None) -> dict[str, Any]:
    """Drops the headers that the environment sets for OpenAI itself: they aren't meant for other providers."""
    custom = [line.partition(":")[0].strip() for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()]
    absent = dict.fromkeys(["OpenAI-Organization", "OpenAI-Project", *filter(None, custom)], openai.omit)
    others = {name: value for name, value in absent.items() if name.lower() != "authorization"}
    return {**others, "Authorization": f"Bearer {token}" if token else openai.omit}


def _complete(client: openai.OpenAI, request: ChatRequest, exchange: _Exchange) -> Completion | InvalidResponse:
    raw = client.chat.completions.with_raw_response.create(**_parameters(request))
    completion = raw.parse()
    message = _first(completion, "choices", "message")
    if message is None or _attribute(completion, "error"):
        return InvalidResponse(raw.headers.get("content-type", ""), raw.text, COMPLETION)
    return Completion(
        text=_text(_attribute(message, "content")),
        model=_attribute(completion, "model") or request.model,
        tokens=_attribute(completion, "usage", "total_tokens"),
        seconds=exchange.seconds(),
        first_token_seconds=None,
        body=raw.text,
    )


def _stream(
    client: openai.OpenAI, request: ChatRequest, exchange: _Exchange, on_token: Callable[[str], None]
) -> Completion | InvalidResponse | Truncated:
    text, model, tokens = "", request.model, None
    first_token_seconds = None
    is_finished = False
    with client.chat.completions.create(**_parameters(request), stream=True) as chunks:
        content_type = chunks.response.headers.get("content-type", "")
        if content_type.startswith(_NOT_STREAMED):
            return InvalidResponse(content_type, chunks.response.read().decode(errors="replace"), COMPLETION)
        for chunk in chunks:
            exchange.started_body = True
            model = _attribute(chunk, "model") or model
            tokens = _attribute(chunk, "usage", "total_tokens") or tokens
            is_finished = is_finished or _first(chunk, "choices", "finish_reason") is not None
            if token := _text(_attribute(_first(chunk, "choices", "delta"), "content")):
                first_token_seconds = first_token_seconds or exchange.seconds()
                text += token
                on_token(token)
    if not exchange.started_body:
        return InvalidResponse(content_type, "the stream has no chat completion chunks", COMPLETION)
    if not is_finished:
        return Truncated("the stream ended without a finish_reason")
    return Completion(text, model, tokens, exchange.seconds(), first_token_seconds, body="")


def _list_models(client: openai.OpenAI, headers: dict[str, Any], exchange: _Exchange) -> ModelList | InvalidResponse:
    """Reads the body itself: some providers, such as Together AI, send a bare list, unlike the client's type."""
    raw = client.models.with_raw_response.list(extra_headers=headers)
    body = json.loads(raw.text)
    models = body.get("data") if isinstance(body, dict) else body
    if not isinstance(models, list) or not all(isinstance(each, dict) and "id" in each for each in models):
        return InvalidResponse(raw.headers.get("content-type", ""), raw.text, MODEL_LIST)
    return ModelList(tuple(str(each["id"]) for each in models), exchange.seconds(), raw.text)


def _embed(
    client: openai.OpenAI, model: str, text: str, headers: dict[str, Any], exchange: _Exchange
) -> Embedding | InvalidResponse:
    raw = client.embeddings.with_raw_response.create(
        model=model, input=text, encoding_format="float", extra_headers=headers
    )
    response = raw.parse()
    vector = _first(response, "data", "embedding")
    if not isinstance(vector, list):
        return InvalidResponse(raw.headers.get("content-type", ""), raw.text, EMBEDDING)
    return Embedding(
        dimensions=len(vector),
        model=_attribute(response, "model") or model,
        tokens=_attribute(response, "usage", "total_tokens"),
        seconds=exchange.seconds(),
        body=raw.text,
    )


def _text(content: Any) -> str:
    """Returns the text of a message, whose content is a list of parts with some reasoning models."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")


def _attribute(whole: Any, *names: str) -> Any:
    """Returns a nested attribute, or None: the client doesn't validate a successful response."""
    for name in names:
        whole = getattr(whole, name, None)
    return whole


def _first(whole: Any, list_name: str, name: str) -> Any:
    """Returns an attribute of a list's first element, or None."""
    parts = _attribute(whole, list_name)
    return _attribute(parts[0], name) if isinstance(parts, list) and parts else None


def _http_error(response: httpx2.Response) -> HTTPError | Redirected:
    headers = response.headers
    if response.has_redirect_location:
        return Redirected(response.status_code, headers["location"])
    return HTTPError(response.status_code, headers.get("content-type", ""), response.text, headers.get("retry-after"))


def _connection_error(
    error: openai.APIConnectionError, timeout: float, exchange: _Exchange
) -> Unreachable | TimedOut | Truncated:
    causes = list(_causes(error))
    last = str(causes[-1]) or type(causes[-1]).__name__

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if has(httpx2.ConnectTimeout):
        return Unreachable(ConnectionProblem.CONNECT_TIMEOUT, last)
    if isinstance(error, openai.APITimeoutError):
        return TimedOut(timeout, exchange.started_body)
    if exchange.responses:
        return Truncated(last)
    if has(ssl.SSLError):
        return Unreachable(ConnectionProblem.TLS, last)
    if has(socket.gaierror):
        return Unreachable(ConnectionProblem.DNS, last)
    if has(ConnectionRefusedError):
        return Unreachable(ConnectionProblem.REFUSED, last)
    if has(httpx2.RemoteProtocolError, httpx2.ReadError):
        return Unreachable(ConnectionProblem.CLOSED, last)
    return Unreachable(ConnectionProblem.OTHER, last)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
