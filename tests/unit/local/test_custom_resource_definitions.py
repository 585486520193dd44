import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local import custom_resource_definitions as module
from local.custom_resource_definitions import GATEWAY_API_RESOURCES, custom_resource_definitions
from local.errors import LocalError

Program = Callable[[Path, str], Path]

VERSION = '[ "$1" = version ] && echo go version go1.99.0 linux/amd64 && exit'


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "crds"
    folder.mkdir()
    monkeypatch.setattr(module, "OWN_FOLDER", folder)
    return folder


@pytest.fixture
def downloading_go(tmp_path: Path, bin_folder: Path, program: Program) -> Path:
    standard = tmp_path / "gateway-api" / "config" / "crd" / "standard"
    standard.mkdir(parents=True)
    for resource in (*GATEWAY_API_RESOURCES, "grpcroutes"):
        (standard / f"gateway.networking.k8s.io_{resource}.yaml").write_text(f"metadata: {{name: {resource}}}\n")
    answer = json.dumps({"Dir": str(tmp_path / "gateway-api")})
    return program(bin_folder / "go", f"{VERSION}\necho '{answer}'")


def names() -> list[str]:
    return [manifest["metadata"]["name"] for manifest in custom_resource_definitions(print)]


@pytest.mark.usefixtures("downloading_go")
def test_the_gateway_apis_come_first_and_then_the_projects_own(own_folder: Path) -> None:
    (own_folder / "b.yaml").write_text("metadata: {name: two}\n---\nmetadata: {name: three}\n---\n")
    (own_folder / "a.yaml").write_text("metadata: {name: one}\n")
    assert names() == [*GATEWAY_API_RESOURCES, "one", "two", "three"]


def test_later_runs_need_no_go(downloading_go: Path) -> None:
    first = names()
    downloading_go.unlink()
    assert names() == first


def test_a_module_that_can_not_be_had_is_one_clear_line(bin_folder: Path, program: Program) -> None:
    program(bin_folder / "go", f"""{VERSION}\necho '{{"Error": "checksum mismatch"}}'; exit 1""")
    with pytest.raises(LocalError, match=r"The Go module sigs.k8s.io/gateway-api can't be had: checksum mismatch"):
        names()
