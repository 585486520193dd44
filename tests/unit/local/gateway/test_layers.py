"""Which file of an image a path names."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from local.errors import LocalError
from local.gateway.layers import Layer, Layers
from tests.support.registry import Entry, tar_gz

PROGRAM = "/usr/local/bin/gateway"


def extracted(folder: Path, *layers: Mapping[str, Entry]) -> bytes | None:
    """Returns what the program is in an image of these layers; None if it has none."""
    files = []
    for number, entries in enumerate(layers):
        files.append(folder / str(number))
        files[-1].write_bytes(tar_gz(entries))
    image = Layers("registry.test/image:1", [Layer(file.name, lambda file=file: file) for file in files])  # type: ignore[misc]
    target = folder / "program"
    try:
        image.extract(PROGRAM, target)
    except LocalError as error:
        assert str(error) == f"The image registry.test/image:1 has no file {PROGRAM}."
        assert not target.exists()
        return None
    assert target.stat().st_mode & 0o777 == 0o755
    return target.read_bytes()


@pytest.mark.parametrize("name", ["usr/local/bin/gateway", "./usr/local/bin/gateway", "usr/local/../local/bin/gateway"])
def test_a_program_is_found_however_the_archive_spells_its_path(tmp_path: Path, name: str) -> None:
    assert extracted(tmp_path, {name: b"it"}) == b"it"


def test_the_last_layer_that_has_the_program_wins(tmp_path: Path) -> None:
    assert extracted(tmp_path, {PROGRAM: b"old"}, {PROGRAM: b"new"}, {"etc/hosts": b""}) == b"new"


@pytest.mark.parametrize(
    "whiteout", ["usr/local/bin/.wh.gateway", "usr/local/.wh.bin", "usr/local/bin/.wh..wh..opq", ".wh.usr"]
)
def test_a_program_that_a_later_layer_removes_is_not_there(tmp_path: Path, whiteout: str) -> None:
    assert extracted(tmp_path, {PROGRAM: b"old"}, {whiteout: b""}) is None
    assert extracted(tmp_path, {PROGRAM: b"old"}, {whiteout: b"", PROGRAM: b"new"}) == b"new"
    assert extracted(tmp_path, {PROGRAM: b"old"}, {"usr/local/bin/.wh.gateway-2": b""}) == b"old"


@pytest.mark.parametrize(
    "links",
    [
        {PROGRAM: "gateway-2"},
        {PROGRAM: "/usr/local/bin/gateway-2"},
        {PROGRAM: "../../../../../usr/local/bin/gateway-2"},
        {PROGRAM: "next", "usr/local/bin/next": "gateway-2"},
        {PROGRAM: "/opt/gateway-2", "opt": "usr/local/bin"},
    ],
)
def test_a_link_leads_within_the_image_to_whatever_layer(tmp_path: Path, links: Mapping[str, Entry]) -> None:
    assert extracted(tmp_path, {"usr/local/bin/gateway-2": b"it"}, links) == b"it"
    assert extracted(tmp_path, links, {"usr/local/bin/gateway-2": b"it"}) == b"it"


def test_a_link_out_of_the_image_reads_nothing_of_this_machine(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of this machine")
    for link in (str(secret), f"../../..{secret}"):
        assert extracted(tmp_path, {PROGRAM: link}) is None


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    assert extracted(tmp_path, {PROGRAM: "gateway"}) is None


def test_a_file_in_the_way_hides_what_lower_layers_have(tmp_path: Path) -> None:
    assert extracted(tmp_path, {PROGRAM: b"old"}, {"usr/local/bin": b"a file"}) is None


def test_a_folder_of_the_programs_name_hides_what_lower_layers_have(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(PROGRAM.lstrip("/"))
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
    folder.write_bytes(buffer.getvalue())
    below = tmp_path / "below"
    below.write_bytes(tar_gz({PROGRAM: b"old"}))
    image = Layers("image", [Layer("below", lambda: below), Layer("folder", lambda: folder)])
    with pytest.raises(LocalError, match=f"^The image image has no file {PROGRAM}\\.$"):
        image.extract(PROGRAM, tmp_path / "program")


def test_an_archive_whose_numbers_are_none_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("gateway")
        member.pax_headers = {"GNU.sparse.map": "0,x"}
        archive.addfile(member)
    (tmp_path / "layer").write_bytes(buffer.getvalue())
    image = Layers("image", [Layer("The layer 1", lambda: tmp_path / "layer")])
    with pytest.raises(LocalError, match=r"^The layer 1 is no tar archive that can be read: "):
        image.extract(PROGRAM, tmp_path / "program")
