import socket
from pathlib import Path

import pytest

from local.gateway.gateways import EVERY_ADDRESS
from local.ports import Ports


@pytest.fixture
def ports(tmp_path: Path) -> Ports:
    return Ports(tmp_path / "ports.json")


def test_a_name_keeps_its_port(ports: Ports) -> None:
    chosen = {name: ports.choose(name, is_running=False) for name in ("a", "b")}
    assert len(set(chosen.values())) == 2
    assert {name: ports.choose(name, is_running=False) for name in ("a", "b")} == ports.read() == chosen


def test_a_taken_port_is_given_up_by_what_does_not_run(ports: Ports) -> None:
    before, other = ports.choose("a", is_running=False), ports.choose("b", is_running=False)
    with socket.create_server(("127.0.0.1", before)):
        assert ports.choose("a", is_running=True) == before
        after = ports.choose("a", is_running=False)
    assert after != before
    assert ports.read() == {"a": after, "b": other}


@pytest.mark.parametrize("content", ["", "[]"])
def test_a_damaged_file_is_as_none(tmp_path: Path, content: str, ports: Ports) -> None:
    (tmp_path / "ports.json").write_text(content)
    assert ports.read() == {}
    assert ports.choose("a", is_running=True) == ports.read()["a"]


def test_a_port_that_must_be_free_on_all_addresses_is_not_taken_on_any(ports: Ports) -> None:
    before = ports.choose("a", EVERY_ADDRESS, is_running=False)
    with socket.create_server(("127.0.0.2", before)):
        assert ports.choose("a", EVERY_ADDRESS, is_running=False) != before
