from pathlib import Path

import pytest

from local.control_plane import custom_resource_definitions as module
from local.control_plane.custom_resource_definitions import CRD_FILES, custom_resource_definitions
from local.errors import LocalError
from local.toolchain.go import download_module
from tests.unit.local.conftest import Program

VERSION = '[ "$1" = version ] && echo go version go1.99.0 linux/amd64 && exit'
CRD_NAMES = [Path(file).stem for files in CRD_FILES.values() for file in files]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "crds"
    folder.mkdir()
    monkeypatch.setattr(module, "OWN_FOLDER", folder)
    return folder


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "modules"
    for name, files in CRD_FILES.items():
        for file in (*files, str(Path(files[0]).with_name("others.yaml"))):
            path = folder / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"---\nmetadata: {{name: {path.stem}}}\n")
    return folder


@pytest.fixture
def downloading_go(modules: Path, bin_folder: Path, program: Program) -> Path:
    return program(bin_folder / "go", f"""{VERSION}\necho '{{"Dir": "{modules}/'"$4"'"}}'""")


def names() -> list[str]:
    return [manifest["metadata"]["name"] for manifest in custom_resource_definitions()]


@pytest.mark.usefixtures("downloading_go")
def test_what_the_modules_have_comes_first_and_then_the_projects_own(own_folder: Path) -> None:
    (own_folder / "b.yaml").write_text("metadata: {name: two}\n---\nmetadata: {name: three}\n---\n")
    (own_folder / "a.yaml").write_text("metadata: {name: one}\n")
    assert names() == [*CRD_NAMES, "one", "two", "three"]


def test_later_runs_need_no_go(downloading_go: Path) -> None:
    first = names()
    downloading_go.unlink()
    assert names() == first


def test_what_is_taken_anew_is_not_read_from_the_cache(
    downloading_go: Path, modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names()
    (modules / "example.com" / "more").mkdir(parents=True)
    (modules / "example.com" / "more" / "more.yaml").write_text("metadata: {name: more}\n")
    monkeypatch.setattr(module, "CRD_FILES", {**CRD_FILES, "example.com/more": ("more.yaml",)})
    assert names() == [*CRD_NAMES, "more"]
    downloading_go.unlink()
    monkeypatch.setattr(module, "CRD_FILES", CRD_FILES)
    assert names() == CRD_NAMES


@pytest.mark.usefixtures("downloading_go")
def test_each_module_has_a_folder_of_its_own(modules: Path) -> None:
    assert [download_module(name) for name in CRD_FILES] == [modules / name for name in CRD_FILES]


@pytest.mark.parametrize("missing", CRD_FILES)
def test_a_module_that_can_not_be_downloaded_is_one_clear_line(
    missing: str, modules: Path, bin_folder: Path, program: Program
) -> None:
    refusing = f"""[ "$4" = {missing} ] && echo '{{"Error": "checksum mismatch"}}' && exit 1"""
    program(bin_folder / "go", f"""{VERSION}\n{refusing}\necho '{{"Dir": "{modules}/'"$4"'"}}'""")
    with pytest.raises(LocalError, match=rf"^Downloading the Go module {missing} failed: checksum mismatch$"):
        names()
