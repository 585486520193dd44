"""Ends engines and providers that still run although the command that started them was killed."""

import logging
import os

import psutil

from local.errors import LocalError
from local.folders import StateFolder
from local.processes import wait_until_ended

logger = logging.getLogger(__name__)

SECONDS_TO_END_BY_THEMSELVES = 10.0
SECONDS_TO_BE_KILLED = 5.0


def wait_for_orphans(state: StateFolder, timeout: float = SECONDS_TO_END_BY_THEMSELVES) -> None:
    """Wait until the orphans end, as they do without the command that started them. Kill them after `timeout` seconds.

    Raises:
        LocalError: One of them can't be killed.
    """
    orphans = _find_orphans(state)
    if not orphans:
        return
    logger.info("Waiting for the engine of a command that was killed ...")
    if wait_until_ended(orphans, timeout):
        return
    for process in orphans:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied as error:
            raise LocalError(
                f"Process {process.pid}, left by a command that was killed, can't be ended: {error}"
            ) from None
    if not wait_until_ended(orphans, SECONDS_TO_BE_KILLED):
        pids = ", ".join(str(process.pid) for process in orphans)
        raise LocalError(f"Processes left by a command that was killed don't end: {pids}. End them, and try again.")


def _find_orphans(state: StateFolder) -> list[psutil.Process]:
    """Find the processes with this state folder's Pulumi home, except this one, which sets the variable for itself."""
    orphans = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("PULUMI_HOME") == str(state.pulumi_home):
                orphans.append(process)
        except (psutil.Error, OSError):
            continue
    return orphans
