"""Checks that docs/benchmark.md is what bench/ would write of its figures, and that its plot shows them."""

import re
from xml.etree import ElementTree

from bench import plot
from bench.report import PAGE as TEMPLATE
from tests.support.pages import PAGES
from tests.support.repository import REPOSITORY

PAGE = PAGES["docs/benchmark.md"]
SVG = (REPOSITORY / "docs/benchmark.svg").read_text()


def rows(title: str) -> dict[tuple[str, str], list[str]]:
    """Returns the medians in a table of the page, by the first two columns."""
    (table,) = re.findall(rf"^## {re.escape(title)}\n\n(.*?)(?:\n\n|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    lines = ([cell.strip().split(" (")[0] for cell in line.strip("|").split("|")] for line in table.splitlines()[2:])
    return {(first, second): medians for first, second, *medians in lines}


def test_the_page_has_the_templates_text() -> None:
    pattern = re.sub(r"\\{\w+\\}", "(?s:.+?)", re.escape(TEMPLATE.read_text().rstrip("\n")))
    assert re.fullmatch(pattern, PAGE.rstrip("\n"))


def test_the_conclusion_has_the_figures_of_the_tables() -> None:
    conclusion = " ".join(PAGE.split("\n![")[0].split())
    seconds, memory = rows("Seconds"), rows("Memory and state after `up`")
    component, by_hand = 0, 2
    (up, preview, one) = (seconds[key] for key in (("100", "up"), ("100", "preview"), ("1", "up")))
    assert f"`pulumi up` takes {up[component]} s with the component, and {up[by_hand]} s with a program" in conclusion
    assert f": {rows('Ratios of time')['100', 'up'][1]} (" in conclusion
    assert f"`pulumi preview` takes {preview[component]} s instead of {preview[by_hand]} s" in conclusion
    assert f"`up` takes {one[component]} s instead of {one[by_hand]} s" in conclusion
    (mib, _, kib), (mib_by_hand, _, kib_by_hand) = (memory["100", name] for name in ("component", "flat"))
    assert f"{float(mib):.0f} MiB of memory instead of {float(mib_by_hand):.0f} MiB" in conclusion
    assert f"{float(kib):.0f} KiB instead of {float(kib_by_hand):.0f} KiB" in conclusion


def test_the_plot_shows_the_pages_ratios() -> None:
    found = plot.ratios(PAGE)
    assert found["up"]["objects created by hand"] == (1.08, 1.04, 1.09)
    assert len(found) == 4
    assert plot.draw(found) == SVG, "run `python -m bench.plot`"
    assert plot.draw({**found, "up": found["preview"]}) != SVG


def test_the_plot_has_colours_for_the_dark_mode_and_text_that_a_phone_shows() -> None:
    (style,) = re.findall(r"<style>(svg .*)</style>", SVG)
    light, dark = (dict(re.findall(r"--(\w+): (#\w+);", part)) for part in style.split("@media"))
    assert light.keys() == dark.keys() == set(re.findall(r"var\(--(\w+)\)", SVG))
    assert not set(light.values()) & set(dark.values())
    assert re.findall(r"#[0-9a-f]{6}", SVG.replace(style, "")) == []
    width = float(ElementTree.fromstring(SVG).attrib["viewBox"].split()[2])  # noqa: S314 (our own)
    sizes = {float(size) for size in re.findall(r"font(?:-size)?: ([\d.]+)px", SVG)}
    assert sizes
    assert min(sizes) * min(1, 360 / width) >= 11
