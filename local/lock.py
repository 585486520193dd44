import fcntl
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalError
from local.folders import StateFolder

TIMEOUT_SECONDS = 20 * 60.0


@contextmanager
def only_one_at_a_time(state: StateFolder, say: Callable[[str], None]) -> Iterator[None]:
    """Make two commands on one state folder run one after the other."""
    with exclusive(state.lock, say):
        yield


@contextmanager
def exclusive(path: Path, say: Callable[[str], None], timeout: float = TIMEOUT_SECONDS) -> Iterator[None]:
    """Hold the lock file, after waiting for its holder. It is free when the holder has ended, even if it was killed.

    Args:
        path: The file.
        say: Takes one line, if there is somebody to wait for.
        timeout: Seconds to wait.

    Raises:
        LocalError: The holder has not ended in time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        _wait_for(file.fileno(), path, say, timeout)
        path.write_text(f"process {os.getpid()} ({shlex.join(['python', *sys.orig_argv[1:]])})")
        try:
            yield
        finally:
            file.truncate(0)


def _wait_for(descriptor: int, path: Path, say: Callable[[str], None], timeout: float) -> None:
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
                say(f"Waiting for {holder} to end ...")
                announced = True
            time.sleep(0.1)
        else:
            return
