"""Engines and providers that went on when the command that started them was killed."""

import os
import time
from collections.abc import Callable

import psutil

from local.errors import LocalError
from local.folders import StateFolder
from local.processes import is_alive

SECONDS_TO_END_BY_THEMSELVES = 10.0
SECONDS_TO_BE_KILLED = 5.0


def outlast(state: StateFolder, say: Callable[[str], None], patience: float = SECONDS_TO_END_BY_THEMSELVES) -> None:
    """Waits for them to end, as they do without the program they were started with, and then kills them.

    Raises:
        LocalError: Where one can't be killed.
    """
    left = _left(state)
    if not left:
        return
    say("Waiting for the engine of a command that was killed ...")
    if _ended(left, patience):
        return
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied as error:
            raise LocalError(f"Process {process.pid}, of a command that was killed, can't be ended: {error}") from None
    if not _ended(left, SECONDS_TO_BE_KILLED):
        raise LocalError(f"Of a command that was killed, these do not end: {[process.pid for process in left]}")


def _left(state: StateFolder) -> list[psutil.Process]:
    """Known by the Pulumi home that nobody else has. This process's own environment is not what it started with."""
    left = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("PULUMI_HOME") == str(state.pulumi_home):
                left.append(process)
        except (psutil.Error, OSError):
            continue
    return left


def _ended(processes: list[psutil.Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(is_alive, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
