"""Peak memory of processes, as the kernel keeps it. `getrusage` begins with that of the process that started them."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

SECONDS_BETWEEN_LOOKS = 0.2


class Peaks:
    """Bytes at the peak of each process that was seen, by its number."""

    def __init__(self) -> None:
        self._bytes: dict[int, int] = {}

    def look(self, processes: list[psutil.Process]) -> None:
        for process in processes:
            if peak := peak_memory(process.pid):
                self._bytes[process.pid] = peak

    @property
    def total(self) -> int:
        return sum(self._bytes.values())


@contextmanager
def watching_descendants() -> Iterator[Peaks]:
    """Of all that this process starts meanwhile."""
    peaks, ended = Peaks(), threading.Event()

    def watch() -> None:
        own = psutil.Process()
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            peaks.look(own.children(recursive=True))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def peak_memory(pid: int) -> int | None:
    """None where the process has ended."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.M)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
