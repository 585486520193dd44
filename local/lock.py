"""Makes commands wait for each other."""

import fcntl
import logging
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalError

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 20 * 60.0


@contextmanager
def exclusive(path: Path, timeout: float = TIMEOUT_SECONDS) -> Iterator[None]:
    """Hold a lock file, which the system frees when its holder ends, even if it is killed.

    Args:
        path: The file.
        timeout: Seconds to wait for that process.

    Raises:
        LocalError: The process has not ended in time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        _wait_for(file.fileno(), path, timeout)
        path.write_text(f"process {os.getpid()} ({shlex.join(['python', *sys.orig_argv[1:]])})")
        try:
            yield
        finally:
            file.truncate(0)


def _wait_for(descriptor: int, path: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    announced = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text() or "another process"
            if time.monotonic() > deadline:
                raise LocalError(
                    f"{holder} has held {path} for {timeout / 60:.0f} minutes. Wait until it ends, or end it."
                ) from None
            if not announced:
                logger.info(f"Waiting for {holder} to end ...")
                announced = True
            time.sleep(0.1)
        else:
            return
