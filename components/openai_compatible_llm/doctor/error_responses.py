"""Reads error responses: who wrote one, the gateway or the provider, and what it says."""

import json
import re
from collections.abc import Iterator
from enum import Enum, auto
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from ..backends import READERS, BackendReader
from ..backends.gateway_errors import GatewayError
from .outcome import HTTPError

# The proxies of gateway.kgateway.dev put this around a provider's response that they can't read.
# Source: kgateway-dev/kgateway#12235.
_UNREADABLE = re.compile(r"(failed to process response body \((.*?)\)): (.*)", re.DOTALL)

_MESSAGES = ("message", "detail", "error_msg", "msg")

# Members of an error that repeat the request.
_ECHOES = ("input", "messages", "param", "loc", "ctx")


class Complaint(Enum):
    """Names what a provider's error is about, which its status doesn't always tell."""

    REGION = auto()
    MONEY = auto()
    LENGTH = auto()
    RATE = auto()
    MODEL = auto()
    KEY = auto()


# The first match counts: messages about money, rates and models mention the key as well.
_COMPLAINTS = {
    Complaint.REGION: r"unsupported_country|\b(country|region|location)\b.{0,40}\bnot (supported|available)"
    r"|not (supported|available) in your (country|region)",
    Complaint.MONEY: r"insufficient[_ ](quota|balance|credit|fund)|\bbilling\b|\bcredits?\b|spending limit|\bbalance\b",
    Complaint.LENGTH: r"context[_ ](length|window)|string_above_max_length|too many (input |prompt )?tokens"
    r"|(prompt|input|messages?|request|string) (is |are |was )?too (long|large)",
    Complaint.RATE: r"rate[_ -]?limit|too many requests|resource_exhausted|\bquota\b",
    Complaint.MODEL: r"model_not_found|(unknown|invalid|unsupported|no such) model"
    r"|\bmodel\b.{0,100}(not exist|not found|not supported|not a valid|decommissioned|no longer|have access)",
    Complaint.KEY: r"api[ _-]?key|unauthenticated|unauthori[sz]ed|authentication[ _]?(error|fail|credential)"
    r"|(invalid|incorrect|expired|missing)[ _](access|bearer|auth\w*)[ _]\w+",
}

# With these statuses a limit is reached, whatever else the error mentions.
_LIMIT_STATUSES = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.PAYMENT_REQUIRED)
_LIMITS = (Complaint.MONEY, Complaint.LENGTH, Complaint.RATE)


def classify(response: HTTPError, api: BackendReader | None = None) -> GatewayError | None:
    """Returns what the gateway's own error is about; None where the provider wrote the response.

    Args:
        response: The error response.
        api: The route's gateway API, whose texts are looked up first; None where it isn't known.
    """
    if not response.content_type.lower().startswith("text/plain"):
        return None
    text = response.text.strip().lower()
    for reader in (api, *READERS.values()):
        for prefix, error in reader.errors.items() if reader else ():
            if text.startswith(prefix):
                return error
    return None


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

    def complaint(self, status: int) -> Complaint | None:
        """Returns what the error is about; None where it doesn't say so."""
        plain = "" if "<" in self._text else self._text
        words = unquote(" ".join(_strings(self._body)) if self.is_json else plain).lower()
        found = next((each for each, pattern in _COMPLAINTS.items() if re.search(pattern, words)), None)
        return None if status in _LIMIT_STATUSES and found not in _LIMITS else found

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
