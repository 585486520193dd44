"""Holds what a diagnosis starts from."""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from .outcome import Endpoint, Failure, Response
from .request_path import RequestPath
from .targets import Target


@dataclass(frozen=True)
class Evidence:
    """All that is known of a request that failed: what it resulted in, and what the cluster has of its path."""

    target: Target
    path: RequestPath
    failure: Failure
    endpoint: Endpoint = Endpoint.CHAT

    @property
    def status(self) -> int | None:
        return self.failure.status if isinstance(self.failure, Response) else None

    @property
    def text(self) -> str:
        """Returns the response's body; empty where none arrived."""
        return self.failure.text if isinstance(self.failure, Response) else ""

    @property
    def url(self) -> SplitResult:
        return urlsplit(self.target.base_url)
