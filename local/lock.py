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

PATIENCE_SECONDS = 20 * 60.0


@contextmanager
def only_one_at_a_time(state: StateFolder, say: Callable[[str], None]) -> Iterator[None]:
    """Two commands on one state folder run one after the other."""
    with exclusive(state.lock, say):
        yield


@contextmanager
def exclusive(path: Path, say: Callable[[str], None], patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the lock file, after whoever else holds it. It is free once its holder has ended, however it ended."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        _wait_for(file.fileno(), path, say, patience_seconds)
        path.write_text(f"process {os.getpid()} ({shlex.join(['python', *sys.orig_argv[1:]])})")
        try:
            yield
        finally:
            file.truncate(0)


def _wait_for(descriptor: int, path: Path, say: Callable[[str], None], patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text() or "another process"
            if time.monotonic() > deadline:
                raise LocalError(
                    f"Gave up after {patience_seconds / 60:.0f} minutes of waiting for {holder}, which holds {path}."
                ) from None
            if not told:
                say(f"Waiting for {holder} to end ...")
                told = True
            time.sleep(0.1)
        else:
            return
