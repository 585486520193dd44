"""Lists what a request passes on its way to the provider and back, in that order."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Hop(Enum):
    """Names a hop that may be broken, with its exit status and what is wrong there.

    Scripts rely on the statuses and labels, so they never change.
    """

    GATEWAY = (10, "the gateway can't be reached")
    ROUTE = (11, "the gateway has no route for the request")
    CALLER = (12, "the gateway rejects the caller's credentials")
    REQUEST = (23, "the gateway itself can't process the request")
    BACKEND = (13, "the gateway hasn't accepted the backend")
    SECRET = (14, "the gateway has no API key to send")
    PROVIDER = (15, "the provider can't be reached, or fails")
    TLS = (16, "TLS between the gateway and the provider fails")
    HOST = (17, "the provider gets the gateway's Host header and rejects it")
    KEY = (18, "the provider rejects the API key")
    MODEL_OR_PATH = (19, "the provider doesn't know the model or the path")
    LIMIT = (20, "a limit on requests, tokens, size or money is reached")
    TIMEOUT = (21, "the response doesn't arrive in time")
    STREAM = (22, "the response ends early")

    def __init__(self, status: int, meaning: str) -> None:
        self.status = status
        self.meaning = meaning

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Finding:
    """Describes a broken hop.

    Attributes:
        hop: The hop.
        evidence: What shows that it is broken.
        remedy: What to do.
        suspects: Hops that may be broken instead, by what the objects show, in the order in which they are checked.
    """

    hop: Hop
    evidence: str
    remedy: str
    suspects: tuple[Hop, ...] = ()
