"""Ctrl-C while the engine works: it is for the engine, which ends in order, and then for us."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType


class Interruption:
    """Keeps the first Ctrl-C from ending this process before the engine, which gets it from the terminal as well."""

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
            self._say("Interrupted: the engine finishes what it has begun. Ctrl-C once more ends it at once.")
        self._happened = True

    def passed_on(self) -> None:
        """
        Raises:
            KeyboardInterrupt: Where there was a Ctrl-C.
        """
        if self._happened:
            raise KeyboardInterrupt
