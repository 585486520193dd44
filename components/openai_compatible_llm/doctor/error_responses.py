"""Reads error responses: who wrote one, the gateway or the provider, and what it says."""

import json
from typing import Any

from ..backends import BACKENDS, BackendDefinition
from ..backends.gateway_errors import GatewayError
from .outcome import HTTPError

# The proxies of gateway.kgateway.dev put this before a provider's response that isn't JSON.
# Source: kgateway-dev/kgateway#12235.
_UNPARSED_RESPONSE = "failed to process response body"


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


def is_taken_for_chat(response: HTTPError, api: BackendDefinition | None = None) -> bool:
    """Tells of a request that isn't a chat completion whether the gateway tried to read it as one."""
    return classify(response, api) is GatewayError.PROCESSING


def error_message(text: str) -> str:
    """Returns the provider's message, in the formats that OpenAI-compatible APIs use; empty for an HTML page."""
    body = _json(text)
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        message = error.get("message") or error.get("detail") or error.get("type") or ""
    else:
        message = error or ""
    if isinstance(message, str):
        return message.partition("<")[0] if message.startswith(_UNPARSED_RESPONSE) else message
    return json.dumps(message)


def is_api_error(text: str) -> bool:
    """Tells whether the provider's API wrote the error, and not something in front of it that serves a page."""
    if _json(text) is None:
        return False
    return not error_message(text).startswith(_UNPARSED_RESPONSE)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
