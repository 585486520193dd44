"""Draws docs/usage.svg: what the dashboard's queries return for a proxy's metrics.

    python -m tools.usage_picture METRICS docs/usage.svg

METRICS is a file with what a proxy served at `/metrics`. A Prometheus, which must be on PATH, sees the proxy at zero
and then with these metrics, so what it counts is what the file has.
"""

import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tools.dashboard import PANELS, Graph
from tools.prometheus import run_prometheus, serve_metrics
from tools.svg_colours import with_modes

TITLE = (
    "Charts of the dashboard's sums: requests by status, tokens by client, refused requests, and the time of answers"
)
RANGE_SECONDS = 3600
WIDTH, ROW, HEADING, MARGIN = 400, 38, 50, 12
LIGHT = {"page": "#ffffff", "ink": "#1f2328", "soft": "#59636e", "bar": "#0969da", "line": "#d1d9e0"}
DARK = {"page": "#0d1117", "ink": "#f0f6fc", "soft": "#9198a1", "bar": "#4493f8", "line": "#3d444d"}


@dataclass(frozen=True)
class Chart:
    """A chart of one panel.

    Attributes:
        by: The labels that its bars show.
        is_rate: Whether the panel's query is for a second, of which the chart shows the sum.
        value: How a number is shown.
    """

    panel: str
    heading: str
    by: Sequence[str]
    is_rate: bool = False
    value: str = "{:.0f}"


CHARTS = [
    Chart("Requests by route and status", "Requests by route and status", ("route", "status"), is_rate=True),
    Chart("Tokens in this time", "Tokens by client and model", ("client", "gen_ai_request_model", "gen_ai_token_type")),
    Chart("Refused by the gateway", "Requests that the gateway refused", ("client", "status", "reason"), is_rate=True),
    Chart("Duration, p95", "Time until the end of the answer, p95", ("route",), value="{:.3f} s"),
]

Bars = Mapping[str, float]


def read_charts(metrics: str) -> list[tuple[Chart, Bars]]:
    """Returns the bars of each chart, the longest first."""
    text = metrics if metrics.endswith("# EOF\n") else f"{metrics}# EOF\n"
    zero = re.sub(r"^([^#].*\}) \S+$", r"\1 0", text, flags=re.MULTILINE)
    last = re.findall(r"^(agentgateway_requests_total\{.*\}) (\S+)$", text, re.MULTILINE)[-1]
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_metrics(zero) as (served, target),
        run_prometheus(Path(folder), target) as prometheus,
    ):
        prometheus.wait_for("count_over_time(up[5m]) >= 3")
        served.text = text
        prometheus.wait_for(f"{last[0]} == {last[1]}")
        # At the time of a sample itself, nothing is extrapolated.
        at = prometheus.samples(f"{last[0]}[5m]")[-1][0]
        return [(chart, _bars(chart, prometheus.query(_query(chart), at))) for chart in CHARTS]


def _query(chart: Chart) -> str:
    (panel,) = (each for each in PANELS if each.title == chart.panel)
    query = next(iter(panel.queries.values())) if isinstance(panel, Graph) else panel.query
    for name in ("$__rate_interval", "$__range"):
        query = query.replace(name, f"{RANGE_SECONDS}s")
    return re.sub(r"\$(route|client)", ".*", query)


def _bars(chart: Chart, result: list[tuple[dict[str, str], float]]) -> Bars:
    factor = RANGE_SECONDS if chart.is_rate else 1
    bars = {" ".join(labels[name] for name in chart.by): value * factor for labels, value in result if value > 0}
    return dict(sorted(bars.items(), key=lambda bar: (-round(bar[1], 6), bar[0])))


def draw(charts: Sequence[tuple[Chart, Bars]]) -> str:
    """Returns the picture. The same bars give the same text."""
    height = sum(HEADING + ROW * len(bars) for _, bars in charts) + MARGIN
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "usage", "font.size": 13}):
        figure = Figure(figsize=(WIDTH / 72, height / 72), facecolor=LIGHT["page"])
        top = height
        for chart, bars in charts:
            below = top - HEADING - ROW * len(bars)
            left, width = MARGIN / WIDTH, 1 - 2 * MARGIN / WIDTH
            _draw_chart(figure.add_axes((left, below / height, width, (top - below) / height)), chart, bars)
            top = below
        output = StringIO()
        figure.savefig(output, format="svg", metadata={"Date": None, "Creator": None})
    return _with_modes(output.getvalue(), height)


def _draw_chart(axes: Axes, chart: Chart, bars: Bars) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(-ROW * len(bars), HEADING)
    axes.text(0, 16, chart.heading, weight="bold", size=14, color=LIGHT["ink"], va="baseline")
    axes.axhline(6, color=LIGHT["line"], linewidth=1)
    for number, (name, value) in enumerate(bars.items()):
        base = -ROW * number
        axes.text(0, base - 12, name, color=LIGHT["soft"], va="baseline")
        axes.text(1, base - 12, chart.value.format(value), color=LIGHT["ink"], ha="right", va="baseline")
        axes.barh(base - 24, value / max(bars.values()), height=9, color=LIGHT["bar"])


def _with_modes(svg: str, height: int) -> str:
    """Returns the picture with the reader's fonts, and colours for light and dark mode."""
    svg, style = with_modes(svg, LIGHT, DARK)
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, -apple-system, 'Segoe UI', sans-serif", svg)
    root = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">\n '
        f'<title id="title">{TITLE}</title>\n {style}'
    )
    body = re.sub(r"^.*?<svg [^>]*>", lambda _: root, svg, count=1, flags=re.DOTALL)
    return re.sub(r"[ \t]+$", "", body, flags=re.MULTILINE)


if __name__ == "__main__":
    source, picture = map(Path, sys.argv[1:])
    picture.write_text(draw(read_charts(source.read_text())))
