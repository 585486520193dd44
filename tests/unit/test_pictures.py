"""The pictures of the pages that are drawn by hand."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from tests.support.pages import PAGES
from tests.support.repository import REPOSITORY

SVG = "{http://www.w3.org/2000/svg}"
# Wider than what most systems have for sans-serif and monospace.
FONTS = {"code": "DejaVu Sans Mono", "": "DejaVu Sans"}
PICTURES = {
    "README.md": "docs/objects.svg",
    "docs/failover.md": "docs/failover.svg",
    "docs/one-url.md": "docs/one-url.svg",
}


def picture(page: str) -> ElementTree.Element:
    return ElementTree.fromstring((REPOSITORY / PICTURES[page]).read_text())  # noqa: S314 (our own)


def texts(svg: ElementTree.Element) -> Iterator[tuple[str, float, float, float]]:
    """Yields each text with where it begins and ends, and its baseline."""
    style = "".join(each.text or "" for each in svg.iter(f"{SVG}style"))
    sizes = {name: float(size) for name, size in re.findall(r"\.(\w+) \{[^}]*font-size: ([\d.]+)px", style)}
    for each in svg.iter(f"{SVG}text"):
        classes = each.get("class", "").split()
        of_class = [sizes[name] for name in classes if name in sizes]
        size = of_class[0] if of_class else float(each.get("font-size") or svg.attrib["font-size"])
        font = FontProperties(
            family=FONTS["code" if "code" in classes else ""], weight="bold" if "kind" in classes else "normal"
        )
        text, x = each.text or "", float(each.attrib["x"])
        yield text, x, x + TextPath((0, 0), text, size=size, prop=font).get_extents().xmax, float(each.attrib["y"])


@pytest.mark.parametrize("page", PICTURES)
def test_its_text_stays_within_its_box(page: str) -> None:
    svg = picture(page)
    boxes = [[float(each.get(name, 0)) for name in ("x", "y", "width", "height")] for each in svg.iter(f"{SVG}rect")]
    for text, begin, end, baseline in texts(svg):
        around = [(w, x, x + w) for x, y, w, h in boxes if x <= begin <= x + w and y <= baseline <= y + h]
        assert around, text
        _, left, right = min(around)
        assert left + 4 <= begin < end <= right - 4, text


@pytest.mark.parametrize("page", PICTURES)
def test_its_page_describes_it_as_it_describes_itself(page: str) -> None:
    (title,) = picture(page).iter(f"{SVG}title")
    (shown,) = re.findall(r"!\[([^\]]*)\]\((?:docs/)?([\w-]+\.svg)\)", PAGES[page])
    assert shown == (title.text, PICTURES[page].removeprefix("docs/"))


@pytest.mark.parametrize("page", PICTURES)
def test_every_colour_has_one_for_the_dark_mode(page: str) -> None:
    (style,) = (each.text or "" for each in picture(page).iter(f"{SVG}style"))
    light, dark = style.split("@media (prefers-color-scheme: dark)")

    def coloured(rules: str) -> set[tuple[str, str]]:
        return {
            (name.strip(), kind)
            for names, body in re.findall(r"((?:\.\w+,? ?)+)\{([^}]*)\}", rules)
            for name in names.split(",")
            for kind in re.findall(r"(fill|stroke): #", body)
        }

    assert coloured(light) == coloured(dark)
    assert coloured(light)
