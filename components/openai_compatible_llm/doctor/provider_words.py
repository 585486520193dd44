"""What a provider says in an error, in the shapes that OpenAI-compatible ones have for it."""

import json
from typing import Any

# What the proxies of gateway.kgateway.dev put before an answer of a provider that isn't JSON.
# Source: kgateway-dev/kgateway#12235.
_NOT_UNDERSTOOD = "failed to process response body"


def message_in(text: str) -> str:
    """The provider's own words; nothing of a page of HTML."""
    body = _json(text)
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        said = error.get("message") or error.get("detail") or error.get("type") or ""
    else:
        said = error or ""
    if isinstance(said, str):
        return said.partition("<")[0] if said.startswith(_NOT_UNDERSTOOD) else said
    return json.dumps(said)


def is_json(text: str) -> bool:
    """Whether the provider's API speaks, and not a page that something before it serves."""
    body = _json(text)
    if body is None:
        return False
    return not message_in(text).startswith(_NOT_UNDERSTOOD)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
