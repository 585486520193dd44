"""Asks for a completion through a gateway."""

from typing import Any

import urllib3

QUESTION: dict[str, Any] = {"model": "asked", "messages": [{"role": "user", "content": "hi"}]}


def ask(url: str, body: dict[str, Any] | None = None, **options: Any) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(retries=False, timeout=20) as pool:
        return pool.request("POST", url, json={**QUESTION, **(body or {})}, **options)
