"""Defines what a request can result in."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Endpoint(Enum):
    """What a request asks for: its path below the base URL, and what answers it."""

    CHAT = ("/chat/completions", "chat completion", "a completion")
    MODELS = ("/models", "list of models", "a list of models")
    EMBEDDINGS = ("/embeddings", "embedding", "an embedding")

    def __init__(self, path: str, answer: str, one_answer: str) -> None:
        self.path = path
        self.answer = answer
        self.one_answer = one_answer


@dataclass(frozen=True)
class Answer:
    """What was asked for.

    Attributes:
        text: What is printed: the model's text, a line for each model, or the number of dimensions. After a stream,
            which is printed token by token, the end of the line.
        models: The model that the provider reports, or all those of its list, in its order.
        seconds: From sending the request to the end of the response.
        tokens: Tokens of request and response together; None where the provider doesn't report them.
        first_token_seconds: From sending the request to the first token; None without streaming.
        body: The response's body, verbatim; empty with streaming.
    """

    endpoint: Endpoint
    text: str
    models: tuple[str, ...]
    seconds: float
    tokens: int | None = None
    first_token_seconds: float | None = None
    body: str = ""


@dataclass(frozen=True)
class Incomplete:
    """No response, or a part of one; `fault` is the fault's name in `faults.toml`, and `detail` a part of its text."""

    fault: str
    detail: str


@dataclass(frozen=True)
class Response:
    """An HTTP response that isn't an answer.

    Attributes:
        retry_after: The header of that name, verbatim.
    """

    status: int
    content_type: str
    text: str
    retry_after: str = ""


class HTTPError(Response):
    """A response with an error status."""


class InvalidResponse(Response):
    """A successful response that isn't what was asked for."""


@dataclass(frozen=True)
class Redirected(Response):
    """A redirect, which isn't followed; `location` is the header of that name, verbatim."""

    location: str = ""


Failure = Incomplete | HTTPError | InvalidResponse | Redirected
