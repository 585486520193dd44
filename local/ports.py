"""Chooses free ports and remembers them."""

import json
import socket
from contextlib import suppress
from pathlib import Path

from local.folders import read_json, write_private

LOOPBACK = "127.0.0.1"


class Ports:
    """Keeps the port of each program, by its name in a file, from one start to the next, if it is still free."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> dict[str, int]:
        """Returns the ports by name; an empty dict if the file is missing or damaged."""
        return read_json(self._file)

    def choose(self, name: str, address: str = LOOPBACK, *, is_running: bool) -> int:
        """Returns the program's last port. Chooses one that is free on the address if another program has taken it."""
        ports = self.read()
        if not is_running or name not in ports:
            preferred = ports.pop(name, 0)
            while (port := _free_port(address, preferred)) in ports.values():
                preferred = 0
            ports[name] = port
            write_private(self._file, json.dumps(ports))
        return ports[name]


def _free_port(address: str, preferred: int) -> int:
    with suppress(OSError), socket.create_server((address, preferred)) as listener:
        return int(listener.getsockname()[1])
    return _free_port(address, 0)
