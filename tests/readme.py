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


TRY_IT = block_with("make up\n")
IN_BETWEEN = block_with("make up STACK=mistral")
INSTALLED = block_with("pip install ./components")
ASKED_INSTALLED = block_with("python -m openai_compatible_llm.chat")
README_GATEWAY = "http://localhost:8080"
PACKAGE_ADDED = block_with("pulumi package add")
YAML_PROGRAM = next(block for block in blocks("yaml") if block.startswith("# Pulumi.yaml"))
STACK_FILES = [block for block in blocks("yaml") if block != YAML_PROGRAM]
