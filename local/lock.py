"""Makes commands wait for each other."""

import fcntl
import logging
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds a lock file, which the system frees when its holder ends, even if it is killed.

    While another process holds it, says which, and waits.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info(f"Waiting for {path.read_text() or 'another process'} to end ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        path.write_text(f"process {os.getpid()} ({shlex.join(['python', *sys.orig_argv[1:]])})")
        try:
            yield
        finally:
            file.truncate(0)
