"""Runs programs that outlive the command which started them, and finds them again."""

import json
import logging
import os
import subprocess
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from local.errors import LocalError
from local.folders import StateFolder, write_private
from local.waiting import wait_until

logger = logging.getLogger(__name__)

SECONDS_TO_TERMINATE = 10.0
SECONDS_TO_BE_KILLED = 5.0
# psutil counts a start time from the boot time, which moves a little with the clock.
SECONDS_OF_CLOCK_DRIFT = 2.0

_MARK = "OPENAI_COMPATIBLE_LLM_PROCESS"
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


@dataclass(frozen=True)
class Record:
    pid: int
    created: float
    command: list[str]
    revision: str


class DetachedProcesses:
    """The programs of one state folder, each with a name."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state

    def log(self, name: str) -> Path:
        return self._state.logs / f"{name}.log"

    def last_lines(self, name: str) -> str:
        """Returns the end of the program's log for an error message, with the name of the file."""
        return last_lines(self.log(name))

    def find(self, name: str) -> psutil.Process | None:
        """Returns the program's process, if it runs."""
        if record := self._record(name):
            with suppress(psutil.Error):
                process = psutil.Process(record.pid)
                if abs(process.create_time() - record.created) < SECONDS_OF_CLOCK_DRIFT and is_alive(process):
                    return process
        # The command that started it may have been killed before it wrote the record.
        return next((process for process, mark in processes_with(_MARK) if mark == self._record_file(name)), None)

    def names(self) -> set[str]:
        """Return the names of all that run."""
        return {mark.stem for _, mark in processes_with(_MARK) if mark.parent == self._state.processes.resolve()}

    def runs(self, name: str, command: Sequence[str], revision: str) -> bool:
        """Tells whether the program runs with just this command line and revision."""
        process, record = self.find(name), self._record(name)
        if not process or not record:
            return False
        return (record.pid, record.command, record.revision) == (process.pid, list(command), revision)

    def listens(self, name: str, port: int) -> bool:
        """Tells whether the program listens on this TCP port."""
        process = self.find(name)
        try:
            connections = process.net_connections(kind="tcp") if process else []
        except psutil.Error:
            return False
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)

    def start(
        self, name: str, command: Sequence[str], revision: str = "", environment: Mapping[str, str] | None = None
    ) -> None:
        """Starts a program with an environment that holds none of the caller's secrets.

        Args:
            name: Name by which to find it again.
            command: Its command line.
            revision: Differs when the program must be restarted although its command line is the same, because its
                files or its environment changed.
            environment: Environment variables beside the few that it inherits. Anyone who may look at the user's
                processes can read them, so never put a secret here.

        Raises:
            LocalError: The program can't be started.
        """
        log = self.log(name)
        if log.exists():
            log.replace(log.with_name(f"{log.name}.previous"))
        log.touch(mode=0o600)
        inherited = {variable: os.environ[variable] for variable in _INHERITED if variable in os.environ}
        with log.open("wb") as output:
            try:
                child = subprocess.Popen(
                    command,
                    cwd=self._state.root,
                    env={**inherited, **(environment or {}), _MARK: str(self._record_file(name))},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    umask=0o077,
                )
            except OSError as error:
                raise LocalError(f"{name} can't be started: {error}") from None
        _children.append(child)
        record = Record(child.pid, psutil.Process(child.pid).create_time(), list(command), revision)
        write_private(self._record_file(name), json.dumps(asdict(record)))

    def ensure(
        self, name: str, command: Sequence[str], revision: str, environment: Mapping[str, str] | None = None
    ) -> bool:
        """Start the program unless it runs with just this command line and revision. Tell whether it was started."""
        if self.runs(name, command, revision):
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
            try:
                while process := self.find(name):
                    _end(process)
                self._record_file(name).unlink(missing_ok=True)
            except (psutil.AccessDenied, psutil.TimeoutExpired) as error:
                failures.append(f"{name} (process {error.pid}) can't be stopped: {error}")
        if failures:
            raise LocalError("\n".join(failures))

    def stop_all(self, last: Sequence[str]) -> None:
        """Stops every program that runs, and those of these names last, in their order."""
        self.stop(*sorted(self.names() - set(last)), *last)

    def _record_file(self, name: str) -> Path:
        """The file of the program's record. Its path also marks the program's process, in its environment."""
        return self._state.processes.resolve() / f"{name}.json"

    def _record(self, name: str) -> Record | None:
        try:
            return Record(**json.loads(self._record_file(name).read_text()))
        except (OSError, ValueError, TypeError):
            return None


def is_alive(process: psutil.Process) -> bool:
    """Tells whether the process still holds its ports and files."""
    try:
        # A process that is ending looks like a zombie while some of its threads still run.
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def wait_until_ended(processes: Iterable[psutil.Process], timeout: float) -> bool:
    """Waits up to `timeout` seconds, and tells whether all of the processes have ended."""
    processes = list(processes)
    ended = wait_until(lambda: not any(map(is_alive, processes)), timeout)
    _children[:] = [child for child in _children if child.poll() is None]
    return ended


def last_lines(log: Path, count: int = 15) -> str:
    """Returns the end of a log for an error message, with the name of the file."""
    try:
        with log.open(errors="replace") as text:
            lines = "".join(deque(text, maxlen=count)).rstrip()
    except OSError as error:
        lines = str(error)
    return f"The last lines of {log}:\n{lines}"


def processes_with(variable: str) -> Iterator[tuple[psutil.Process, Path]]:
    """Yield every process of this user with this environment variable, and the path that is the variable's value."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            value = process.environ().get(variable)
            if value and is_alive(process):
                yield process, Path(value)


def _end(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.terminate()
        if wait_until_ended([process], SECONDS_TO_TERMINATE):
            return
        process.kill()
        if not wait_until_ended([process], SECONDS_TO_BE_KILLED):
            raise psutil.TimeoutExpired(SECONDS_TO_BE_KILLED, process.pid)
