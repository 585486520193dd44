"""The queries of docs/usage.md, its dashboard and its alerts, run by a real Prometheus on what a real proxy served.

Prometheus scrapes the proxy's metrics, then the same with higher counters. The differences are what the queries must
find. The proxy had neither retried nor streamed, so the series of these are added, with the labels and buckets that
agentgateway's source has, and so are a fallback's and a provider's refusals.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.exposition import (
    Labels,
    Samples,
    Series,
    parse,
    quantile,
    raised,
    real_metrics,
    render,
    select,
    without_label,
)
from tests.support.pages import PAGES, block, blocks
from tests.support.repository import REPOSITORY
from tools.prometheus import Prometheus, prometheus_programs, run_prometheus, serve_metrics
from tools.usage_picture import draw, read_charts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(prometheus_programs().values()), reason="prometheus and promtool aren't on PATH"),
]

ALERTS = REPOSITORY / "docs/alerts.yaml"
PRICES = block("docs/usage.md", "# prices.yaml\n", "yaml")
RATE_INTERVAL, RANGE = 300, 3600
TOKEN_LIMIT = 100

REQUESTS = "agentgateway_requests_total"
RETRIES = "agentgateway_retries_total"
TOKENS = "agentgateway_gen_ai_client_token_usage_sum"
LLM_REQUESTS = "agentgateway_gen_ai_server_request_duration_count"
FIRST_TOKEN = "agentgateway_gen_ai_server_time_to_first_token"
DURATION = "agentgateway_request_duration_seconds"
MODELS = ("gen_ai_request_model", "gen_ai_response_model")
FIRST_TOKEN_BUCKETS = {0.001: 0, 0.25: 40, 0.5: 80, 1.0: 90, 2.5: 98, 10.0: 100, float("inf"): 100}
REFUSED = ("401", "403", "429")


def added(samples: Samples) -> dict[Series, float]:
    """Returns series that the proxy would have after streams, retries, a fallback and a provider's refusals."""
    found: dict[Series, float] = {}
    for (name, labels), value in samples.items():
        pairs = dict(labels)
        if name == REQUESTS and (pairs["status"], pairs["client"]) == ("200", "web") and pairs["route_rule"] == "own":
            found[RETRIES, labels] = 200
            found[REQUESTS, frozenset({**pairs, "status": "401"}.items())] = 3
        if name == LLM_REQUESTS and pairs["route_rule"] == "own":
            for bound, count in FIRST_TOKEN_BUCKETS.items():
                le = "+Inf" if bound == float("inf") else str(bound)
                found[f"{FIRST_TOKEN}_bucket", labels | {("le", le)}] = count
            found[f"{FIRST_TOKEN}_count", labels], found[f"{FIRST_TOKEN}_sum", labels] = 100, 45.5
        if name.startswith(LLM_REQUESTS.removesuffix("_count")) and pairs["route_rule"] == "own":
            dated = "deepseek-flash-2026-10-01"
            found[name, frozenset({**pairs, MODELS[0]: "deepseek-flash", MODELS[1]: dated}.items())] = value // 10
    return found


def growth(labels: dict[str, str]) -> float:
    """Returns by what share a counter grows: answers a little, failures by more."""
    return 12.0 if labels.get("status", "200") != "200" else 0.1


@dataclass(frozen=True)
class Observed:
    """What Prometheus has seen.

    Attributes:
        growth: By how much each sample grew.
        at: When it last looked, in seconds.
        stretch: What Prometheus's extrapolation to the ends of the time multiplies each increase by.
    """

    prometheus: Prometheus
    after: Samples
    growth: Samples
    at: float
    stretch: float

    def increase(self, name: str, *by: str, **where: Callable[[str], bool]) -> dict[Labels, float]:
        """Returns by how much a metric grew, by these labels, where others are so."""

        def selected(labels: dict[str, str]) -> bool:
            return all(test(labels[label]) for label, test in where.items())

        grown = select(self.growth, name, selected, *by)
        return {labels: value * self.stretch for labels, value in grown.items()}

    def rate(self, name: str, *by: str, **where: Callable[[str], bool]) -> dict[Labels, float]:
        """Returns by how much a metric grew in each second."""
        return {labels: value / RATE_INTERVAL for labels, value in self.increase(name, *by, **where).items()}

    def quantile(self, wanted: float, metric: str, **where: Callable[[str], bool]) -> dict[Labels, float]:
        found: dict[str, dict[float, float]] = {}
        for labels, value in self.increase(f"{metric}_bucket", "route", "le", **where).items():
            pairs = dict(labels)
            found.setdefault(pairs["route"], {})[float(pairs["le"])] = value
        return {frozenset({("route", route)}): quantile(wanted, buckets) for route, buckets in found.items()}

    def ask(self, query: str) -> dict[Labels, float]:
        """Returns the query's result by labels. "Not a number", which Prometheus gives for 0/0, is left out."""
        result = self.prometheus.query(query, self.at)
        return {frozenset(labels.items()): value for labels, value in result if value == value}


