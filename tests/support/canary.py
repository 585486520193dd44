"""Searches for API keys, in plain text and in base64."""

import base64
from collections.abc import Iterable
from pathlib import Path


class Canaries:
    """Searches for any of these keys."""

    def __init__(self, *keys: str) -> None:
        self._needles = [spelling for key in keys for spelling in _spellings(key)]

    def are_in(self, content: bytes | str) -> bool:
        searched = content.encode() if isinstance(content, str) else content
        return any(needle in searched for needle in self._needles)

    def files(self, folder: Path, leaving_out: Iterable[Path] = ()) -> list[Path]:
        """Returns the files below a folder that contain a key. Links lead to programs."""
        left_out = tuple(leaving_out)
        files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
        looked_at = (file for file in files if not any(map(file.is_relative_to, left_out)))
        return [file for file in looked_at if self.are_in(file.read_bytes())]


def _spellings(key: str) -> list[bytes]:
    """Returns the key in plain text, and as it appears inside longer base64."""
    found = [key.encode()]
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + key.encode())
        # The characters at both ends hold bits of the neighbours.
        found.append(encoded[(0, 2, 3)[before] : -4])
    return found
