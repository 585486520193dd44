"""Tells the gateway's own error responses from those of the provider, which the gateway passes on."""

from ..backends import BACKENDS, BackendDefinition
from ..backends.gateway_errors import GatewayError
from .outcome import HTTPError


def classify(response: HTTPError, api: BackendDefinition | None) -> GatewayError | None:
    """Returns what the gateway's own error is about; None where the provider wrote the response.

    Args:
        response: The error response.
        api: The route's gateway API, whose texts are looked up first; None where it isn't known.
    """
    if not response.content_type.lower().startswith("text/plain"):
        return None
    text = response.text.strip().lower()
    for definition in (api, *BACKENDS.values()):
        for prefix, error in definition.errors.items() if definition else ():
            if text.startswith(prefix):
                return error
    return None
