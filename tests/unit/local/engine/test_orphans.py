import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.engine.interruption import wait_for_orphans
from local.folders import StateFolder

TOLD = ["Waiting for the engine of a command that was killed ..."]

Start = Callable[[str, str], "subprocess.Popen[bytes]"]


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / ".local")


@pytest.fixture
def start() -> Iterator[Start]:
    started = []

    def sleep(seconds: str, pulumi_home: str) -> "subprocess.Popen[bytes]":
        environment = {"PATH": os.environ["PATH"], "PULUMI_HOME": pulumi_home}
        started.append(subprocess.Popen(["sleep", seconds], env=environment))
        return started[-1]

    yield sleep
    for process in started:
        process.kill()
        process.wait()


def test_where_none_is_left_nothing_is_said(state: StateFolder, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    other = start("60", "/home/user/.pulumi")
    wait_for_orphans(state)
    assert caplog.messages == []
    assert other.poll() is None


def test_an_engine_that_ends_by_itself_is_waited_for(
    state: StateFolder, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    engine = start("0.3", str(state.pulumi_home))
    wait_for_orphans(state)
    assert caplog.messages == TOLD
    assert engine.wait() == 0


def test_an_engine_that_does_not_end_is_killed(
    state: StateFolder, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    engine, other = start("60", str(state.pulumi_home)), start("60", "/home/user/.pulumi")
    wait_for_orphans(state, timeout=0.1)
    assert caplog.messages == TOLD
    assert engine.wait() == -9
    assert other.poll() is None
