"""Why something was not done. The messages are shown to the user as they are."""

from collections.abc import Mapping
from typing import Any


class ProviderError(Exception):
    """Ends a request of the engine's with this message."""


class KubeconfigError(ProviderError):
    """The kubeconfig can't be read. Says nothing of what is in it."""


class UnreachableError(ProviderError):
    """No answer from the API server."""


class NoMatchError(ProviderError):
    """The API server doesn't know the kind."""


class RefusedError(ProviderError):
    """The API server's answer was no."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        super().__init__(status.get("message") or status.get("reason") or "no reason given")
        self.code: int = status.get("code", 0)
        self.details: Mapping[str, Any] = status.get("details") or {}

    @property
    def not_found(self) -> bool:
        return self.code == 404

    @property
    def conflicting_managers(self) -> list[str]:
        """Whose fields an apply ran into; empty where it was refused for something else."""
        causes = [cause for cause in self.details.get("causes", ()) if cause.get("reason") == "FieldManagerConflict"]
        return [cause["message"].split('"')[1] for cause in causes] if self.code == 409 else []
