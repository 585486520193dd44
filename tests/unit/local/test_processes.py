import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local import processes
from local.errors import LocalError
from local.folders import StateFolder
from local.processes import DetachedProcesses, ProcessEndedError, is_alive
from local.waiting import wait_until

SLEEP = ["sleep", "60"]
START = """
import sys
from pathlib import Path
from local.folders import StateFolder
from local.processes import DetachedProcesses
DetachedProcesses(StateFolder(Path(sys.argv[1]))).start("one", sys.argv[2:])
"""


@pytest.fixture
def detached(state: StateFolder) -> Iterator[DetachedProcesses]:
    detached = DetachedProcesses(state)
    yield detached
    detached.stop("one", "two")


def found(detached: DetachedProcesses, name: str) -> psutil.Process:
    """On a busy machine there is a moment in which a new program has neither command line nor environment yet."""
    assert wait_until(lambda: (process := detached.find(name)) and process.cmdline(), timeout=10)
    process = detached.find(name)
    assert process
    return process


def wait_for(file: Path, text: str) -> None:
    assert wait_until(lambda: text in file.read_text(), timeout=5), file.read_text()


def test_a_started_process_is_found_and_stopped(detached: DetachedProcesses) -> None:
    detached.start("one", SLEEP)
    process = found(detached, "one")
    assert process.cmdline() == SLEEP
    detached.stop("one")
    assert not is_alive(process)
    assert detached.find("one") is None


def test_a_process_has_a_session_of_its_own(detached: DetachedProcesses) -> None:
    detached.start("one", SLEEP)
    assert os.getsid(found(detached, "one").pid) != os.getsid(0)


def test_a_process_outlives_the_command_that_started_it(detached: DetachedProcesses, state: StateFolder) -> None:
    subprocess.run([sys.executable, "-c", START, state.root, *SLEEP], check=True)
    assert found(detached, "one").cmdline() == SLEEP


def test_a_process_killed_by_someone_else_is_not_found(detached: DetachedProcesses) -> None:
    detached.start("one", SLEEP)
    process = found(detached, "one")
    process.kill()
    assert wait_until(lambda: not is_alive(process), timeout=10)
    assert detached.find("one") is None


def test_a_process_of_another_command_is_found_by_its_mark(detached: DetachedProcesses, state: StateFolder) -> None:
    detached.start("one", SLEEP, "a")
    pid = found(detached, "one").pid
    later = DetachedProcesses(state)
    assert found(later, "one").pid == pid
    assert later.find("two") is None
    assert later.runs("one", SLEEP, "a")


def test_a_process_of_another_state_folder_is_not_ours(detached: DetachedProcesses, tmp_path: Path) -> None:
    detached.start("one", SLEEP)
    elsewhere = StateFolder(tmp_path / "elsewhere")
    elsewhere.create()
    assert DetachedProcesses(elsewhere).find("one") is None


def test_another_command_line_or_revision_is_another_process(detached: DetachedProcesses) -> None:
    detached.start("one", SLEEP, "a")
    found(detached, "one")
    assert detached.runs("one", SLEEP, "a")
    assert not detached.runs("one", SLEEP, "b")
    assert not detached.runs("one", ["sleep", "61"], "a")
    assert not detached.runs("one", SLEEP, "a", {"GATEWAY": "agentgateway"})


