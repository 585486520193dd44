"""Clients of a gateway for tests, and what it answers those that it refuses."""

from typing import Any

WEB, CRON, OTHER = (f"canary-client-{name}-51d0c7e29b" for name in ("web", "cron", "other"))
OLD, NEW, NEWER = (f"canary-client-{name}-83af16b40e" for name in ("old", "new", "newer"))

WITHOUT_KEY = "api key authentication failure: no API Key found"
WRONG_KEY = "api key authentication failure: invalid credentials"
NOT_ALLOWED = "authorization failed"
LIMITED = "rate limit exceeded"
TOKENS_OF_AN_ANSWER = 7


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def client(key: str, *models: str, limits: dict[str, Any] | list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Returns a client as stack files have it: for all models unless some are given, with one limit or several."""
    rate_limits = limits if isinstance(limits, list) else [limits] if limits else []
    return {
        "apiKey": key,
        **({"models": list(models)} if models else {}),
        **({"rateLimits": rate_limits} if rate_limits else {}),
    }


def clients(**keys: str) -> dict[str, Any]:
    """Returns clients without models and limits, by their names."""
    return {name: client(key) for name, key in keys.items()}
