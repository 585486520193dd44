"""Defines what a request can result in."""

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True)
class Completion:
    """A chat completion.

    Attributes:
        text: What the model wrote.
        model: Model that the provider reports.
        tokens: Tokens of prompt and completion together; None where the provider doesn't report them.
        seconds: From sending the request to the end of the response.
        first_token_seconds: From sending the request to the first token; None without streaming.
        body: The response's body, verbatim; empty with streaming.
    """

    text: str
    model: str
    tokens: int | None
    seconds: float
    first_token_seconds: float | None
    body: str


@dataclass(frozen=True)
class ModelList:
    """The provider's models.

    Attributes:
        ids: Their names, in the provider's order.
        seconds: From sending the request to the end of the response.
        body: The response's body, verbatim.
    """

    ids: tuple[str, ...]
    seconds: float
    body: str


@dataclass(frozen=True)
class Embedding:
    """The embedding of one text.

    Attributes:
        dimensions: Length of the vector.
        model: Model that the provider reports.
        tokens: Tokens of the text; None where the provider doesn't report them.
        seconds: From sending the request to the end of the response.
        body: The response's body, verbatim.
    """

    dimensions: int
    model: str
    tokens: int | None
    seconds: float
    body: str


Answer = Completion | ModelList | Embedding


class ConnectionProblem(Enum):
    """Why there is no HTTP response."""

    REFUSED = auto()
    DNS = auto()
    CONNECT_TIMEOUT = auto()
    TLS = auto()
    CLOSED = auto()
    OTHER = auto()


@dataclass(frozen=True)
class Unreachable:
    """No HTTP response."""

    problem: ConnectionProblem
    detail: str


@dataclass(frozen=True)
class Redirected:
    """A redirect, which isn't followed; `location` is the header of that name, verbatim."""

    status: int
    location: str


@dataclass(frozen=True)
class HTTPError:
    """An HTTP response with an error status.

    Attributes:
        retry_after: The header of that name, verbatim.
    """

    status: int
    content_type: str
    text: str
    retry_after: str | None


@dataclass(frozen=True)
class InvalidResponse:
    """A successful HTTP response that isn't what was asked for.

    Attributes:
        expected: What was asked for, such as `chat completion`.
    """

    content_type: str
    text: str
    expected: str


@dataclass(frozen=True)
class TimedOut:
    """Nothing arrived for this many seconds; `started` where a part of the response had arrived before."""

    seconds: float
    started: bool


@dataclass(frozen=True)
class Truncated:
    """A response that ended early."""

    detail: str


Failure = Unreachable | Redirected | HTTPError | InvalidResponse | TimedOut | Truncated