def test_what_ignores_the_signal_to_terminate_is_killed(
    detached: DetachedProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "SECONDS_TO_TERMINATE", 0.1)
    detached.start("one", ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.05; done"])
    wait_for(detached.log("one"), "deaf")
    process = found(detached, "one")
    detached.stop("one")
    assert not is_alive(process)


def test_all_names_stop_even_if_one_fails(detached: DetachedProcesses, monkeypatch: pytest.MonkeyPatch) -> None:
    detached.start("one", SLEEP)
    detached.start("two", SLEEP)
    one, two = found(detached, "one"), found(detached, "two")
    end = processes.end
    monkeypatch.setattr(processes, "end", lambda each, timeout: each != [one] and end(each, timeout))
    with monkeypatch.context() as patch, pytest.raises(LocalError, match=f"one .process {one.pid}. can't be stopped"):
        patch.setattr(psutil.Process, "terminate", lambda process: process.pid == one.pid or process.kill())
        detached.stop("one", "two")
    monkeypatch.undo()
    assert is_alive(one)
    assert not is_alive(two)


def test_stopping_what_does_not_run_is_no_error(detached: DetachedProcesses) -> None:
    detached.stop("one", "two")


def test_the_environment_holds_none_of_the_callers_secrets(
    detached: DetachedProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "canary")
    detached.start("one", ["sh", "-c", "env; echo end; sleep 60"])
    wait_for(detached.log("one"), "end")
    assert "canary" not in detached.log("one").read_text()
    assert "MISTRAL_API_KEY" not in found(detached, "one").environ()


def test_an_environment_of_its_own_goes_over_what_it_inherits(
    detached: DetachedProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "the caller's")
    monkeypatch.setenv("HOME", "the caller's")
    detached.start("one", ["sh", "-c", "sleep 60"], environment={"LANG": "its own", "GATEWAY": "agentgateway"})
    environment = found(detached, "one").environ()
    assert (environment["LANG"], environment["GATEWAY"]) == ("its own", "agentgateway")
    assert environment["HOME"] == "the caller's"


def test_all_that_run_are_known_even_when_their_folder_is_gone(state: StateFolder, tmp_path: Path) -> None:
    other = StateFolder(tmp_path / "other")
    other.create()
    detached, others = DetachedProcesses(state), DetachedProcesses(other)
    for name in ("one", "two.with.dots"):
        detached.start(name, SLEEP)
    others.start("three", SLEEP)
    for name in ("one", "two.with.dots"):
        found(detached, name)
    found(others, "three")
    shutil.rmtree(state.root)
    assert detached.names() == {"one", "two.with.dots"}
    detached.stop(*detached.names())
    assert detached.names() == set()
    assert others.names() == {"three"}
    others.stop("three")


def test_a_log_is_private_and_begins_anew_with_the_last_one_kept(detached: DetachedProcesses) -> None:
    for text in ("first", "second", "third"):
        detached.start("one", ["sh", "-c", f"echo {text}; sleep 60"])
        wait_for(detached.log("one"), text)
        detached.stop("one")
    log = detached.log("one")
    assert log.read_text() == "third\n"
    assert log.with_name("one.log.previous").read_text() == "second\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert len(list(log.parent.iterdir())) == 2


def test_a_program_that_is_not_there_is_one_clear_line(detached: DetachedProcesses) -> None:
    with pytest.raises(LocalError, match=r"one can't be started: .*nowhere"):
        detached.start("one", ["/nowhere/program"])


def test_only_its_own_listening_counts(detached: DetachedProcesses) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        detached.start("one", SLEEP)
        assert not detached.listens("one", port)
        assert not detached.listens("two", port)
    listen = f"import socket; s = socket.create_server(('127.0.0.1', {port})); print('up', flush=True); s.accept()"
    detached.start("two", [sys.executable, "-c", listen])
    wait_for(detached.log("two"), "up")
    assert detached.listens("two", port)


def test_waiting_ends_with_what_happens_or_with_the_time(detached: DetachedProcesses) -> None:
    detached.start("one", SLEEP)
    answers = iter([False, False, True])
    assert detached.wait_for(lambda: next(answers), ["one"], timeout=10)
    assert not detached.wait_for(lambda: False, ["one"], timeout=0.1)


def test_waiting_ends_with_a_program_that_ends_and_shows_its_log(detached: DetachedProcesses) -> None:
    detached.start("one", SLEEP)
    detached.start("two", ["sh", "-c", "echo out of order; exit 1"])
    with pytest.raises(ProcessEndedError) as ended:
        detached.wait_for(lambda: False, ["one", "two"], timeout=10)
    log = detached.log("two")
    assert str(ended.value) == f"two ended unexpectedly. The last lines of {log}:\nout of order"


def test_all_that_run_are_stopped_and_some_of_them_last(
    detached: DetachedProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        detached.start(name, SLEEP)
        found(detached, name)
    stopped: list[str] = []
    monkeypatch.setattr(detached, "stop", lambda *names: stopped.extend(names))
    detached.stop_all(last=["one", "not running"])
    monkeypatch.undo()
    assert stopped == ["two", "one", "not running"]


def test_an_interrupt_of_the_caller_does_not_reach_the_process(detached: DetachedProcesses) -> None:
    detached.start("one", SLEEP)
    process = found(detached, "one")
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert is_alive(process)
