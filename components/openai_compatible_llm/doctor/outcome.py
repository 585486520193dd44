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


class ConnectionProblem(Enum):
    """Why there is no HTTP response, and what to do."""

    REFUSED = ("nothing listens there", "give the gateway's URL as it is reached from here")
    DNS = ("its name doesn't resolve here", "use a name that DNS knows, or an address")
    CONNECT_TIMEOUT = ("connecting timed out", "check firewalls and the network in between")
    TLS = (
        "TLS to the gateway fails",
        "use the name that its certificate is valid for, let this machine trust its authority, or use http",
    )
    CLOSED = ("it closes the connection", "check that it is a gateway, and whether it expects https")
    OTHER = ("it can't be reached", "give the gateway's URL as it is reached from here")

    def __init__(self, meaning: str, remedy: str) -> None:
        self.meaning = meaning
        self.remedy = remedy


@dataclass(frozen=True)
class Unreachable:
    """No HTTP response."""

    problem: ConnectionProblem
    detail: str


@dataclass(frozen=True)
class TimedOut:
    """Nothing arrived for this many seconds; `started` where a part of the response had arrived before."""

    seconds: float
    started: bool


@dataclass(frozen=True)
class Truncated:
    """A response that ended early."""

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


Failure = Unreachable | TimedOut | Truncated | HTTPError | InvalidResponse | Redirected
