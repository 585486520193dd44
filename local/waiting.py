"""Waits for what happens elsewhere."""

import time
from collections.abc import Callable

SECONDS_BETWEEN_LOOKS = 0.02


def wait_until(happened: Callable[[], object], timeout: float) -> bool:
    """Waits up to `timeout` seconds until the function returns something true, and tells whether it did.

    The function is called at least once, and what it raises ends the waiting.
    """
    deadline = time.monotonic() + timeout
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return True
