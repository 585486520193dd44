"""Reads error responses: who wrote one, the gateway or the provider, and what it says."""

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from ..backends.model_routing import NO_MODEL, unknown_model
from ..client_url import VERSION
from .hops import fault_of_status, recognize
from .outcome import Endpoint, HTTPError
from .targets import Target

# The proxies of gateway.kgateway.dev put this around a provider's response that they can't read.
# Source: kgateway-dev/kgateway#12235.
_UNREADABLE = re.compile(r"(failed to process response body \((.*?)\)): (.*)", re.DOTALL)

_MESSAGES = ("message", "detail", "error_msg", "msg")

# Members of an error that repeat the request.
_ECHOES = ("input", "messages", "param", "loc", "ctx")

# With these statuses a limit is reached, whatever else the error mentions; here is what can say more about the limit.
_LIMITS: Mapping[int, tuple[str, ...]] = {
    HTTPStatus.TOO_MANY_REQUESTS: ("limit.length",),
    HTTPStatus.PAYMENT_REQUIRED: ("limit.length", "limit.money"),
}


def gateway_fault(response: HTTPError) -> str | None:
    """Returns the fault that the gateway's own error is about; None where the provider wrote the response."""
    is_plain = response.content_type.lower().startswith("text/plain")
    return recognize("problem", response.text.strip()) if is_plain else None


def not_served(response: HTTPError, target: Target) -> str | None:
    """Returns the gateway's own message that no provider takes the request at the target's URL, a shared one.

    None for any other response: a provider that doesn't know a model says so in other words.
    """
    is_own_url = target.stack is not None and target.shared is None
    is_json = response.content_type.lower().startswith("application/json")
    if is_own_url or not is_json or response.status != HTTPStatus.NOT_FOUND:
        return None
    body = _json(response.text)
    error = body.get("error") if isinstance(body, dict) else None
    message = str(error.get("message")) if isinstance(error, dict) else ""
    ending = unknown_model(f"{target.path.rstrip('/')}{VERSION}{Endpoint.MODELS.path}")
    has_words = message == NO_MODEL or (message.startswith('The model "') and message.endswith(ending))
    expected = {"message": message, "type": "invalid_request_error", "param": "model", "code": "model_not_found"}
    return message if has_words and body == {"error": expected} else None


class ProviderBody:
    """Reads the body of a response, in the formats that OpenAI-compatible APIs use.

    Attributes:
        unreadable: Why the gateway couldn't read the provider's response, which it then quotes; None where it could.
        is_json: Whether an API wrote the response, and not something in front of it that serves a page.
    """

    def __init__(self, text: str) -> None:
        self.unreadable: str | None = None
        self._text = text
        self._body = _json(text)
        if quoted := _UNREADABLE.fullmatch(self._message(self._error)):
            self._text, self.unreadable, content = quoted.groups()
            self._body = _json(content)
        if isinstance(self._body, list) and len(self._body) == 1:
            # Gemini puts its errors into a list.
            (self._body,) = self._body
        self.is_json = self._body is not None

    @property
    def message(self) -> str:
        """Returns the error's message; empty for an HTML page."""
        if not self.is_json:
            return self._text if self.unreadable else ""
        return self._message(self._error)

    @property
    def is_error(self) -> bool:
        """Tells whether the body is an error, whatever the status."""
        body = self._body if isinstance(self._body, dict) else {}
        has_code = "code" in body or "error_code" in body or self.status is not None
        return bool(body.get("error")) or (has_code and any(map(body.get, _MESSAGES)))

    @property
    def is_completion(self) -> bool:
        """Tells whether a chat completion is there, maybe one that the gateway couldn't read."""
        return isinstance(self._body, dict) and bool(self._body.get("choices"))

    @property
    def status(self) -> int | None:
        """Returns the HTTP status in the error: some providers answer 200 whatever happens."""
        for whole in (self._error, self._body):
            for name in ("code", "status"):
                value = whole.get(name) if isinstance(whole, dict) else None
                if re.fullmatch(r"[45]\d\d", str(value)):
                    return int(str(value))
        return None

    def fault(self, status: int) -> str:
        """Returns the fault that an error with this body is about, which its status doesn't always tell."""
        plain = "" if "<" in self._text else self._text
        said = recognize("complaint", unquote(" ".join(_strings(self._body)) if self.is_json else plain))
        if said and said in _LIMITS.get(status, (said,)):
            return said
        is_failing = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return fault_of_status(status) or ("provider.failing" if is_failing else "model-or-path.unknown")

    @property
    def _error(self) -> Any:
        return self._body.get("error", self._body) if isinstance(self._body, dict) else self._body

    def _message(self, error: Any) -> str:
        if not isinstance(error, dict):
            message = error or ""
        else:
            message = next(filter(None, map(error.get, (*_MESSAGES, "type"))), "")
            metadata = error.get("metadata")
            if isinstance(metadata, dict) and metadata.get("raw"):
                # OpenRouter's own message says only that a provider has failed.
                message = f"{message}: {metadata['raw']}"
        if not isinstance(message, str):
            return json.dumps(message)
        # xAI escapes its messages as in a URL.
        return unquote(message) if "%20" in message else message


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in _ECHOES:
                yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, str):
        yield value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
