"""Runs the provider of examples/kind as a process."""

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import urllib3

from tests.support.repository import REPOSITORY

PROGRAM = REPOSITORY / "examples/kind/provider.py"


@contextmanager
def demo_provider(command: Sequence[str] = (sys.executable, str(PROGRAM))) -> Iterator[str]:
    """Starts the provider on a free port, and yields its URL when it answers.

    Args:
        command: How it is started, without its port.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([*command, "--port", str(port)]) as process:
        try:
            retries = urllib3.Retry(connect=20, backoff_factor=0.05)
            urllib3.request("GET", f"{url}/health", retries=retries, timeout=5)
            yield url
        finally:
            process.kill()
