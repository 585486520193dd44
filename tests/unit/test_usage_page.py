"""docs/usage.md, its dashboard, alerts and picture, as far as they need no Prometheus. tests/e2e runs their queries."""

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.support.pages import PAGES, block
from tests.support.recording import record_gateway
from tests.support.repository import REPOSITORY
from tools.usage_picture import CHARTS, LIGHT, TITLE, WIDTH, draw

PAGE = PAGES["docs/usage.md"]
DASHBOARD: dict[str, Any] = json.loads((REPOSITORY / "docs/dashboard.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
GROUPS = yaml.safe_load((REPOSITORY / "docs/alerts.yaml").read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
SVG = "{http://www.w3.org/2000/svg}"
PICTURE = (REPOSITORY / "docs/usage.svg").read_text()

every_panel = pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])


def rows(heading: str) -> dict[str, list[str]]:
    """Returns the rows of the section's last table, by their first cell."""
    _, _, section = PAGE.partition(f"\n## {heading}\n")
    lines = re.findall(r"^\| (.*) \|$", section.partition("\n## ")[0], re.MULTILINE)
    cells = [line.split(" | ") for line in lines]
    return {first.strip("`"): rest for first, *rest in cells[1:]}


@every_panel
def test_a_panel_says_what_it_shows_and_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    for target in panel["targets"]:
        assert panel["type"] == "table" or re.search(r"\{\{\w+\}\}", target["legendFormat"])


@every_panel
def test_a_legend_and_a_column_name_labels_of_their_query(panel: dict[str, Any]) -> None:
    (renamed,) = [each["options"]["renameByName"] for each in panel["transformations"]] or [{}]
    for target in panel["targets"]:
        grouped = set(re.split(r", ", re.findall(r"sum by \(([^)]*)\)", target["expr"])[0])) - {"le"}
        named = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", ""))) | (renamed.keys() - {"Value"})
        assert named == grouped


@every_panel
def test_a_panel_asks_the_chosen_data_source_for_the_chosen_routes_and_clients(panel: dict[str, Any]) -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    for target in panel["targets"]:
        assert panel["datasource"] == target["datasource"] == source
        selectors = re.findall(r"agentgateway_\w+\{([^}]*)\}", target["expr"])
        assert selectors
        assert [each for each in selectors if not each.endswith('route=~"$route",client=~"$client"')] == []


def test_no_panel_lies_over_another() -> None:
    taken = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in PANELS
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert [panel["id"] for panel in PANELS] == list(range(1, len(PANELS) + 1))


def test_the_choice_of_all_clients_includes_metrics_without_the_label() -> None:
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert list(variables) == ["datasource", "route", "client"]
    for name in ("route", "client"):
        assert variables[name]["allValue"] == ".*"
        assert variables[name]["includeAll"]
        assert variables[name]["current"]["value"] == ["$__all"]


def test_the_page_names_every_panel() -> None:
    named = " ".join(rows("A dashboard"))
    assert [
        panel["title"] for panel in PANELS if panel["title"] not in [*rows("A dashboard"), "Tokens in this time"]
    ] == []
    assert "Requests by route and status" in named


def test_the_page_has_a_row_for_each_alert_with_its_severity() -> None:
    assert {name: cells[0] for name, cells in rows("Alerts").items()} == {
        name: rule["labels"]["severity"] for name, rule in ALERTS.items()
    }


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_is_wrong_and_what_to_do(alert: str) -> None:
    annotations = ALERTS[alert]["annotations"]
    assert annotations.keys() == {"summary", "description"}
    assert "make chat" in annotations["description"] or "docs/" in annotations["description"]
    assert [page for page in re.findall(r"docs/[\w-]+\.md", annotations["description"]) if page not in PAGES] == []
    labels = re.findall(r"\$labels\.(\w+)", "".join(annotations.values()))
    assert [label for label in labels if not re.search(rf"by \([^)]*\b{label}\b", ALERTS[alert]["expr"])] == []


def test_every_number_that_the_reader_sets_is_on_the_page() -> None:
    recorded = [rule["record"] for rule in RULES if "record" in rule]
    assert recorded
    assert [name for name in recorded if f"`{name}`" not in PAGE] == []


def test_the_alert_asks_for_the_job_that_both_ways_of_collecting_give() -> None:
    (job,) = set(re.findall(r'job="(\w+)"', ALERTS["LLMGatewayNotScraped"]["expr"]))
    (endpoint,) = yaml.safe_load(block("docs/usage.md", "# pod-monitor.yaml\n", "yaml"))["spec"]["podMetricsEndpoints"]
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": job}]
    (scraped,) = yaml.safe_load(block("docs/usage.md", "# prometheus.yaml\n", "yaml"))["scrape_configs"]
    assert scraped["job_name"] == job
    assert endpoint["path"] == scraped.get("metrics_path", "/metrics")


def test_the_policy_for_stacks_without_a_shared_url_sets_what_the_component_sets() -> None:
    policy = yaml.safe_load(block("docs/usage.md", "# client-label.yaml\n", "yaml"))
    gateway = {"name": "agentgateway", "namespace": "gloo-system"}
    (ours,) = (
        each
        for each in record_gateway({"route_path": "/llm", "client_label": True, "gateway": gateway}).objects()
        if each["metadata"]["name"] == "llm-gateway"
    )
    assert [policy[key] for key in ("apiVersion", "kind", "spec")] == [
        ours[key] for key in ("apiVersion", "kind", "spec")
    ]
    assert policy["metadata"]["namespace"] == ours["metadata"]["namespace"]


def test_the_picture_is_described_as_it_describes_itself() -> None:
    (title,) = ElementTree.fromstring(PICTURE).iter(f"{SVG}title")  # noqa: S314 (our own)
    assert f"![{title.text}](usage.svg)" in PAGE
    assert title.text == TITLE


def test_the_picture_can_be_read_on_a_phone_in_light_and_in_dark_mode() -> None:
    svg = ElementTree.fromstring(PICTURE)  # noqa: S314 (our own)
    assert float(svg.attrib["width"]) == WIDTH <= 400
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", PICTURE)]
    assert min(sizes) * 360 / WIDTH > 11
    (light, dark) = (each.split("}")[0] for each in PICTURE.partition("<style>")[2].split("svg {")[1:3])
    assert light.count("--") == dark.count("--") == len(LIGHT)
    drawn = PICTURE.partition("</style>")[2]
    assert set(re.findall(r"(?:fill|stroke): ?([^;\"]+)", drawn)) - {"none"} == {f"var(--{name})" for name in LIGHT}


def test_a_bar_is_as_long_as_its_share_and_has_its_number() -> None:
    drawn = draw([(CHARTS[0], {"a 200": 40.0, "b 500": 10.0})])
    widths = [float(end) - 12 for end in re.findall(r'<path d="M 12 [\d.]+\s+L ([\d.]+) ', drawn)]
    bars = [width for width in widths if width > 0]
    assert bars[0] == pytest.approx(4 * bars[1])
    assert re.findall(r">(40|10|a 200|b 500)</text>", drawn) == ["a 200", "40", "b 500", "10"]
