"""Finds the blocks of code in the project's pages. tests/unit/test_pages.py checks that each of them is tested."""

import re
from textwrap import dedent

from tests.support.repository import REPOSITORY

PAGES = {
    str(file.relative_to(REPOSITORY)): file.read_text()
    for file in sorted(
        [
            *REPOSITORY.glob("*.md"),
            *REPOSITORY.glob("docs/*.md"),
            *REPOSITORY.glob("examples/**/README.md"),
            *REPOSITORY.glob("templates/*.md"),
            REPOSITORY / "components/README.md",
            REPOSITORY / "policy/README.md",
        ]
    )
}

_FENCED = re.compile(r"^( *)```([a-z]*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_HEREDOC = re.compile(r"<<'YAML'\n(.*?)^YAML$", re.DOTALL | re.MULTILINE)


# Page, language and text of each block between ``` and ```; the language is empty where it is output.
BLOCKS = [
    (page, language, dedent(content)) for page, text in PAGES.items() for _, language, content in _FENCED.findall(text)
]


def blocks(language: str, page: str | None = None) -> list[str]:
    """Returns the blocks in this language, of one page or of all, in their order."""
    return [text for where, found, text in BLOCKS if found == language and page in (None, where)]


def block(page: str, text: str, language: str = "sh") -> str:
    """Returns the page's one block that has this text in it."""
    (found,) = (each for each in blocks(language, page) if text in each)
    return found


def prose(page: str) -> str:
    """Returns the page without its blocks of code."""
    return _FENCED.sub("", PAGES[page])


def manifests(commands: str) -> list[str]:
    """Returns the YAML that commands hand to kubectl."""
    return _HEREDOC.findall(commands)


def symptom(text: str) -> str:
    """Returns a symptom that the page on troubleshooting has a remedy for."""
    assert re.search(rf"^\| [^|]*`{re.escape(text)}`[^|]*\|", PAGES["docs/troubleshooting.md"], re.MULTILINE), text
    return text


EXAMPLE_GATEWAY = "http://localhost:8080"
EXAMPLE_OBJECTS = (REPOSITORY / "examples/kind/gateway.yaml").read_text()

STACK_FILES = [each for each in blocks("yaml") if each.startswith("# stacks/Pulumi.")]
