"""The pages that the Pulumi Registry shows, by what the registry asks of them."""

import re

import pytest
import yaml

from tests.support.pages import PAGES, block, blocks, prose

INDEX, INSTALLATION = "docs/_index.md", "docs/installation-configuration.md"
LANGUAGES = ["typescript", "python", "go", "csharp", "yaml"]


@pytest.mark.parametrize(("page", "layout"), [(INDEX, "package"), (INSTALLATION, "installation")])
def test_it_begins_with_the_front_matter_of_its_layout(page: str, layout: str) -> None:
    beginning, front_matter, _ = PAGES[page].split("---\n", 2)
    assert beginning == ""
    assert set(parsed := yaml.safe_load(front_matter)) == {"title", "meta_desc", "layout"}
    assert parsed["layout"] == layout
    # The layout prints the title above the text.
    assert not re.search(r"^# ", prose(page), re.MULTILINE)


@pytest.mark.parametrize("page", [INDEX, INSTALLATION])
def test_it_links_nothing_that_is_only_in_the_repository(page: str) -> None:
    assert re.findall(r"\]\((?!https://)[^)]*\)|<(?:a|img)\b", PAGES[page]) == []


def test_a_reader_chooses_among_the_languages_of_the_examples() -> None:
    (chosen,) = re.findall(r'^\{\{< chooser language "(.*)" >\}\}$', PAGES[INDEX], re.MULTILINE)
    assert chosen.split(",") == LANGUAGES
    choosable = r"^\{\{% choosable language (\w+) %\}\}\n\n```(\w+)\n.*?^```\n\n\{\{% /choosable %\}\}$"
    assert re.findall(choosable, PAGES[INDEX], re.MULTILINE | re.DOTALL) == [(each, each) for each in LANGUAGES]
    assert PAGES[INDEX].count("{{< /chooser >}}") == 1


@pytest.mark.parametrize("language", ["typescript", "go", "csharp"])
def test_the_programs_are_those_that_are_tested(language: str) -> None:
    (program,) = blocks(language, INDEX)
    assert program in blocks(language, "docs/other-languages.md")


def test_the_program_in_yaml_is_the_tested_one_without_the_place_of_a_clone() -> None:
    tested = yaml.safe_load(block("docs/other-languages.md", "runtime: yaml", "yaml"))
    del tested["packages"]
    assert yaml.safe_load(block(INDEX, "runtime: yaml", "yaml")) == tested
