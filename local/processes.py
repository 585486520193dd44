"""Runs programs that outlive the command which started them, and finds them again by their environment."""

import hashlib
import json
import logging
import os
import subprocess
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import psutil

from local.errors import LocalError
from local.folders import StateFolder
from local.waiting import wait_until

logger = logging.getLogger(__name__)

SECONDS_TO_TERMINATE = 10.0
SECONDS_TO_BE_KILLED = 5.0

Variables = Mapping[str, str]
NONE: Variables = MappingProxyType({})

_MARK = "OPENAI_COMPATIBLE_LLM_PROCESS"
_REVISION = "OPENAI_COMPATIBLE_LLM_REVISION"
_INHERITED = ("GOGC", "HOME", "LANG", "PATH", "TMPDIR")

# Kept for as long as this program runs, so that a child that has ended is not left behind as a zombie.
_children: list[subprocess.Popen[bytes]] = []


class ProcessEndedError(LocalError):
    """A program ended while something was expected of it.

    Attributes:
        name: Name of the program.
        lines: End of its log.
    """

    def __init__(self, name: str, lines: str) -> None:
        super().__init__(f"{name} ended unexpectedly. {lines}")
        self.name = name
        self.lines = lines


class DetachedProcesses:
    """The programs of one state folder, each with a name."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        # Marks look like files because earlier versions had them: what those started is found too.
        self._marks = state.root.resolve() / "processes"
        self._found: dict[str, psutil.Process] = {}

    def log(self, name: str) -> Path:
        return self._state.logs / f"{name}.log"

    def last_lines(self, name: str) -> str:
        """Returns the end of the program's log for an error message, with the name of the file."""
        return last_lines(self.log(name))

    def find(self, name: str) -> psutil.Process | None:
        """Returns the program's process, if it runs."""
        if name not in self._found or not is_alive(self._found[name]):
            self._found |= self._running()
        found = self._found.get(name)
        return found if found and is_alive(found) else None

    def names(self) -> set[str]:
        """Returns the names of all that run."""
        return set(self._running())

    def runs(self, name: str, command: Sequence[str], revision: str = "", environment: Variables = NONE) -> bool:
        """Tells whether the program runs as `start` would start it."""
        process = self.find(name)
        try:
            started_as = process.environ().get(_REVISION) if process else None
        except psutil.Error:
            return False
        return started_as == _digest(command, revision, environment)

    def listens(self, name: str, port: int) -> bool:
        """Tells whether the program listens on this TCP port."""
        process = self.find(name)
        try:
            connections = process.net_connections(kind="tcp") if process else []
        except psutil.Error:
            return False
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)

    def start(self, name: str, command: Sequence[str], revision: str = "", environment: Variables = NONE) -> None:
        """Starts a program with an environment that holds none of the caller's secrets.

        Args:
            name: Name by which to find it again.
            command: Its command line.
            revision: Differs when the program must be restarted although its command line and environment are the same,
                because its files changed.
            environment: Environment variables beside the few that it inherits. Anyone who may look at the user's
                processes can read them, so never put a secret here.

        Raises:
            LocalError: The program can't be started.
        """
        log = self.log(name)
        if log.exists():
            log.replace(log.with_suffix(".log.previous"))
        log.touch(mode=0o600)
        inherited = {variable: os.environ[variable] for variable in _INHERITED if variable in os.environ}
        own = {_MARK: str(self._marks / f"{name}.json"), _REVISION: _digest(command, revision, environment)}
        with log.open("wb") as output:
            try:
                child = subprocess.Popen(
                    command,
                    cwd=self._state.root,
                    env={**inherited, **environment, **own},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    umask=0o077,
                )
            except OSError as error:
                raise LocalError(f"{name} can't be started: {error}") from None
        _children.append(child)
        self._found[name] = psutil.Process(child.pid)

    def ensure(self, name: str, command: Sequence[str], revision: str = "", environment: Variables = NONE) -> bool:
        """Starts the program unless it runs just so. Tells whether it was started."""
        if self.runs(name, command, revision, environment):
            return False
        self.stop(name)
        logger.info(f"Starting {name}")
        self.start(name, command, revision, environment)
        return True

    def wait_for(self, happened: Callable[[], bool], names: Collection[str], timeout: float) -> bool:
        """Waits up to `timeout` seconds for something to happen, and tells whether it did.

        Raises:
            ProcessEndedError: One of the programs of these names ended before it happened.
        """

        def happened_while_they_run() -> bool:
            if happened():
                return True
            for name in names:
                if not self.find(name):
                    raise ProcessEndedError(name, self.last_lines(name))
            return False

        return wait_until(happened_while_they_run, timeout)

    def stop(self, *names: str) -> None:
        """Stops the programs one after the other. If one can't be stopped, goes on with the rest before raising."""
        failures = []
        for name in names:
            while process := self.find(name):
                with suppress(psutil.Error):
                    process.terminate()
                if not end([process], SECONDS_TO_TERMINATE):
                    failures.append(f"{name} (process {process.pid}) can't be stopped. End it, and try again.")
                    break
        if failures:
            raise LocalError("\n".join(failures))

    def stop_all(self, last: Sequence[str]) -> None:
        """Stops every program that runs, and those of these names last, in their order."""
        self.stop(*sorted(self.names() - set(last)), *last)

    def _running(self) -> dict[str, psutil.Process]:
        return {mark.stem: process for process, mark in processes_with(_MARK) if mark.parent == self._marks}


def is_alive(process: psutil.Process) -> bool:
    """Tells whether the process still holds its ports and files."""
    try:
        # A process that is ending looks like a zombie while some of its threads still run.
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def end(processes: Collection[psutil.Process], timeout: float) -> bool:
    """Waits up to `timeout` seconds until the processes end, and kills those that don't. Tells whether all ended."""
    for seconds in (timeout, SECONDS_TO_BE_KILLED):
        ended = wait_until(lambda: not any(map(is_alive, processes)), seconds)
        _children[:] = [child for child in _children if child.poll() is None]
        if ended:
            return True
        for process in processes:
            with suppress(psutil.Error):
                process.kill()
    return False


def last_lines(log: Path, count: int = 15) -> str:
    """Returns the end of a log for an error message, with the name of the file."""
    try:
        with log.open(errors="replace") as text:
            lines = "".join(deque(text, maxlen=count)).rstrip()
    except OSError as error:
        lines = str(error)
    return f"The last lines of {log}:\n{lines}"


def processes_with(variable: str) -> Iterator[tuple[psutil.Process, Path]]:
    """Yields every process of this user with this environment variable, and the path that is the variable's value."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            value = process.environ().get(variable)
            if value and is_alive(process):
                yield process, Path(value)


def _digest(command: Sequence[str], revision: str, environment: Variables) -> str:
    return hashlib.sha256(json.dumps([*command, revision, sorted(environment.items())]).encode()).hexdigest()
