"""The README's snippets."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks of this language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def block_with(text: str) -> str:
    """The one block of shell commands that has this in it."""
    (found,) = (block for block in blocks("sh") if text in block)
    return found


def symptom(text: str) -> str:
    """One that the README says what to do about."""
    assert re.search(rf"^\| [^|]*`{re.escape(text)}`[^|]*\|", README, re.MULTILINE), text
    return text


TRY_IT = block_with("make up\n")
IN_BETWEEN = block_with("make up STACK=mistral")
