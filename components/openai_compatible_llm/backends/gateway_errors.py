"""Names what agentgateway's own error responses are about, by how their text begins.

Source: agentgateway's `ProxyError`, whose text is the response's body, as `text/plain`. Both APIs configure proxies of
that project; where their versions differ, the API's own module has its texts.
"""

from collections.abc import Mapping
from enum import Enum, auto


class GatewayError(Enum):
    """What a gateway's own error is about."""

    NO_ROUTE = auto()
    NO_BACKEND = auto()
    BACKEND_AUTH = auto()
    CLIENT_AUTH = auto()
    FORBIDDEN = auto()
    UPSTREAM = auto()
    REQUEST_TOO_LARGE = auto()
    RESPONSE_TOO_LARGE = auto()
    UNREADABLE_RESPONSE = auto()
    PROCESSING = auto()
    RATE_LIMIT = auto()
    TIMEOUT = auto()


SHARED_ERRORS: Mapping[str, GatewayError] = {
    "bind not found": GatewayError.NO_ROUTE,
    "listener not found": GatewayError.NO_ROUTE,
    "route not found": GatewayError.NO_ROUTE,
    "misdirected request": GatewayError.NO_ROUTE,
    "service not found": GatewayError.NO_BACKEND,
    "no valid backends": GatewayError.NO_BACKEND,
    "invalid backend type": GatewayError.NO_BACKEND,
    "backend authentication failed": GatewayError.BACKEND_AUTH,
    "authentication failure": GatewayError.CLIENT_AUTH,
    "basic authentication failure": GatewayError.CLIENT_AUTH,
    "api key authentication failure": GatewayError.CLIENT_AUTH,
    "authorization failed": GatewayError.FORBIDDEN,
    "external authorization failed": GatewayError.FORBIDDEN,
    "csrf validation failed": GatewayError.FORBIDDEN,
    "request timeout": GatewayError.TIMEOUT,
    "upstream call failed": GatewayError.UPSTREAM,
    "backends required dns resolution which failed": GatewayError.UPSTREAM,
    "no healthy backends": GatewayError.UPSTREAM,
    "processing failed: request was too large": GatewayError.REQUEST_TOO_LARGE,
    "processing failed: response was too large": GatewayError.RESPONSE_TOO_LARGE,
    "processing failed: failed to parse response": GatewayError.UNREADABLE_RESPONSE,
    "processing failed": GatewayError.PROCESSING,
    "failed to apply filters": GatewayError.PROCESSING,
    "parsing body": GatewayError.PROCESSING,
    "ext_proc failed": GatewayError.PROCESSING,
    "rate limit failed": GatewayError.PROCESSING,
    "rate limit exceeded": GatewayError.RATE_LIMIT,
}

# What may follow `upstream call failed` where the gateway got no connection at all.
_CONNECTION_FAILURES = (
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


def is_connection_failure(text: str) -> bool:
    """Tells whether the gateway couldn't even connect to the provider, so that it never tried TLS."""
    return any(failure in text.lower() for failure in _CONNECTION_FAILURES)
