"""Sends one request with the official client, without retries."""

import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import httpx2
import openai

from .clients import ClientKey
from .options import Options
from .outcome import Answer, Endpoint, Failure, HTTPError, Incomplete, InvalidResponse, Redirected
from .redaction import printable
from .targets import Target

MAX_CONNECT_SECONDS = 10.0

# The client requires a key. No request contains this one.
_UNUSED = "unused"

# Content types of responses that aren't streamed although the request asked for it.
_NOT_STREAMED = ("application/json", "text/html")

# What no connection came of, by the exceptions that the client's error has as causes. The first match counts.
_FAULTS: Mapping[type[BaseException], str] = {
    httpx2.ConnectTimeout: "gateway.connect_timeout",
    ssl.SSLError: "gateway.tls",
    socket.gaierror: "gateway.unknown_name",
    ConnectionRefusedError: "gateway.refused",
    httpx2.RemoteProtocolError: "gateway.closed",
    httpx2.ReadError: "gateway.closed",
    BaseException: "gateway.unreachable",
}


class _Exchange:
    """Times one request, and keeps its response as soon as the headers have arrived."""

    def __init__(self, endpoint: Endpoint, body: Mapping[str, Any]) -> None:
        self.endpoint, self.body = endpoint, body
        self.sent_at = time.perf_counter()
        self.responses: list[httpx2.Response] = []
        self.started_body = False

    def seconds(self) -> float:
        return time.perf_counter() - self.sent_at

    def invalid(self, text: str) -> InvalidResponse:
        content_type = self.responses[-1].headers.get("content-type", "")
        return InvalidResponse(HTTPStatus.OK, content_type, text)


def send(
    options: Options,
    target: Target,
    endpoint: Endpoint,
    key: ClientKey | None = None,
    on_token: Callable[[str], None] | None = None,
) -> Answer | Failure:
    """Sends the request and returns what it results in. `on_token` asks for a stream, and gets each token of it."""
    exchange = _Exchange(endpoint, _body(options, target, endpoint))
    timeout = openai.Timeout(options.timeout, connect=min(options.timeout, MAX_CONNECT_SECONDS))
    headers = _headers(key, options.provider_token)
    with (
        openai.DefaultHttpx2Client(
            follow_redirects=False, event_hooks={"response": [exchange.responses.append]}
        ) as connection,
        openai.OpenAI(
            base_url=target.base_url, api_key=_UNUSED, timeout=timeout, max_retries=0, http_client=connection
        ) as client,
    ):
        try:
            if on_token:
                with client.chat.completions.create(**exchange.body, stream=True, extra_headers=headers) as chunks:
                    return _read_stream(chunks, exchange, on_token)
            # The client doesn't read the response, whose text is returned as it is.
            if endpoint is Endpoint.MODELS:
                response = client.get(endpoint.path, cast_to=httpx2.Response, options={"headers": headers})
            else:
                response = client.post(
                    endpoint.path, cast_to=httpx2.Response, body=exchange.body, options={"headers": headers}
                )
            return _read(response.text, exchange) or exchange.invalid(response.text)
        except openai.APIStatusError as error:
            return _response(error.response)
        except openai.APIConnectionError as error:
            return _connection_error(error, options.timeout, exchange)
        except openai.APIError as error:
            if exchange.started_body:
                return Incomplete("stream.truncated", error.message)
            return exchange.invalid(json.dumps({"error": error.body}))
        except httpx2.RequestError as error:
            return Incomplete("stream.truncated", str(error))
        except json.JSONDecodeError:
            return exchange.invalid("")


def _body(options: Options, target: Target, endpoint: Endpoint) -> dict[str, Any]:
    match endpoint:
        case Endpoint.CHAT:
            return {"model": target.model, "messages": [{"role": "user", "content": options.prompt}]}
        case Endpoint.MODELS:
            return {}
        case Endpoint.EMBEDDINGS:
            return {"model": options.model, "input": options.embeddings, "encoding_format": "float"}


def _headers(key: ClientKey | None, provider_token: str | None) -> dict[str, Any]:
    """Makes the headers, without those that the environment sets for OpenAI itself and without a key of its own.

    Any key that were sent could hide that the gateway has none.
    """
    tokens = [ClientKey(provider_token)] if provider_token else []
    sent = {each.header.lower(): f"{each.prefix}{each.value}" for each in (*tokens, *([key] if key else []))}
    custom = [line.partition(":")[0].strip() for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()]
    names = ["Authorization", "OpenAI-Organization", "OpenAI-Project", *filter(None, custom)]
    return {**dict.fromkeys(names, openai.omit), **sent}


def _read(text: str, exchange: _Exchange) -> Answer | None:
    """Reads a response's body; None where it isn't what was asked for.

    The client wouldn't validate it. Some providers, such as Together AI, send a bare list of models, unlike its type.
    """
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        return None
    printed = None
    models: tuple[str, ...] = (str(_find(body, "model") or exchange.body.get("model")),)
    match exchange.endpoint:
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
    return Answer(exchange.endpoint, printed, models, exchange.seconds(), tokens, body=text)


def _read_stream(
    chunks: openai.Stream[Any], exchange: _Exchange, on_token: Callable[[str], None]
) -> Answer | InvalidResponse | Incomplete:
    model, tokens, first_token_seconds, is_finished = exchange.body["model"], None, None, False
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
        return Incomplete("stream.truncated", "the stream ended without a finish_reason")
    return Answer(exchange.endpoint, "\n", (model,), exchange.seconds(), tokens, first_token_seconds)


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


def _connection_error(error: openai.APIConnectionError, timeout: float, exchange: _Exchange) -> Incomplete:
    causes = list(_causes(error))
    fault = next(fault for kind, fault in _FAULTS.items() if any(isinstance(cause, kind) for cause in causes))
    if fault != "gateway.connect_timeout" and isinstance(error, openai.APITimeoutError):
        return Incomplete("timeout.stalled" if exchange.started_body else "timeout.no_response", f"{timeout:g}")
    detail = str(causes[-1]) or type(causes[-1]).__name__
    return Incomplete("stream.truncated" if exchange.responses else fault, detail)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