@pytest.fixture(scope="module", params=["with the label client", "without it"])
def observed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    text = real_metrics()
    before = parse(text)
    before |= added(before)
    if request.param == "without it":
        before = without_label(before, "client")
    after = raised(before, growth)
    folder = tmp_path_factory.mktemp("prometheus")
    rules = folder / "alerts.yaml"
    rules.write_text(ALERTS.read_text().replace("vector(1000000)", f"vector({TOKEN_LIMIT})"))
    prices = folder / "prices.yaml"
    prices.write_text(PRICES)
    with serve_metrics(render(before, text)) as (served, target):  # noqa: SIM117 (one after the other)
        with run_prometheus(folder, target, [rules, prices]) as prometheus:
            prometheus.wait_for("count_over_time(up[5m]) >= 10")
            served.text = render(after, text)
            total = sum(value for (name, _), value in after.items() if name == REQUESTS)
            prometheus.wait_for(f"sum({REQUESTS}) == {total} and on () count_over_time(up[5m]) >= 25")
            prometheus.wait_for("llm:price_usd_per_million_tokens and on () llm:fallback:info")
            at = prometheus.samples("up[5m]")[-1][0]
            grown = {series: after[series] - before[series] for series in before}
            # It depends on the times of the scrapes alone, which all series share.
            ((_, seen),) = prometheus.query(f"sum(increase({REQUESTS}[1h]))", at)
            stretch = seen / sum(value for (name, _), value in grown.items() if name == REQUESTS)
            assert 1 <= stretch < 1.2
            yield Observed(prometheus, after, grown, at, stretch)


def test_prometheus_takes_every_line_that_the_proxy_serves(tmp_path: Path) -> None:
    text = real_metrics()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    with serve_metrics(f"{text}# EOF\n") as (_, target), run_prometheus(tmp_path, target) as prometheus:
        prometheus.wait_for("up == 1")
        ((_, scraped),) = prometheus.query("scrape_samples_scraped")
        found = {}
        for labels, value in prometheus.query('{__name__=~"agentgateway_.*"}'):
            name, _, _ = labels.pop("__name__"), labels.pop("job"), labels.pop("instance")
            found[name, frozenset(labels.items())] = value
    assert scraped == len(lines) == len(found)
    assert found == parse(text)


def test_the_page_s_picture_shows_what_prometheus_returns() -> None:
    assert draw(read_charts(real_metrics())) == (REPOSITORY / "docs/usage.svg").read_text()


def test_a_client_has_as_many_series_for_a_model_and_rule_as_the_page_says() -> None:
    found = [
        labels
        for name, labels in parse(real_metrics())
        if name.startswith("agentgateway_gen_ai") and {("client", "web"), ("route_rule", "own")} <= labels
    ]
    assert f"had {len(found)} series" in PAGES["docs/usage.md"]


