"""Makes commands wait for each other."""

import fcntl
import logging
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from local.errors import LocalError
from local.waiting import wait_until

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 20 * 60.0


@contextmanager
def exclusive(path: Path, timeout: float = TIMEOUT_SECONDS) -> Iterator[None]:
    """Holds a lock file, which the system frees when its holder ends, even if it is killed.

    Args:
        path: The file.
        timeout: Seconds to wait for another process that holds the lock.

    Raises:
        LocalError: The process has not ended in time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if not _lock(file):
            logger.info(f"Waiting for {_holder(path)} to end ...")
            if not wait_until(lambda: _lock(file), timeout):
                minutes = f"{timeout / 60:.0f} minutes"
                raise LocalError(f"{_holder(path)} has held {path} for {minutes}. Wait until it ends, or end it.")
        path.write_text(f"process {os.getpid()} ({shlex.join(['python', *sys.orig_argv[1:]])})")
        try:
            yield
        finally:
            file.truncate(0)


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    return path.read_text() or "another process"
