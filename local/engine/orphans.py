"""Ends engines and providers that still run although the command that started them was killed."""

import logging
import os
from contextlib import suppress

import psutil

from local.errors import LocalError
from local.folders import StateFolder
from local.processes import processes_with, wait_until_ended

logger = logging.getLogger(__name__)

SECONDS_TO_END_BY_THEMSELVES = 10.0
SECONDS_TO_BE_KILLED = 5.0


def wait_for_orphans(state: StateFolder, timeout: float = SECONDS_TO_END_BY_THEMSELVES) -> None:
    """Waits until the orphans end, as they do without the command that started them. Kills them after `timeout`.

    Orphans have this state folder's Pulumi home in their environment.

    Raises:
        LocalError: One of them can't be killed.
    """
    homes = processes_with("PULUMI_HOME")
    orphans = [process for process, home in homes if home == state.pulumi_home and process.pid != os.getpid()]
    if not orphans:
        return
    logger.info("Waiting for the engine of a command that was killed ...")
    if wait_until_ended(orphans, timeout):
        return
    for process in orphans:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.kill()
    if not wait_until_ended(orphans, SECONDS_TO_BE_KILLED):
        pids = ", ".join(str(process.pid) for process in orphans)
        raise LocalError(f"Processes left by a command that was killed don't end: {pids}. End them, and try again.")
