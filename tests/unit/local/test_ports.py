import socket
from pathlib import Path

import pytest

from local.gateway.gateways import EVERY_ADDRESS
from local.ports import Ports

NAMES = ("a", "b")


def test_a_name_keeps_its_port(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    chosen = ports.choose(NAMES, in_use=())
    assert len(set(chosen.values())) == 2
    assert ports.choose(NAMES, in_use=()) == ports.read() == chosen


def test_a_taken_port_is_given_up_by_what_does_not_run(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    before = ports.choose(NAMES, in_use=())
    with socket.create_server(("127.0.0.1", before["a"])):
        assert ports.choose(NAMES, in_use=["a"]) == before
        after = ports.choose(NAMES, in_use=["b"])
    assert after["a"] != before["a"]
    assert after["b"] == before["b"]


@pytest.mark.parametrize("content", ["", "[]", '{"a": "x"}'])
def test_a_damaged_file_is_as_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ports.json"
    file.write_text(content)
    ports = Ports(file)
    assert ports.read() == {}
    assert set(ports.choose(NAMES, in_use=())) == set(NAMES)


def test_a_port_that_must_be_free_on_all_addresses_is_not_taken_on_any(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json", EVERY_ADDRESS)
    before = ports.choose(["a"], in_use=())
    with socket.create_server(("127.0.0.2", before["a"])):
        assert ports.choose(["a"], in_use=()) != before
