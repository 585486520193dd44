"""Delays Ctrl-C until the engine has ended."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger(__name__)


@contextmanager
def delayed_interruption() -> Iterator[None]:
    """Keeps Ctrl-C from ending this process before the engine, to which the terminal sends the same signal.

    Raises:
        KeyboardInterrupt: At the end, if Ctrl-C was pressed.
    """
    happened = False

    def note(_signal: int, _frame: FrameType | None) -> None:
        nonlocal happened
        if not happened:
            logger.info(
                "Interrupted: the engine is finishing what it has begun. Press Ctrl-C again to stop it at once."
            )
        happened = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if happened:
            raise KeyboardInterrupt
