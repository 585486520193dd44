"""Which error responses are the gateway's own, and what they say. All others are the provider's, passed on.

Source: agentgateway's `ProxyError`, whose words are the body, as `text/plain`. Seen on a real gateway: 503
`upstream call failed`.
"""

from enum import Enum, auto

from .outcome import Refusal


class GatewaySays(Enum):
    """What the gateway's own error is about."""

    NO_ROUTE = auto()
    NO_BACKEND = auto()
    NO_KEY = auto()
    CALLER = auto()
    UPSTREAM = auto()
    UNREADABLE = auto()
    LIMIT = auto()
    TOO_LONG = auto()


_BEGINNINGS = {
    "route not found": GatewaySays.NO_ROUTE,
    "listener not found": GatewaySays.NO_ROUTE,
    "bind not found": GatewaySays.NO_ROUTE,
    "service not found": GatewaySays.NO_BACKEND,
    "backend does not exist": GatewaySays.NO_BACKEND,
    "no valid backends": GatewaySays.NO_BACKEND,
    "invalid backend type": GatewaySays.NO_BACKEND,
    "backend authentication failed": GatewaySays.NO_KEY,
    "authentication failure": GatewaySays.CALLER,
    "basic authentication failure": GatewaySays.CALLER,
    "api key authentication failure": GatewaySays.CALLER,
    "oidc failure": GatewaySays.CALLER,
    "authorization failed": GatewaySays.CALLER,
    "external authorization failed": GatewaySays.CALLER,
    "csrf validation failed": GatewaySays.CALLER,
    "upstream call timeout": GatewaySays.TOO_LONG,
    "request timeout": GatewaySays.TOO_LONG,
    "upstream call failed": GatewaySays.UPSTREAM,
    "backends required dns resolution which failed": GatewaySays.UPSTREAM,
    "no healthy backends": GatewaySays.UPSTREAM,
    "processing failed": GatewaySays.UNREADABLE,
    "rate limit exceeded": GatewaySays.LIMIT,
}


def own_words(refusal: Refusal) -> GatewaySays | None:
    """What the gateway itself says; None where it passes on what the provider said."""
    if not refusal.content_type.lower().startswith("text/plain"):
        return None
    text = refusal.text.strip().lower()
    return next((says for beginning, says in _BEGINNINGS.items() if text.startswith(beginning)), None)


# What is said after `upstream call failed`, where it got no connection at all.
_NO_CONNECTION = (
    "connection refused",
    "no route to host",
    "network is unreachable",
    "deadline has elapsed",
    "timed out",
    "dns resolution",
    "dns error",
    "failed to lookup",
    "name or service not known",
    "no healthy backends",
)


def is_no_connection(text: str) -> bool:
    """Whether the gateway couldn't even connect to the provider, so that TLS was never tried."""
    return any(words in text.lower() for words in _NO_CONNECTION)
