"""Finds a file in the layers of an image."""

import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from local.errors import LocalError

LINKS_AT_MOST = 40

_ROOT = PurePosixPath("/")
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


class Layer:
    """One layer, which is read when something is looked up in it.

    Args:
        name: Names the layer in messages.
        archive: Returns the file, a tar archive that may be compressed by gzip.
    """

    def __init__(self, name: str, archive: Callable[[], Path]) -> None:
        self._name = name
        self._archive = archive

    @cached_property
    def members(self) -> Mapping[PurePosixPath, tarfile.TarInfo]:
        with self._opened() as archive:
            return {_normal(_ROOT / member.name): member for member in archive}

    def hides(self, path: PurePosixPath) -> bool:
        """Tells whether the layer removes this path from the layers below it."""
        return any(
            each.with_name(_WHITEOUT + each.name) in self.members or each.parent / _OPAQUE in self.members
            for each in _from_the_top(path)
        )

    def extract(self, member: tarfile.TarInfo, target: Path) -> None:
        """Writes a program that the layer has into a file."""
        with self._opened() as archive, target.open("wb") as output:
            content = archive.extractfile(member)
            if content:
                shutil.copyfileobj(content, output)
        target.chmod(0o755)

    @contextmanager
    def _opened(self) -> Iterator[tarfile.TarFile]:
        try:
            with tarfile.open(self._archive()) as archive:
                yield archive
        except (tarfile.TarError, EOFError, ValueError, zlib.error) as error:
            raise LocalError(f"{self._name} is no tar archive that can be read: {error}") from None


@dataclass(frozen=True)
class Layers:
    """All layers of an image, the lowest first."""

    reference: str
    layers: Sequence[Layer]

    def extract(self, program: str, target: Path) -> None:
        """Writes a program of the image into a file.

        Reads the last layer first, and the others only as far as it needs them. Links lead within the image.

        Raises:
            LocalError: The image has no such file, or a layer can't be read.
        """
        path = _normal(_ROOT / program)
        for _ in range(LINKS_AT_MOST):
            match self._look_up(path):
                case PurePosixPath() as leads_to:
                    path = leads_to
                case (layer, member):
                    layer.extract(member, target)
                    return
                case None:
                    break
        raise LocalError(f"The image {self.reference} has no file {program}.")

    def _look_up(self, path: PurePosixPath) -> PurePosixPath | tuple[Layer, tarfile.TarInfo] | None:
        """Returns the file with its layer; the path that a link leads to; or None where there is no file."""
        for layer in reversed(self.layers):
            for each in _from_the_top(path):
                member = layer.members.get(each)
                if member and (member.issym() or member.islnk()):
                    start = _ROOT if member.islnk() else each.parent
                    return _normal(start / member.linkname / path.relative_to(each))
                if member and (each == path or not member.isdir()):
                    return (layer, member) if each == path and member.isfile() else None
            if layer.hides(path):
                return None
        return None


def _from_the_top(path: PurePosixPath) -> list[PurePosixPath]:
    """Returns the folders that lead to a path, and the path itself."""
    return [*reversed(path.parents), path][1:]


def _normal(path: PurePosixPath) -> PurePosixPath:
    """Returns the path without `..`, which stays at the root as it does in a file system."""
    normal = _ROOT
    for part in path.parts[1:]:
        normal = normal.parent if part == ".." else normal / part
    return normal
