"""The snippets of the README and of the pages beside it."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text()
ENVIRONMENTS = (REPOSITORY / "docs/environments.md").read_text()
RECIPES = (REPOSITORY / "docs/recipes.md").read_text()
ENDPOINTS = (REPOSITORY / "docs/endpoints.md").read_text()
PAGES = {
    "README.md": README,
    "docs/environments.md": ENVIRONMENTS,
    "docs/recipes.md": RECIPES,
    "docs/endpoints.md": ENDPOINTS,
}


def blocks(language: str, page: str = README) -> list[str]:
    """The code blocks of this language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def block_with(text: str, page: str = README) -> str:
    """The one block of shell commands that has this in it."""
    (found,) = (block for block in blocks("sh", page) if text in block)
    return found


def symptom(text: str) -> str:
    """One that the README says what to do about."""
    assert re.search(rf"^\| [^|]*`{re.escape(text)}`[^|]*\|", README, re.MULTILINE), text
    return text


TRY_IT = block_with("make up\n")
IN_BETWEEN = block_with("make up STACK=mistral")
INSTALLED = block_with("pip install ./components")
ASKED_INSTALLED = block_with("python -m openai_compatible_llm.doctor")
README_GATEWAY = "http://localhost:8080"
PACKAGE_ADDED = block_with("pulumi package add")
YAML_PROGRAM = next(block for block in blocks("yaml") if block.startswith("# Pulumi.yaml"))
PROJECT_DEFAULTS, ESC_ENVIRONMENT = (
    block for block in blocks("yaml", ENVIRONMENTS) if not block.startswith("# stacks/Pulumi.")
)
STACK_FILES = [
    block
    for page in PAGES.values()
    for block in blocks("yaml", page)
    if block not in (YAML_PROGRAM, PROJECT_DEFAULTS, ESC_ENVIRONMENT)
]
ROLE = block_with("docs/role.yaml")
POLICIES = block_with("--policy-pack")
