"""Chooses free ports and remembers them."""

import json
import socket
from collections.abc import Container, Sequence
from contextlib import ExitStack
from pathlib import Path

from local.folders import write_private


class Ports:
    """Keeps the port of each program from one start to the next, if it is still free.

    Args:
        file: Where to keep the ports, by the programs' names.
        address: Address on which ports must be free.
    """

    def __init__(self, file: Path, address: str = "127.0.0.1") -> None:
        self._file = file
        self._address = address

    def read(self) -> dict[str, int]:
        """Returns the ports by name; an empty dict if the file is missing or damaged."""
        try:
            return {str(name): int(port) for name, port in json.loads(self._file.read_text()).items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def choose(self, names: Sequence[str], in_use: Container[str]) -> dict[str, int]:
        """Chooses a port for each name: its last one, unless another program has taken it.

        Args:
            names: The names.
            in_use: Names whose own program runs and has their port.
        """
        ports = self.read()
        with ExitStack() as held:
            for name in names:
                if name not in ports or (name not in in_use and not _is_free((self._address, ports[name]))):
                    listener = held.enter_context(socket.create_server((self._address, 0)))
                    ports[name] = listener.getsockname()[1]
        write_private(self._file, json.dumps(ports))
        return ports

    def forget(self) -> None:
        """Chooses new ports next time."""
        self._file.unlink(missing_ok=True)


def _is_free(address: tuple[str, int]) -> bool:
    try:
        socket.create_server(address).close()
    except OSError:
        return False
    return True
