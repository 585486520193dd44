"""What a request passes on its way to the provider and back, in that order."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Link(Enum):
    """A link that may be broken: the exit status that says so, and what it means.

    The numbers are for scripts and stay as they are.
    """

    GATEWAY = (10, "the gateway can't be reached")
    ROUTE = (11, "the gateway has no route for the request")
    CALLER = (12, "the gateway itself refuses the caller")
    BACKEND = (13, "the gateway hasn't accepted the backend")
    SECRET = (14, "the gateway has no API key to send")
    PROVIDER = (15, "the provider can't be reached, or fails")
    TLS = (16, "there is no TLS between the gateway and the provider")
    HOST = (17, "the provider gets the gateway's Host header, and refuses it")
    KEY = (18, "the provider refuses the API key")
    MODEL_OR_PATH = (19, "the provider doesn't know the model or the path")
    LIMIT = (20, "a limit of requests, tokens or money is reached")
    TIMEOUT = (21, "the answer doesn't come in time")
    STREAM = (22, "the answer breaks off")

    def __init__(self, status: int, meaning: str) -> None:
        self.status = status
        self.meaning = meaning

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Finding:
    """A broken link.

    Attributes:
        link: Which.
        seen: What says so.
        remedy: What to do.
    """

    link: Link
    seen: str
    remedy: str
