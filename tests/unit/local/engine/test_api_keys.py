import os
from pathlib import Path

import pytest

from local.engine import api_keys
from local.engine.api_keys import PLACEHOLDER, ApiKeys, program_with


def test_keys_are_taken_out_of_the_environment_and_the_rest_is_left(caplog: pytest.LogCaptureFixture) -> None:
    environment = {"MISTRAL_API_KEY": "one", "OPENAI_API_KEY": "two", "API_KEY_FILE": "path", "PATH": "/bin"}
    keys = ApiKeys(environment)
    assert environment == {"API_KEY_FILE": "path", "PATH": "/bin"}
    assert keys.of([("MISTRAL_API_KEY",)]) == {"MISTRAL_API_KEY": "one"}
    assert keys.used == ["MISTRAL_API_KEY"]
    assert caplog.messages == []


def test_a_placeholder_stands_for_a_key_that_is_not_there_or_empty(caplog: pytest.LogCaptureFixture) -> None:
    keys = ApiKeys({"B_API_KEY": ""})
    assert keys.of([("A_1_API_KEY",), ("B_API_KEY",)]) == {"A_1_API_KEY": PLACEHOLDER, "B_API_KEY": PLACEHOLDER}
    assert keys.used == []
    assert caplog.messages == [
        f"{name} is not set: using a placeholder for the key on this machine." for name in ("A_1_API_KEY", "B_API_KEY")
    ]


def test_of_several_variables_for_one_key_the_first_that_is_set_counts(caplog: pytest.LogCaptureFixture) -> None:
    keys = ApiKeys({"EU_API_KEY": "", "MISTRAL_API_KEY": "one"})
    assert keys.of([("EU_API_KEY", "MISTRAL_API_KEY")]) == {"MISTRAL_API_KEY": "one"}
    assert keys.of([("US_API_KEY", "GROQ_API_KEY")]) == {"US_API_KEY": PLACEHOLDER}
    assert caplog.messages == [
        "US_API_KEY or GROQ_API_KEY is not set: using a placeholder for the key on this machine."
    ]


@pytest.mark.parametrize("last_line", ["", "raise ValueError"])
def test_the_program_sees_the_keys_and_nobody_after_it(
    last_line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "REPOSITORY", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    seen = tmp_path / "seen"
    program = f"import os, pathlib\npathlib.Path({str(seen)!r}).write_text(os.environ['MISTRAL_API_KEY'] + __name__)\n"
    (tmp_path / "__main__.py").write_text(program + last_line)
    run = program_with({"MISTRAL_API_KEY": "one"})
    if last_line:
        with pytest.raises(ValueError, match=r"^$"):
            run()
    else:
        run()
    assert seen.read_text() == "one__main__"
    assert "MISTRAL_API_KEY" not in os.environ
