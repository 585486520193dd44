import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from local.folders import StateFolder, cache_folder

Program = Callable[[Path, str], Path]


@pytest.fixture(autouse=True)
def bin_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, so that nothing which this machine has is found; the cache is empty, and pip offline."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("cat", "env", "mkdir", "sh", "sleep"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return folder


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """A state folder that nothing runs in."""
    state = StateFolder(tmp_path / "state")
    state.create()
    return state


@pytest.fixture
def cache() -> Path:
    return cache_folder()


@pytest.fixture
def program() -> Program:
    """Writes a program that is a few lines of shell."""

    def write(file: Path, script: str) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    return write
