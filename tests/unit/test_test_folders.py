"""Each kind of test has a folder. What several kinds share is in tests/support."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY

TESTS = REPOSITORY / "tests"
FOLDERS = sorted({file.relative_to(TESTS).parts[0] for file in TESTS.glob("*/**/*.py")})


@cache
def imported_modules(file: Path) -> set[str]:
    """Returns the modules that a file imports from, and the names that could be modules."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_kind_of_test_imports_another(folder: str) -> None:
    allowed = (f"tests.{folder}.", "tests.support.")
    imports = {(file.name, each) for file in (TESTS / folder).rglob("*.py") for each in imported_modules(file)}
    assert [each for each in sorted(imports) if each[1].startswith("tests.") and not each[1].startswith(allowed)] == []


def test_what_is_shared_is_used_by_several_kinds_of_test() -> None:
    for module in sorted((TESTS / "support").glob("*.py")):
        name = f"tests.support.{module.stem}"
        users = {
            folder
            for folder in FOLDERS
            for file in (TESTS / folder).rglob("*.py")
            if file != module and any(f"{each}.".startswith(f"{name}.") for each in imported_modules(file))
        }
        assert len(users) > 1, f"only {users} imports {name}"
