"""Sends chat completions to a gateway without a pause, and counts what comes back."""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import urllib3

THREADS = 4
PAUSE = 0.04
TIMEOUT = 20.0


class Load:
    """Requests from several threads for as long as the context lasts.

    Args:
        pause: Seconds between a thread's answer and its next request.

    Attributes:
        answers: How often each status came, or each error where no response came.
    """

    def __init__(
        self,
        url: str,
        model: str = "asked",
        headers: Mapping[str, str] | None = None,
        threads: int = THREADS,
        pause: float = PAUSE,
    ) -> None:
        self._url = url
        self._pause = pause
        self._body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]})
        self._headers = {"content-type": "application/json", **(headers or {})}
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        self.answers: Counter[str] = Counter()

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    @property
    def lost(self) -> dict[str, int]:
        """What was not answered with 200, and how often."""
        return {answer: count for answer, count in self.answers.items() if answer != "200"}

    @property
    def total(self) -> int:
        return self.answers.total()

    def wait_for(self, more: int) -> None:
        """Waits until so many further requests have been answered."""
        goal = self.total + more
        while self.total < goal:
            self._ended.wait(0.05)

    def _run(self) -> None:
        with urllib3.PoolManager(retries=False, timeout=TIMEOUT) as pool:
            while not self._ended.wait(self._pause):
                answer = self._ask(pool)
                with self._lock:
                    self.answers[answer] += 1

    def _ask(self, pool: urllib3.PoolManager) -> str:
        try:
            response: Any = pool.request("POST", self._url, body=self._body, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            return type(error).__name__
        if response.status == 200:
            return "200"
        # A gateway that refuses a request before it has read it all may close the connection without saying so; the
        # next request on it would break, whatever becomes of that one.
        pool.clear()
        return f"{response.status} {response.data[:200].decode(errors='replace')}"