def is_(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


def is_not(*values: str) -> Callable[[str], bool]:
    return lambda value: value not in values


def failed(value: str) -> bool:
    return value.startswith("5")


Expected = Callable[[Observed], dict[Labels, float]]
DIRECTION = {"gen_ai_token_type": is_("input", "output")}
GATEWAY_REFUSED = {"status": is_(*REFUSED), "reason": is_not("Upstream")}
PROVIDER_REFUSED = {"status": is_(*REFUSED), "reason": is_("Upstream")}
OF_A_PROVIDER = {"reason": is_("Upstream")}


def error_ratio(seen: Observed) -> dict[Labels, float]:
    """Returns the share of failed requests of each route, those without failures included."""
    failures, requests = seen.increase(REQUESTS, "route", status=failed), seen.increase(REQUESTS, "route")
    return {labels: failures.get(labels, 0) / value for labels, value in requests.items()}


def only(labels: dict[Labels, float], test: Callable[[float], bool]) -> dict[Labels, float]:
    return {each: value for each, value in labels.items() if test(value)}


def positive(value: float) -> bool:
    return value > 0


PANELS: dict[tuple[str, str], Expected] = {
    ("Requests by route and status", "A"): lambda seen: seen.rate(REQUESTS, "route", "status"),
    ("Error ratio", "A"): error_ratio,
    ("Failures by reason", "A"): lambda seen: seen.rate(REQUESTS, "route", "reason", status=failed),
    ("Tokens by client and model", "A"): lambda seen: seen.rate(TOKENS, "client", MODELS[0], "gen_ai_token_type"),
    ("Tokens in this time", "A"): lambda seen: seen.increase(TOKENS, "client", MODELS[0], "gen_ai_token_type"),
    ("Time to the first token", "A"): lambda seen: seen.quantile(0.5, FIRST_TOKEN),
    ("Time to the first token", "B"): lambda seen: seen.quantile(0.95, FIRST_TOKEN),
    ("Duration, p95", "A"): lambda seen: seen.quantile(0.95, DURATION, **OF_A_PROVIDER),
    ("Retries", "A"): lambda seen: seen.rate(RETRIES, "route"),
    ("Refused by the gateway", "A"): lambda seen: seen.rate(REQUESTS, "client", "status", "reason", **GATEWAY_REFUSED),
    ("Refused by a provider", "A"): lambda seen: seen.rate(REQUESTS, "route", "status", **PROVIDER_REFUSED),
    ("Models asked for, and models that answered", "A"): lambda seen: seen.increase(LLM_REQUESTS, "route", *MODELS),
}

QUESTIONS: dict[str, Expected] = {
    "client, gen_ai_token_type": lambda seen: seen.increase(TOKENS, "client", "gen_ai_token_type", **DIRECTION),
    "by (gen_ai_request_model) (increase": lambda seen: seen.increase(LLM_REQUESTS, MODELS[0]),
    'status=~"5.."': lambda seen: only(error_ratio(seen), positive),
    "histogram_quantile": lambda seen: seen.quantile(0.95, FIRST_TOKEN),
    "agentgateway_retries_total": lambda seen: seen.increase(RETRIES, "route"),
    'reason!="Upstream"': lambda seen: seen.increase(
        REQUESTS, "client", "route", "status", "reason", **GATEWAY_REFUSED
    ),
    "label_replace": lambda seen: {
        labels: value
        for labels, value in seen.increase(LLM_REQUESTS, "route", *MODELS).items()
        if dict(labels)[MODELS[0]] != dict(labels)[MODELS[1]]
    },
    "llm:price_usd_per_million_tokens": lambda seen: costs(seen),
}


def costs(seen: Observed) -> dict[Labels, float]:
    """Returns what each client used, by the prices of the page."""
    prices = {
        (rule["labels"][MODELS[0]], rule["labels"]["gen_ai_token_type"]): float(rule["expr"][len("vector(") : -1])
        for rule in yaml.safe_load(PRICES)["groups"][0]["rules"]
    }
    found: dict[Labels, float] = {}
    for labels, value in seen.increase(TOKENS, "client", MODELS[0], "gen_ai_token_type").items():
        pairs = dict(labels)
        key = frozenset(each for each in labels if each[0] != "gen_ai_token_type")
        found[key] = found.get(key, 0) + value * prices[pairs[MODELS[0]], pairs["gen_ai_token_type"]] / 1e6
    return found


def retry_ratio(seen: Observed) -> dict[Labels, float]:
    requests = seen.increase(REQUESTS, "route")
    return {labels: value / requests[labels] for labels, value in seen.increase(RETRIES, "route").items()}


RULES: dict[str, Expected] = {
    "llm:client_tokens_per_day:limit": lambda _: {frozenset(): TOKEN_LIMIT},
    "llm:fallback:info": lambda _: {frozenset(): 1},
    "LLMRouteFails": lambda seen: only(error_ratio(seen), lambda value: value > 0.05),
    "LLMRequestsRetried": lambda seen: only(retry_ratio(seen), lambda value: value > 0.05),
    "LLMFallbackAnswers": lambda seen: seen.increase(
        LLM_REQUESTS, "route", MODELS[0], gen_ai_request_model=is_("deepseek-flash")
    ),
    "LLMProviderRefuses": lambda seen: seen.increase(REQUESTS, "route", "status", **PROVIDER_REFUSED),
    "LLMClientRefused": lambda seen: only(
        seen.increase(REQUESTS, "client", "route", "status", "reason", **GATEWAY_REFUSED), lambda value: value > 10
    ),
    "LLMTokensNearLimit": lambda seen: only(
        seen.increase(TOKENS, "client", **DIRECTION), lambda value: value > 0.8 * TOKEN_LIMIT
    ),
    "LLMGatewayNotScraped": lambda _: {},
}


def panel_queries() -> dict[tuple[str, str], str]:
    """Returns the dashboard's queries by panel and name, as Grafana sends them with all routes and clients."""
    dashboard: dict[str, Any] = json.loads((REPOSITORY / "docs/dashboard.json").read_text())
    values = {"$__rate_interval": f"{RATE_INTERVAL}s", "$__range": f"{RANGE}s", "$route": ".*", "$client": ".*"}
    return {
        (panel["title"], target["refId"]): re.sub(r"\$\w+", lambda match: values[match[0]], target["expr"])
        for panel in dashboard["panels"]
        for target in panel["targets"]
    }


def rule_queries() -> dict[str, str]:
    """Returns the expressions of the rules, by the names of alerts and of what they record."""
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    return {
        rule.get("alert") or rule["record"]: rule["expr"].replace("vector(1000000)", f"vector({TOKEN_LIMIT})")
        for rule in rules
    }


def question(text: str) -> str:
    """Returns the page's one query that has this text in it."""
    (found,) = (query for query in blocks("promql") if text in query)
    return found


def test_no_query_is_left_out() -> None:
    assert panel_queries().keys() == PANELS.keys()
    assert {question(text) for text in QUESTIONS} == set(blocks("promql"))
    assert rule_queries().keys() == RULES.keys()


def assert_result(seen: Observed, query: str, expected: Expected) -> None:
    wanted = expected(seen)
    found = seen.ask(query)
    assert found.keys() == wanted.keys()
    assert found == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("panel", "name"), PANELS)
