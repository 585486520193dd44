"""Lists what a request passes on its way to the provider and back, in that order, and what may be broken there."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Any


@unique
class Hop(Enum):
    """Names a hop that may be broken, with its exit status and what is wrong there.

    Scripts rely on the statuses and labels, so they never change.
    """

    GATEWAY = (10, "the gateway can't be reached")
    ROUTE = (11, "the gateway has no route for the request")
    CALLER = (12, "the gateway refuses the client, for its key, its model or its limit")
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


_BY_LABEL = {hop.label: hop for hop in Hop}
_CATALOGUE = tomllib.loads(Path(__file__).with_name("faults.toml").read_text())
_PHRASES: Mapping[str, str] = _CATALOGUE.pop("phrases")
_FAULTS: Mapping[str, Mapping[str, Any]] = {
    f"{hop}.{name}": fault for hop, faults in _CATALOGUE.items() for name, fault in faults.items()
}

GATEWAY_URL = _PHRASES["gateway_url"]


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


def find(fault: str, **values: object) -> Finding:
    """Makes the finding of a fault in `faults.toml`.

    Args:
        fault: Its name, such as `route.missing`.
        values: What its texts contain in braces. `said` is the evidence where the fault has no text for that.
    """
    texts = _FAULTS[fault]
    return Finding(
        _BY_LABEL[fault.partition(".")[0]],
        texts.get("evidence", "{said}").format(**_PHRASES, **values),
        texts["remedy"].format(**_PHRASES, **values),
        tuple(_BY_LABEL[label] for label in texts.get("suspects", ())),
    )


def recognize(kind: str, text: str) -> str | None:
    """Returns the first fault in `faults.toml` with an expression of this kind that matches the text."""
    text = text.lower()
    return next(
        (name for name, fault in _FAULTS.items() if any(re.search(each, text) for each in fault.get(kind, ()))), None
    )


def fault_of_status(status: int) -> str | None:
    """Returns the fault that a provider's error with this HTTP status shows by itself."""
    return next((name for name, fault in _FAULTS.items() if status in fault.get("statuses", ())), None)
