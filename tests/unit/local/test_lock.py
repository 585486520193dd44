import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.folders import StateFolder
from local.lock import exclusive

HOLD = """
import sys
from pathlib import Path
from local.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(lock: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        yield holder
        if holder.poll() is None:
            holder.kill()


def test_a_free_lock_is_taken_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        with exclusive(tmp_path / "lock"):
            pass
    assert caplog.messages == []


def test_the_lock_lies_beside_the_state_folder_which_may_be_removed(tmp_path: Path) -> None:
    with exclusive(StateFolder(tmp_path / ".local").lock):
        assert [file.name for file in tmp_path.iterdir()] == [".local.lock"]


def test_who_waits_is_told_once_for_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, told = tmp_path / "lock", list[str]()
    with held_elsewhere(lock) as holder:

        def let_go(line: str) -> None:
            told.append(line)
            assert holder.stdin
            holder.stdin.close()

        monkeypatch.setattr("local.lock.logger.info", let_go)
        with exclusive(lock):
            assert holder.wait(5) == 0
        assert len(told) == 1
        assert told[0].startswith(f"Waiting for process {holder.pid} (python -c")


def test_who_waits_can_be_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "lock"
    interrupt = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    monkeypatch.setattr("local.lock.logger.info", lambda _: interrupt.start())
    with held_elsewhere(lock), pytest.raises(KeyboardInterrupt), exclusive(lock):
        pass


def test_a_killed_holder_holds_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lock = tmp_path / "lock"
    with held_elsewhere(lock) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with exclusive(lock):
            pass
    assert caplog.messages == []


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), exclusive(lock):
        raise ZeroDivisionError
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert lock.read_text() == ""
