"""The wheel and the sdist of `components/`, built with the project's own build backend."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from components.openai_compatible_llm import __version__
from tests.support.pages import blocks
from tests.support.repository import REPOSITORY
from tools.versions import find_pythons

COMPONENTS = REPOSITORY / "components"
PACKAGE = COMPONENTS / "openai_compatible_llm"
PROJECT = tomllib.loads((COMPONENTS / "pyproject.toml").read_text())["project"]
NAME = f"openai_compatible_llm-{__version__}"
MODULES = {
    f"openai_compatible_llm/{file.relative_to(PACKAGE)}"
    for file in PACKAGE.rglob("*")
    if file.is_file() and "__pycache__" not in file.parts
}


def build(source: Path, target: str) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", "built"]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = (source / "built").iterdir()
    return built


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of components/, so that nothing is built in the clone."""
    copy = tmp_path_factory.mktemp("source") / "components"
    shutil.copytree(COMPONENTS, copy, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
    return copy


@pytest.fixture(scope="module")
def archive(source: Path) -> Path:
    """The sdist."""
    archive = build(source, "sdist")
    assert archive.name == f"{NAME}.tar.gz"
    return archive


@pytest.fixture(scope="module")
def sdist(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder / NAME


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """The wheel, built from the sdist, so that the sdist must be complete."""
    return build(sdist, "wheel")


def metadata_of(wheel: Path) -> Metadata:
    with zipfile.ZipFile(wheel) as opened:
        return Metadata.from_email(opened.read(f"{NAME}.dist-info/METADATA"), validate=True)


def test_the_sdist_has_the_package_and_its_build_files_only(sdist: Path) -> None:
    files = {str(file.relative_to(sdist)) for file in sdist.rglob("*") if file.is_file()}
    assert files == MODULES | {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    assert "openai_compatible_llm/py.typed" in files


def test_the_wheel_has_the_package_and_its_licence_only(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        licence = opened.read(f"{NAME}.dist-info/licenses/LICENSE")
    own_names = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    own = {f"{NAME}.dist-info/{name}" for name in own_names}
    assert wheel.name == f"{NAME}-py3-none-any.whl"
    assert names == MODULES | own
    assert licence == (REPOSITORY / "LICENSE").read_bytes()


def test_the_wheel_is_reproducible(source: Path, wheel: Path, tmp_path: Path) -> None:
    again = tmp_path / "components"
    shutil.copytree(source, again, ignore=shutil.ignore_patterns("built"))
    assert build(again, "wheel").read_bytes() == wheel.read_bytes()


def test_the_metadata_is_complete(wheel: Path) -> None:
    metadata = metadata_of(wheel)
    assert metadata.name == "openai-compatible-llm"
    assert str(metadata.version) == __version__
    assert metadata.summary == PROJECT["description"]
    assert str(metadata.license_expression) == "Apache-2.0"
    assert metadata.license_files == ["LICENSE"]
    assert str(metadata.requires_python) == ">=3.11"
    always = [requirement.name for requirement in metadata.requires_dist or [] if not requirement.marker]
    assert sorted(always) == ["pulumi", "pulumi-kubernetes"]
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (COMPONENTS / "README.md").read_text()


def test_a_package_index_takes_both(archive: Path, wheel: Path) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", str(archive), str(wheel)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout.count("PASSED")) == (0, 2), checked.stdout


def test_its_readme_shows_the_program_that_the_projects_own_does() -> None:
    (program,) = blocks("python", "README.md")
    description = (COMPONENTS / "README.md").read_text()
    assert re.findall(r"^```\w*\n(.*?)^```$", description, re.DOTALL | re.MULTILINE) == [program]
    # A package index shows no files beside it, so every link is absolute.
    assert re.findall(r"\]\((?!https://)", description) == []


@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_it_installs_imports_and_has_the_console_script(kind: str, sdist: Path, wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(tmp_path), str({"sdist": sdist, "wheel": wheel}[kind])], check=True)
    program = """
import importlib.metadata, openai_compatible_llm as package
assert importlib.metadata.version("openai-compatible-llm") == package.__version__
print(package.__file__, package.__version__, *(getattr(package, name) for name in package.__all__))
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    shown = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.startswith(f"{tmp_path / 'openai_compatible_llm/__init__.py'} {__version__} <class")
    command = [sys.executable, "-W", "error", f"{tmp_path}/bin/openai-compatible-llm-chat", "--help"]
    helped = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert helped.startswith("usage: openai-compatible-llm-chat ")


@pytest.mark.slow
@pytest.mark.parametrize("index", [0, -1], ids=["lowest", "newest"])
def test_it_installs_with_its_dependencies(index: int, archive: Path, wheel: Path, tmp_path: Path) -> None:
    """From a package index, as a user does; in the lowest and in the newest Python on this machine."""
    python = find_pythons()[0][index]
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", python.program, tmp_path], check=True)
    installed, script = tmp_path / "bin/python", tmp_path / "bin/openai-compatible-llm-chat"
    for file in (archive, wheel):
        subprocess.run([*uv, "pip", "install", "--python", installed, f"{file}[chat]"], check=True)
        subprocess.run([*uv, "pip", "check", "--python", installed], check=True)
        helped = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
        assert helped.startswith("usage: openai-compatible-llm-chat ")
        program = "import openai_compatible_llm as package, sys; print(package.__file__, sys.version_info[:3])"
        shown = subprocess.run([installed, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
        folder = f"{tmp_path}/lib/python{python.version.major}.{python.version.minor}/site-packages"
        assert shown.stdout == f"{folder}/openai_compatible_llm/__init__.py {python.version.release}\n"
        subprocess.run([*uv, "pip", "uninstall", "--python", installed, "openai-compatible-llm"], check=True)
