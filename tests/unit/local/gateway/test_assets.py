from pathlib import Path

import pytest

from local.gateway.assets import find_assets

PARTS = ("controller", "proxy", "crds/backends.yaml")


def write(folder: Path, *parts: str) -> None:
    for part in parts:
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        (folder / part).write_text("kind: CustomResourceDefinition\n")
        (folder / part).chmod(0o755)


def test_each_api_of_which_everything_is_there_is_found(tmp_path: Path) -> None:
    write(tmp_path / "kgateway", *PARTS)
    write(tmp_path / "agentgateway", *PARTS)
    found = find_assets(str(tmp_path))
    assert set(found) == {"kgateway", "agentgateway"}
    assert found["kgateway"].controller == tmp_path / "kgateway/controller"
    assert found["kgateway"].proxy == tmp_path / "kgateway/proxy"
    assert found["kgateway"].definitions == [{"kind": "CustomResourceDefinition"}]


@pytest.mark.parametrize("part", PARTS)
def test_an_api_of_which_something_is_missing_is_not_found(tmp_path: Path, part: str) -> None:
    write(tmp_path / "kgateway", *PARTS)
    (tmp_path / "kgateway" / part).unlink()
    assert find_assets(str(tmp_path)) == {}


def test_a_program_that_can_not_be_run_is_none(tmp_path: Path) -> None:
    write(tmp_path / "kgateway", *PARTS)
    (tmp_path / "kgateway/proxy").chmod(0o644)
    assert find_assets(str(tmp_path)) == {}


@pytest.mark.parametrize("folder", [None, "", "/nowhere"])
def test_nothing_is_found_where_there_is_nothing(folder: str | None) -> None:
    assert find_assets(folder) == {}
