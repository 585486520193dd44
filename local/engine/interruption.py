"""Delays Ctrl-C until the engine has ended, and ends engines whose command was killed."""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from local.errors import LocalError
from local.folders import StateFolder
from local.processes import end, processes_with

logger = logging.getLogger(__name__)

SECONDS_TO_END_BY_THEMSELVES = 10.0


@contextmanager
def delayed_interruption() -> Iterator[None]:
    """Keeps Ctrl-C from ending this process before the engine, to which the terminal sends the same signal.

    Raises:
        KeyboardInterrupt: At the end, if Ctrl-C was pressed.
    """
    pressed: list[int] = []

    def note(number: int, _frame: object) -> None:
        if not pressed:
            logger.info(
                "Interrupted: the engine is finishing what it has begun. Press Ctrl-C again to stop it at once."
            )
        pressed.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            raise KeyboardInterrupt


def wait_for_orphans(state: StateFolder, timeout: float = SECONDS_TO_END_BY_THEMSELVES) -> None:
    """Waits until engines and providers end, as they do without their command. Kills them after `timeout` seconds.

    They have this state folder's Pulumi home in their environment.

    Raises:
        LocalError: One of them can't be killed.
    """
    homes = processes_with("PULUMI_HOME")
    orphans = [process for process, home in homes if home == state.pulumi_home and process.pid != os.getpid()]
    if orphans:
        logger.info("Waiting for the engine of a command that was killed ...")
        if not end(orphans, timeout):
            pids = ", ".join(str(process.pid) for process in orphans)
            raise LocalError(f"Processes left by a command that was killed don't end: {pids}. End them, and try again.")
