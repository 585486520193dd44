"""What the README says, held against what is.

Its commands are run in tests/e2e/test_readme_commands.py, and tests/e2e/test_plugin_schema.py holds its programs in
other languages against the plugin's schema.
"""

import re
import runpy
from pathlib import Path

import pytest
import yaml

from components.openai_compatible_llm.chat.links import Link
from tests.readme import README, STACK_FILES, blocks
from tests.unit.recording import PROJECT, REPOSITORY, record, record_program


def test_the_tables_are_what_the_docstrings_say() -> None:
    with_tables = runpy.run_path(str(REPOSITORY / "docs" / "arguments.py"))["with_tables"]
    assert with_tables(README) == README, "run `make readme`"


@pytest.mark.parametrize("block", STACK_FILES)
def test_every_stack_file_in_the_readme_makes_its_providers(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file, content = block.split("\n", 1)
    assert re.fullmatch(r"# stacks/Pulumi\.[a-z-]+\.yaml", file)
    config = yaml.safe_load(content)["config"]
    providers = config[f"{PROJECT}:providers"]
    for name in providers:
        monkeypatch.setenv(name.upper().replace("-", "_") + "_API_KEY", "sk-for-the-readme")
    recording = record_program(config)
    for kind in ("Backend", ":HTTPRoute"):
        assert {r.name for r in recording.resources if r.type.endswith(kind)} == set(providers)


@pytest.mark.parametrize("block", blocks("python"))
def test_every_python_snippet_in_the_readme_runs(block: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY / "components"))
    snippet = tmp_path / "__main__.py"
    snippet.write_text(block)

    keys = [f"{PROJECT}:{key}" for key in re.findall(r'require_secret\("(\w+)"\)', block)]
    recording = record(
        lambda: runpy.run_path(str(snippet), run_name="__main__"),
        config=dict.fromkeys(keys, "sk-for-the-readme"),
        secret_keys=keys,
    )
    assert len(recording.objects()) == 4 * block.count("OpenAICompatibleLLM(")
    assert len(recording.objects()) > 0


def test_every_link_within_the_repository_leads_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?://)([^)]+)\)", README)
    headings = {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", README, re.M)}
    missing = [t for t in targets if not (t[1:] in headings if t.startswith("#") else (REPOSITORY / t).exists())]
    assert targets
    assert missing == []


def test_every_link_that_may_be_broken_is_in_the_table_with_its_exit_status() -> None:
    rows = re.findall(r"^\| .* \| `([a-z-]+)` (\d+) \| .* \| .* \|$", README, re.MULTILINE)
    assert [(link.label, str(link.status)) for link in Link] == rows
    (example,) = re.findall(r"^mistral: broken at the link (.*)\.$", README, re.MULTILINE)
    assert example == f"{Link.SECRET.label}: {Link.SECRET.meaning}"


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    commands = [*blocks("sh"), *re.findall(r"`(make [^`]+)`", README)]
    targets = {
        target for named in re.findall(r"\bmake ((?:[a-z-]+ ?)+)", "\n".join(commands)) for target in named.split()
    }
    assert targets
    assert [t for t in targets if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []
