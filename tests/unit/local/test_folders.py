from pathlib import Path

import pytest

from local.folders import write_private


def test_a_private_file_is_replaced_in_one_step_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for text in ("first", "second"):
        write_private(file, text)
        assert file.read_text() == text
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("is_done", [False, True])
def test_ctrl_c_while_a_file_is_written_leaves_the_old_or_the_new_one(
    is_done: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    write_private(file, "old")
    replace = Path.replace

    def interrupted(partial: Path, target: Path) -> None:
        if is_done:
            replace(partial, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_private(file, "new")
    assert file.read_text() == ("new" if is_done else "old")
    assert list(tmp_path.iterdir()) == [file]
