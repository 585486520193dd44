"""Handles Ctrl-C while the engine runs: the engine ends in order first, and then this process."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType


class Interruption:
    """Keeps Ctrl-C from ending this process before the engine, which gets it from the terminal as well."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._happened = False

    def __enter__(self) -> "Interruption":
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._happened:
            self._say("Interrupted: the engine finishes what it has begun. Press Ctrl-C again to end it at once.")
        self._happened = True

    def raise_if_interrupted(self) -> None:
        """Raise the KeyboardInterrupt that was held back, if there was one."""
        if self._happened:
            raise KeyboardInterrupt
