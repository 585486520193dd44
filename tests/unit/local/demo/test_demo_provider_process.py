"""The provider of `make demo` as a process that outlives the command."""

import socket
from collections.abc import Iterator

import pytest
import urllib3

from local.demo import provider as module
from local.demo.provider import NOT_RUNNING, DemoProvider
from local.errors import LocalError
from local.folders import StateFolder
from local.processes import DetachedProcesses

NAME = "demo-provider"


@pytest.fixture
def provider(state: StateFolder) -> Iterator[DemoProvider]:
    yield DemoProvider(state)
    DetachedProcesses(state).stop(NAME)


def health(provider: DemoProvider) -> int:
    url = provider.base_url.replace("/v1", "/health")
    return urllib3.request("GET", url, retries=False, timeout=20).status


def pid(state: StateFolder) -> int:
    process = DetachedProcesses(state).find(NAME)
    assert process
    return process.pid


def test_it_answers_once_it_is_started(provider: DemoProvider) -> None:
    assert not provider.stopped
    assert provider.report() == NOT_RUNNING
    provider.start()
    assert not provider.stopped
    assert provider.report() == f"The demo provider answers at http://127.0.0.1:{provider.port}/v1."
    assert health(provider) == 200


def test_a_later_command_leaves_it_as_it_is(
    provider: DemoProvider, state: StateFolder, caplog: pytest.LogCaptureFixture
) -> None:
    provider.start()
    before = pid(state)
    later = DemoProvider(state)
    later.start()
    assert (later.port, pid(state)) == (provider.port, before)
    assert caplog.messages == ["Starting demo-provider"]


def test_a_killed_one_comes_back_on_its_port(provider: DemoProvider, state: StateFolder) -> None:
    provider.start()
    port = provider.port
    DetachedProcesses(state).stop(NAME)
    assert provider.stopped
    assert provider.report() == NOT_RUNNING
    again = DemoProvider(state)
    again.start()
    assert again.port == port
    assert health(again) == 200


def test_it_takes_another_port_where_its_own_is_taken(provider: DemoProvider) -> None:
    port = provider.port
    with socket.create_server(("127.0.0.1", port)):
        provider.start()
        assert provider.port != port
        assert health(provider) == 200


def test_it_is_started_anew_when_its_file_has_changed(
    provider: DemoProvider, state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.start()
    before, port = pid(state), provider.port
    changed = state.root / "provider.py"
    changed.write_text(f"{module.PROGRAM.read_text()}\n")
    monkeypatch.setattr(module, "PROGRAM", changed)
    provider.start()
    assert pid(state) != before
    assert provider.port == port


def test_one_that_ends_at_once_is_told_with_its_log(
    provider: DemoProvider, state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = state.root / "provider.py"
    broken.write_text("raise SystemExit('no such thing')")
    monkeypatch.setattr(module, "PROGRAM", broken)
    with pytest.raises(LocalError, match=r"^demo-provider ended unexpectedly\. .*\nno such thing$"):
        provider.start()


def test_one_that_does_not_listen_is_told(
    provider: DemoProvider, state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = state.root / "provider.py"
    silent.write_text("import time\ntime.sleep(60)")
    monkeypatch.setattr(module, "PROGRAM", silent)
    monkeypatch.setattr(module, "SECONDS_TO_LISTEN", 0.0)
    with pytest.raises(LocalError, match=r"^The demo provider did not listen on port \d+ within 0 seconds\. "):
        provider.start()