def test_a_panel_shows_what_the_proxy_counted(panel: str, name: str, observed: Observed) -> None:
    assert PANELS[panel, name](observed)
    assert_result(observed, panel_queries()[panel, name], PANELS[panel, name])


def test_a_panel_shows_the_chosen_route_and_client_alone(observed: Observed) -> None:
    title = "Requests by route and status"
    query = panel_queries()[title, "A"].replace('route=~".*"', 'route=~"gloo-system/llm"')
    routes = {dict(labels)["route"] for labels in observed.ask(query)}
    assert routes == {"gloo-system/llm"}
    everybody, batch = (
        observed.ask(panel_queries()[title, "A"].replace('client=~".*"', f'client=~"{name}"'))
        for name in (".*", "batch")
    )
    assert len(batch) < len(everybody)


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_question_of_the_page_gets_the_answer_that_the_proxy_counted(text: str, observed: Observed) -> None:
    assert QUESTIONS[text](observed)
    assert_result(observed, question(text), QUESTIONS[text])


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_finds_what_the_proxy_counted(rule: str, observed: Observed) -> None:
    assert RULES[rule](observed) or rule == "LLMGatewayNotScraped"
    assert_result(observed, rule_queries()[rule], RULES[rule])


def test_prometheus_runs_every_rule_without_an_error(observed: Observed) -> None:
    groups = observed.prometheus.get("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert [rule for rule in rules if rule["health"] != "ok" or rule.get("lastError")] == []
    states = {rule["name"]: rule["state"] for rule in rules if rule["type"] == "alerting"}
    assert states.pop("LLMGatewayNotScraped") == "inactive"
    assert states.pop("LLMTokensNearLimit") == "firing"
    assert set(states.values()) == {"pending"}
