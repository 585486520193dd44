"""Makes the Grafana dashboard, `docs/dashboard.json`, with Grafana's Foundation SDK: `make docs`.

Every query selects by the variables `route` and `client`. "All" is the expression `.*`, which also matches series that
lack the label, so the dashboard works without the label `client`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, StackingMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    DataTransformerConfig,
    VariableOption,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

TITLE = "LLM providers at agentgateway"
DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
SELECTED = 'route=~"$route",client=~"$client"'
TOKENS_A_SECOND = "suffix: tokens/s"
HALF, THIRD, FULL = 12, 8, 24
"""Widths of panels. A dashboard has 24 columns."""

MODELS = "gen_ai_request_model, gen_ai_response_model"
REFUSED = 'status=~"401|403|429"'
FAILURE = 'status=~"5.."'


def _requests(*matchers: str) -> str:
    return _selector("agentgateway_requests_total", *matchers)


def _tokens(*matchers: str) -> str:
    # The cached tokens, which have types of their own, are among those of the type `input`.
    return _selector("agentgateway_gen_ai_client_token_usage_sum", 'gen_ai_token_type=~"input|output"', *matchers)


def _selector(metric: str, *matchers: str) -> str:
    return f"{metric}{{{','.join([*matchers, SELECTED])}}}"


def _rate(labels: str, selector: str) -> str:
    return f"sum by ({labels}) (rate({selector}[$__rate_interval]))"


def _increase(labels: str, selector: str) -> str:
    return f"sum by ({labels}) (increase({selector}[$__range]))"


def _quantile(quantile: float, metric: str, *matchers: str) -> str:
    return f"histogram_quantile({quantile}, {_rate('route, le', _selector(f'{metric}_bucket', *matchers))})"


@dataclass(frozen=True)
class Graph:
    """A panel of lines over time.

    Attributes:
        queries: The expressions by their legends.
    """

    title: str
    description: str
    unit: str
    queries: dict[str, str]
    width: int = HALF
    stacked: bool = False


@dataclass(frozen=True)
class Sums:
    """A panel with a table of the sums over the dashboard's time.

    Attributes:
        columns: The headings by their labels, in their order. The last one, `Value`, is the sum.
    """

    title: str
    description: str
    query: str
    columns: dict[str, str]
    width: int = HALF


FIRST_TOKEN = "agentgateway_gen_ai_server_time_to_first_token"  # noqa: S105 (a metric)
FAILED = _rate("route", _requests(FAILURE))
ALL = _rate("route", _requests())

PANELS: Sequence[Graph | Sums] = [
    Graph(
        "Requests by route and status",
        "Requests a second. A status is the one that the client got, after any retries.",
        units.RequestsPerSecond,
        {"{{route}} {{status}}": _rate("route, status", _requests())},
        width=THIRD,
        stacked=True,
    ),
    Graph(
        "Error ratio",
        "Share of a route's requests that got a status of 500 or above. A request that isn't valid JSON gets 503 too.",
        units.PercentUnit,
        {"{{route}}": f"({FAILED} or 0 * {ALL}) / {ALL}"},
        width=THIRD,
    ),
    Graph(
        "Failures by reason",
        "Requests a second that got 500 or above. `Upstream` means that the provider itself answered so.",
        units.RequestsPerSecond,
        {"{{route}} {{reason}}": _rate("route, reason", _requests(FAILURE))},
        width=THIRD,
        stacked=True,
    ),
    Graph(
        "Tokens by client and model",
        "Tokens a second. Without `clientLabel`, there is one line for each model. Passed-on requests have no tokens.",
        TOKENS_A_SECOND,
        {
            "{{client}} {{gen_ai_request_model}} {{gen_ai_token_type}}": _rate(
                "client, gen_ai_request_model, gen_ai_token_type", _tokens()
            )
        },
        stacked=True,
    ),
    Sums(
        "Tokens in this time",
        "Tokens over the dashboard's time, by client, model and direction.",
        _increase("client, gen_ai_request_model, gen_ai_token_type", _tokens()),
        {"client": "Client", "gen_ai_request_model": "Model", "gen_ai_token_type": "Type", "Value": "Tokens"},
    ),
    Graph(
        "Time to the first token",
        "From the request to the first token, for streamed answers. Above 10 seconds, the lines stay at 10.",
        units.Seconds,
        {"{{route}} p50": _quantile(0.5, FIRST_TOKEN), "{{route}} p95": _quantile(0.95, FIRST_TOKEN)},
    ),
    Graph(
        "Duration, p95",
        "Until the end of the answer, for requests that a provider answered. A stream counts whole.",
        units.Seconds,
        {"{{route}}": _quantile(0.95, "agentgateway_request_duration_seconds", 'reason="Upstream"')},
    ),
    Graph(
        "Retries",
        "Attempts a second after a request's first one. A request that was sent three times has two.",
        units.RequestsPerSecond,
        {"{{route}}": _rate("route", _selector("agentgateway_retries_total"))},
        width=THIRD,
    ),
    Graph(
        "Refused by the gateway",
        "401: no valid key. 403: a model or path that the client may not use. 429: the client's or route's limit.",
        units.RequestsPerSecond,
        {"{{client}} {{status}} {{reason}}": _rate("client, status, reason", _requests(REFUSED, 'reason!="Upstream"'))},
        width=THIRD,
    ),
    Graph(
        "Refused by a provider",
        "401 and 403: the provider refuses the Secret's key. 429: the provider's own limit.",
        units.RequestsPerSecond,
        {"{{route}} {{status}}": _rate("route, status", _requests(REFUSED, 'reason="Upstream"'))},
        width=THIRD,
    ),
    Sums(
        "Models asked for, and models that answered",
        "Requests over the dashboard's time. The model asked for is the one that the gateway sent to the provider. "
        "While a fallback with its own `model` answers, it is the fallback's.",
        _increase(f"route, {MODELS}", _selector("agentgateway_gen_ai_server_request_duration_count")),
        {
            "route": "Route",
            "gen_ai_request_model": "Model asked for",
            "gen_ai_response_model": "Model that answered",
            "Value": "Requests",
        },
        width=FULL,
    ),
]


def dashboard_json() -> str:
    """Returns the dashboard as Grafana imports it. The same code gives the same text."""
    built = dashboard.Dashboard(TITLE).uid("openai-compatible-llm").tags(["llm", "agentgateway"]).editable()
    built = built.description("Requests, tokens, times, retries and refusals, by route, model and client.")
    built = built.tooltip(DashboardCursorSync.CROSSHAIR).time("now-6h", "now").refresh("1m").timezone("browser")
    built = built.with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    for label in ("route", "client"):
        built = built.with_variable(_label_variable(label))
    for number, panel in enumerate(PANELS, 1):
        built = built.with_panel(_BUILDERS[type(panel)](panel).id(number))
    return f"{JSONEncoder(sort_keys=True, indent=2).encode(built.build())}\n"


def _label_variable(label: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(label)
        .label(label.capitalize())
        .datasource(DATASOURCE)
        .query(f"label_values(agentgateway_requests_total, {label})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _graph(graph: Graph) -> timeseries.Panel:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    panel = timeseries.Panel().title(graph.title).description(graph.description).unit(graph.unit).min(0)
    panel = panel.datasource(DATASOURCE).span(graph.width).height(8).legend(legend.show_legend(True))
    if graph.stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(20)
    for name, (legend_format, query) in zip("AB", graph.queries.items(), strict=False):
        panel = panel.with_target(
            prometheus.Dataquery().ref_id(name).datasource(DATASOURCE).expr(query).legend_format(legend_format).range()
        )
    return panel


def _table(sums: Sums) -> table.Panel:
    target = prometheus.Dataquery().ref_id("A").datasource(DATASOURCE).expr(sums.query).instant()
    places = {"indexByName": {label: index for index, label in enumerate(sums.columns)}}
    organize = {"excludeByName": {"Time": True}, "renameByName": sums.columns, **places}
    return (
        table.Panel()
        .title(sums.title)
        .description(sums.description)
        .datasource(DATASOURCE)
        .unit(units.Short)
        .decimals(0)
        .span(sums.width)
        .height(8)
        .with_target(target.format(PromQueryFormat.TABLE))
        .with_transformation(DataTransformerConfig(id_val="organize", options=organize))
    )


_BUILDERS: dict[type, Callable[..., timeseries.Panel | table.Panel]] = {Graph: _graph, Sums: _table}
