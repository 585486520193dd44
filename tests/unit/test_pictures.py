"""The pictures of the pages that are drawn by hand."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from xml.etree import ElementTree

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from matplotlib.transforms import Bbox

from components.openai_compatible_llm import BackendApi
from components.openai_compatible_llm.backends import BACKENDS
from tests.support.pages import PAGES
from tests.support.repository import REPOSITORY

SVG = "{http://www.w3.org/2000/svg}"
# Pixels: the width of a narrow phone, the smallest text, and the widest picture that a page shows.
PHONE, SMALLEST, MOST_WIDTH = 360, 11, 480
# Wider than what most systems have for sans-serif and monospace.
FONTS = {"code": "DejaVu Sans Mono", "": "DejaVu Sans"}
PICTURES = {
    "README.md": "docs/objects.svg",
    "docs/failover.md": "docs/failover.svg",
    "docs/one-url.md": "docs/one-url.svg",
}


def picture(page: str) -> ElementTree.Element:
    return ElementTree.fromstring((REPOSITORY / PICTURES[page]).read_text())  # noqa: S314 (our own)


@dataclass(frozen=True)
class Area:
    """A rectangle of the picture: from left to right, and from top to bottom."""

    left: float
    right: float
    top: float
    bottom: float

    def contains(self, other: "Area", margin: float = 0) -> bool:
        return (
            self.left + margin <= other.left <= other.right <= self.right - margin
            and self.top <= other.top <= other.bottom <= self.bottom
        )

    def overlaps(self, other: "Area") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def whole(svg: ElementTree.Element) -> Area:
    left, top, width, height = map(float, svg.attrib["viewBox"].split())
    return Area(left, left + width, top, top + height)


def boxes(svg: ElementTree.Element) -> list[Area]:
    found = [[float(each.get(name, 0)) for name in ("x", "y", "width", "height")] for each in svg.iter(f"{SVG}rect")]
    return [Area(x, x + width, y, y + height) for x, y, width, height in found]


def sizes(svg: ElementTree.Element) -> dict[str, float]:
    """Returns the size of the font of each class that has one; that of the others has no name."""
    style = "".join(each.text or "" for each in svg.iter(f"{SVG}style"))
    named = {name: float(size) for name, size in re.findall(r"\.(\w+) \{[^}]*font-size: ([\d.]+)px", style)}
    return {**named, "": float(svg.attrib["font-size"])}


def texts(svg: ElementTree.Element) -> Iterator[tuple[str, Area]]:
    """Yields each text with the area that it takes in fonts wider than most."""
    for each in svg.iter(f"{SVG}text"):
        assert "font-size" not in each.attrib, "a class has the size"
        x, baseline = float(each.attrib["x"]), float(each.attrib["y"])
        parts = [(each.get("class", ""), each.text or ""), *((s.get("class", ""), s.text or "") for s in each)]
        shapes = [_shape(classes.split(), text, sizes(svg)) for classes, text in parts if text]
        width = sum(shape.xmax for shape in shapes)
        top, bottom = max(shape.ymax for shape in shapes), min(shape.ymin for shape in shapes)
        yield "".join(text for _, text in parts), Area(x, x + width, baseline - top, baseline - bottom)


def _shape(classes: list[str], text: str, sizes: Mapping[str, float]) -> Bbox:
    """Returns the area of a text, whose blank at the end counts as a letter."""
    size = next((sizes[name] for name in classes if name in sizes), sizes[""])
    font = FontProperties(
        family=FONTS["code" if "code" in classes else ""], weight="bold" if "kind" in classes else "normal"
    )
    return _drawn(re.sub(" $", "n", text), size, font)


@cache
def _drawn(text: str, size: float, font: FontProperties) -> Bbox:
    return TextPath((0, 0), text, size=size, prop=font).get_extents()


def lines(svg: ElementTree.Element) -> Iterator[Area]:
    """Yields the straight pieces of the arrows, which go right, left, up and down."""
    for each in svg.iter(f"{SVG}path"):
        if "class" not in each.attrib or each.attrib["d"].endswith("z"):
            continue
        commands = re.findall(r"([MVH])([\d. ]+)", each.attrib["d"])
        assert "".join(f"{name}{numbers}" for name, numbers in commands) == each.attrib["d"]
        (_, start), *moves = commands
        x, y = map(float, start.split())
        for direction, number in moves:
            to_x, to_y = (float(number), y) if direction == "H" else (x, float(number))
            yield Area(min(x, to_x) - 1, max(x, to_x) + 1, min(y, to_y) - 1, max(y, to_y) + 1)
            x, y = to_x, to_y


@pytest.mark.parametrize("page", PICTURES)
def test_its_text_stays_within_its_box(page: str) -> None:
    svg = picture(page)
    for text, area in texts(svg):
        around = [box for box in boxes(svg) if box.contains(Area(area.left, area.left, area.top, area.bottom))]
        assert around, text
        assert min(around, key=lambda box: box.right - box.left).contains(area, margin=4), text


@pytest.mark.parametrize("page", PICTURES)
def test_its_text_can_be_read_on_a_phone(page: str) -> None:
    svg = picture(page)
    shrunk = min(1, PHONE / (whole(svg).right - whole(svg).left))
    assert min(sizes(svg).values()) * shrunk >= SMALLEST
    # Without a width of its own, a browser would make it as wide as the page, and far too high.
    scales = {float(svg.attrib[name]) / length for name, length in zip(("width", "height"), _lengths(svg), strict=True)}
    assert max(scales) - min(scales) < 0.01
    assert float(svg.attrib["width"]) <= MOST_WIDTH


def _lengths(svg: ElementTree.Element) -> tuple[float, float]:
    return whole(svg).right - whole(svg).left, whole(svg).bottom - whole(svg).top


@pytest.mark.parametrize("page", PICTURES)
def test_nothing_is_outside_of_it_and_nothing_covers_something_else(page: str) -> None:
    svg = picture(page)
    assert all(whole(svg).contains(area) for area in (*boxes(svg), *lines(svg), *(area for _, area in texts(svg))))
    for one, other in combinations(boxes(svg), 2):
        assert not one.overlaps(other) or one.contains(other) or other.contains(one), (one, other)
    for (text, one), (other_text, other) in combinations(texts(svg), 2):
        assert not one.overlaps(other), (text, other_text)
    for (text, area), line in product(texts(svg), lines(svg)):
        assert not area.overlaps(line), (text, line)


def test_the_objects_are_shown_for_both_apis() -> None:
    shown = " ".join(text for text, _ in texts(picture("README.md")))
    kinds = {BACKENDS[api].kind for api in BackendApi} | {BACKENDS[api].policy_kind for api in BackendApi}
    assert [
        kind for kind in (*kinds, "HTTPRoute", "BackendTLSPolicy", "Secret") if not re.search(rf"\b{kind}\b", shown)
    ] == []


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
