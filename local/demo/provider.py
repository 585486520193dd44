"""Runs the small provider of the example on kind on loopback."""

import hashlib
import sys

from local.errors import LocalError
from local.folders import REPOSITORY, StateFolder
from local.ports import LOOPBACK, Ports
from local.processes import DetachedProcesses

PROGRAM = REPOSITORY / "examples/kind/provider.py"
SECONDS_TO_LISTEN = 30.0
NOT_RUNNING = "The demo provider is not running. Start it with `make demo`."

_NAME = "demo-provider"


class DemoProvider:
    """The provider as a detached process, whose port stays the same from one start to the next if it is free."""

    def __init__(self, state: StateFolder) -> None:
        self._processes = DetachedProcesses(state)
        self._ports = Ports(state.ports)

    @property
    def port(self) -> int:
        """The port on which it listens, or will listen once it is started."""
        return self._ports.choose(_NAME, is_running=bool(self._processes.find(_NAME)))

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/v1"

    @property
    def running(self) -> bool:
        return self._processes.listens(_NAME, self._ports.read().get(_NAME, 0))

    @property
    def stopped(self) -> bool:
        """Whether it has a port from an earlier start, and doesn't run."""
        return _NAME in self._ports.read() and not self.running

    def report(self) -> str:
        """Returns where it answers, or what starts it."""
        if self.running:
            return f"The demo provider answers at {self.base_url}."
        return NOT_RUNNING

    def start(self) -> None:
        """Starts it unless it runs.

        Raises:
            LocalError: It ended, or did not listen in time.
        """
        port = self.port
        command = [sys.executable, str(PROGRAM), "--host", LOOPBACK, "--port", str(port)]
        self._processes.ensure(_NAME, command, hashlib.sha256(PROGRAM.read_bytes()).hexdigest())
        if not self._processes.wait_for(lambda: self._processes.listens(_NAME, port), [_NAME], SECONDS_TO_LISTEN):
            raise LocalError(
                f"The demo provider did not listen on port {port} within {SECONDS_TO_LISTEN:.0f} seconds. "
                + self._processes.last_lines(_NAME)
            )
