"""Delays Ctrl-C until the engine has ended."""

import logging
import signal
from types import FrameType, TracebackType

logger = logging.getLogger(__name__)


class Interruption:
    """Keeps Ctrl-C from ending this process before the engine, to which the terminal sends the same signal."""

    def __init__(self) -> None:
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
            logger.info(
                "Interrupted: the engine is finishing what it has begun. Press Ctrl-C again to stop it at once."
            )
        self._happened = True

    def raise_if_interrupted(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed."""
        if self._happened:
            raise KeyboardInterrupt
