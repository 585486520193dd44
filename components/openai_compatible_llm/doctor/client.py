"""Sends a chat completion with the official client, once and without a retry."""

import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from .outcome import Answer, CutOff, Failure, NoCompletion, Obstacle, Refusal, TimedOut, Unreachable

LONGEST_CONNECT_SECONDS = 10.0

# The client won't be made without a key. No request has this one.
_UNUSED = "unused"

# Content types of what is no stream, although one was asked for.
_NO_STREAM = ("application/json", "text/html")


@dataclass(frozen=True)
class Question:
    """A request.

    Attributes:
        base_url: As an OpenAI client takes it.
        token: What the caller shows in the Authorization header; None sends no such header, so that a key which the
            gateway lacks isn't hidden by one of the caller's.
        timeout: Seconds in which something must have come.
    """

    base_url: str
    model: str
    prompt: str
    token: str | None = field(repr=False)
    timeout: float


class _Exchange:
    """One request's clock, and the response as soon as its headers are there."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.responses: list[httpx2.Response] = []
        self.begun = False

    def seconds(self) -> float:
        return time.perf_counter() - self.started


def ask(question: Question) -> Answer | Failure:
    """The answer in one piece, or what came instead."""
    return _ask(question, lambda client, exchange: _in_one_piece(client, question, exchange))


def ask_streaming(question: Question, say: Callable[[str], None]) -> Answer | Failure:
    """The same, with every token said as soon as it is there."""
    return _ask(question, lambda client, exchange: _streamed(client, question, exchange, say))


def _ask(
    question: Question, request: Callable[[openai.OpenAI, _Exchange], Answer | NoCompletion | CutOff]
) -> Answer | Failure:
    exchange = _Exchange()
    timeout = openai.Timeout(question.timeout, connect=min(question.timeout, LONGEST_CONNECT_SECONDS))
    with (
        openai.DefaultHttpx2Client(
            follow_redirects=False, event_hooks={"response": [exchange.responses.append]}
        ) as connection,
        openai.OpenAI(
            base_url=question.base_url,
            api_key=_UNUSED,
            timeout=timeout,
            max_retries=0,
            http_client=connection,
        ) as client,
    ):
        try:
            return request(client, exchange)
        except openai.APIStatusError as error:
            return _refusal(error.response)
        except openai.APIConnectionError as error:
            return _broken_connection(error, question, exchange)
        except openai.APIError as error:
            return CutOff(error.message)
        except httpx2.RequestError as error:
            return CutOff(str(error))
        except json.JSONDecodeError:
            response = exchange.responses[-1]
            return NoCompletion(response.headers.get("content-type", ""), "it isn't JSON")


def _request(question: Question) -> dict[str, Any]:
    message = {"role": "user", "content": question.prompt}
    return {"model": question.model, "messages": [message], "extra_headers": _headers(question.token)}


def _headers(token: str | None) -> dict[str, Any]:
    """What this machine's user has in the environment for OpenAI itself is not for other providers."""
    own = [line.partition(":")[0].strip() for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()]
    absent = dict.fromkeys(["OpenAI-Organization", "OpenAI-Project", *filter(None, own)], openai.omit)
    others = {name: value for name, value in absent.items() if name.lower() != "authorization"}
    return {**others, "Authorization": f"Bearer {token}" if token else openai.omit}


def _in_one_piece(client: openai.OpenAI, question: Question, exchange: _Exchange) -> Answer | NoCompletion:
    raw = client.chat.completions.with_raw_response.create(**_request(question))
    completion = raw.parse()
    message = _first(completion, "choices", "message")
    if message is None:
        return NoCompletion(raw.headers.get("content-type", ""), raw.text)
    return Answer(
        text=_part(message, "content") or "",
        model=_part(completion, "model") or question.model,
        tokens=_part(completion, "usage", "total_tokens"),
        seconds=exchange.seconds(),
        first_token_seconds=None,
        body=raw.text,
    )


def _streamed(
    client: openai.OpenAI, question: Question, exchange: _Exchange, say: Callable[[str], None]
) -> Answer | NoCompletion | CutOff:
    text, model, tokens = "", question.model, None
    first_token_seconds = None
    finished = False
    with client.chat.completions.create(**_request(question), stream=True) as chunks:
        content_type = chunks.response.headers.get("content-type", "")
        if content_type.startswith(_NO_STREAM):
            return NoCompletion(content_type, chunks.response.read().decode(errors="replace"))
        for chunk in chunks:
            exchange.begun = True
            model = _part(chunk, "model") or model
            tokens = _part(chunk, "usage", "total_tokens") or tokens
            finished = finished or _first(chunk, "choices", "finish_reason") is not None
            if token := _part(_first(chunk, "choices", "delta"), "content"):
                first_token_seconds = first_token_seconds or exchange.seconds()
                text += token
                say(token)
    if not exchange.begun:
        return NoCompletion(content_type, "it is no stream of chat completion chunks")
    if not finished:
        return CutOff("the stream ended without saying that the answer does")
    return Answer(text, model, tokens, exchange.seconds(), first_token_seconds, body="")


def _part(whole: Any, *names: str) -> Any:
    """What stands there, or None: the client takes whatever comes with a status of success for what it is to be."""
    for name in names:
        whole = getattr(whole, name, None)
    return whole


def _first(whole: Any, list_name: str, name: str) -> Any:
    """Of the first in a list, or None."""
    parts = _part(whole, list_name)
    return _part(parts[0], name) if isinstance(parts, list) and parts else None


def _refusal(response: httpx2.Response) -> Refusal | Unreachable:
    if response.is_redirect:
        return Unreachable(Obstacle.REDIRECTED, response.headers.get("location", ""))
    headers = response.headers
    return Refusal(response.status_code, headers.get("content-type", ""), response.text, headers.get("retry-after"))


def _broken_connection(
    error: openai.APIConnectionError, question: Question, exchange: _Exchange
) -> Unreachable | TimedOut | CutOff:
    causes = list(_causes(error))
    last = str(causes[-1]) or type(causes[-1]).__name__

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if has(httpx2.ConnectTimeout):
        return Unreachable(Obstacle.NO_CONNECTION_IN_TIME, last)
    if isinstance(error, openai.APITimeoutError):
        return TimedOut(question.timeout, exchange.begun)
    if exchange.responses:
        return CutOff(last)
    if has(ssl.SSLError):
        return Unreachable(Obstacle.TLS, last)
    if has(socket.gaierror):
        return Unreachable(Obstacle.UNKNOWN_NAME, last)
    if has(ConnectionRefusedError):
        return Unreachable(Obstacle.REFUSED, last)
    if has(httpx2.RemoteProtocolError, httpx2.ReadError):
        return Unreachable(Obstacle.CLOSED, last)
    return Unreachable(Obstacle.OTHER, last)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
