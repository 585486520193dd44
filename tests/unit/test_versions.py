"""Which Pythons `make test-versions` runs, and which it says that it skips."""

from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from tools.versions import choose_pythons

ADMITTED = SpecifierSet(">=3.11")


def listed(*versions: str, here: bool = True, **attributes: str) -> list[dict[str, Any]]:
    """Pythons as `uv python list` has them: with a path where they are on this machine."""
    kind = {"implementation": "cpython", "variant": "default", **attributes}
    return [{**kind, "version": each, "path": f"/opt/python{each}" if here else None} for each in versions]


def test_the_lowest_and_the_newest_are_of_those_on_this_machine() -> None:
    pythons, missing = choose_pythons(listed("3.13.0", "3.9.18", "3.11.7", "3.12.1"), ADMITTED)
    assert [pythons[0].program, pythons[-1].program] == ["/opt/python3.11.7", "/opt/python3.13.0"]
    assert missing == []


def test_releases_that_are_not_on_this_machine_are_named_as_missing() -> None:
    downloads = listed("3.14.2", "3.12.4", "3.11.9", "3.10.1", "3.9.2", here=False)
    _, missing = choose_pythons([*listed("3.12.1", "3.13.0"), *downloads], ADMITTED)
    assert missing == ["3.11", "3.14"]


def test_previews_and_other_kinds_of_python_are_left_out() -> None:
    others = [
        *listed("3.15.0rc1"),
        *listed("3.14.0", variant="freethreaded"),
        *listed("3.14.0", implementation="pypy"),
    ]
    pythons, missing = choose_pythons([*listed("3.11.7"), *others], ADMITTED)
    assert [str(each.version) for each in pythons] == ["3.11.7"]
    assert missing == []


def test_without_any_python_nothing_is_run_and_the_reason_is_said() -> None:
    with pytest.raises(LookupError, match=r"No Python >=3\.11 is on this machine"):
        choose_pythons([*listed("3.10.13"), *listed("3.12.1", here=False)], ADMITTED)
