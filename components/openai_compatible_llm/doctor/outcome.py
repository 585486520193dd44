"""What came of a request."""

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True)
class Answer:
    """A chat completion.

    Attributes:
        text: What the model said.
        model: Model that the provider says it was.
        tokens: Of prompt and answer together; None where the provider doesn't tell.
        seconds: From sending the request to the answer's end.
        first_token_seconds: From sending the request to the first token; None where it wasn't streamed.
        body: The response as it came; empty where it was streamed.
    """

    text: str
    model: str
    tokens: int | None
    seconds: float
    first_token_seconds: float | None
    body: str


class Obstacle(Enum):
    """Why no HTTP response came."""

    REFUSED = auto()
    UNKNOWN_NAME = auto()
    NO_CONNECTION_IN_TIME = auto()
    TLS = auto()
    CLOSED = auto()
    REDIRECTED = auto()
    OTHER = auto()


@dataclass(frozen=True)
class Unreachable:
    """There was no HTTP response, or one that only says to ask elsewhere: then `detail` is where."""

    obstacle: Obstacle
    detail: str


@dataclass(frozen=True)
class Refusal:
    """An HTTP response that says no.

    Attributes:
        retry_after: The header of that name, as it came.
    """

    status: int
    content_type: str
    text: str
    retry_after: str | None


@dataclass(frozen=True)
class NoCompletion:
    """An HTTP response that says yes, and is no chat completion."""

    content_type: str
    text: str


@dataclass(frozen=True)
class TimedOut:
    """Nothing came for so many seconds; `begun` where a part of the answer had come before."""

    seconds: float
    begun: bool


@dataclass(frozen=True)
class CutOff:
    """The answer ended before its end, with these words."""

    detail: str


Failure = Unreachable | Refusal | NoCompletion | TimedOut | CutOff
