"""The alerts of docs/alerts.yaml, over hours that Prometheus's promtool makes up."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.pages import block
from tests.support.repository import REPOSITORY
from tools.prometheus import prometheus_programs

pytestmark = pytest.mark.skipif(not prometheus_programs()["promtool"], reason="promtool isn't on PATH")

ALERTS = REPOSITORY / "docs/alerts.yaml"
RULES = {
    rule["alert"]: rule
    for group in yaml.safe_load(ALERTS.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}

# What an alert comes of: the series with their values of each minute; then its labels, its value as text, and when.
FIRING: dict[str, tuple[dict[str, str], dict[str, str], str, str]] = {
    "LLMRouteFails": (
        {
            'agentgateway_requests_total{route="a/b",status="200",reason="Upstream"}': "0+90x60",
            'agentgateway_requests_total{route="a/b",status="503",reason="UpstreamFailure"}': "0+10x60",
            'agentgateway_requests_total{route="a/c",status="200",reason="Upstream"}': "0+90x60",
        },
        {"route": "a/b"},
        "10%",
        "30m",
    ),
    "LLMRequestsRetried": (
        {
            'agentgateway_requests_total{route="a/b",status="200"}': "0+100x60",
            'agentgateway_retries_total{route="a/b",status="200"}': "0+10x60",
        },
        {"route": "a/b"},
        "10%",
        "30m",
    ),
    "LLMFallbackAnswers": (
        {
            "agentgateway_gen_ai_server_request_duration_count"
            '{route="gloo-system/mistral",gen_ai_request_model="deepseek-flash"}': "0+2x60"
        },
        {"route": "gloo-system/mistral", "gen_ai_request_model": "deepseek-flash"},
        "30",
        "30m",
    ),
    "LLMProviderRefuses": (
        {'agentgateway_requests_total{route="a/b",status="401",reason="Upstream"}': "0+2x60"},
        {"route": "a/b", "status": "401"},
        "30",
        "30m",
    ),
    "LLMClientRefused": (
        {'agentgateway_requests_total{client="web",route="a/b",status="429",reason="RateLimit"}': "0+2x60"},
        {"client": "web", "route": "a/b", "status": "429", "reason": "RateLimit"},
        "30",
        "30m",
    ),
    "LLMTokensNearLimit": (
        {
            'agentgateway_gen_ai_client_token_usage_sum{client="web",gen_ai_token_type="input"}': "0+400x1500",
            'agentgateway_gen_ai_client_token_usage_sum{client="web",gen_ai_token_type="output"}': "0+200x1500",
            'agentgateway_gen_ai_client_token_usage_sum{client="batch",gen_ai_token_type="input"}': "0+500x1500",
            'agentgateway_gen_ai_client_token_usage_sum{client="batch",gen_ai_token_type="input_cache_read"}': (
                "0+400x1500"
            ),
        },
        {"client": "web"},
        "864k",
        "1440m",
    ),
    "LLMGatewayNotScraped": ({}, {"job": "agentgateway"}, "1", "30m"),
}

ALIVE = {'up{job="agentgateway",instance="one"}': "1x1500"}

# Series of which the alert must not come.
QUIET: dict[str, dict[str, str]] = {
    "LLMRouteFails": {
        'agentgateway_requests_total{route="a/b",status="200",reason="Upstream"}': "0+97x60",
        'agentgateway_requests_total{route="a/b",status="503",reason="UpstreamFailure"}': "0+3x60",
    },
    "LLMRequestsRetried": {
        'agentgateway_requests_total{route="a/b",status="200"}': "0+100x60",
        'agentgateway_retries_total{route="a/b",status="200"}': "0+1x60",
    },
    "LLMFallbackAnswers": {
        "agentgateway_gen_ai_server_request_duration_count"
        '{route="gloo-system/mistral",gen_ai_request_model="mistral-medium"}': "0+2x60",
        "agentgateway_gen_ai_server_request_duration_count"
        '{route="gloo-system/deepseek",gen_ai_request_model="deepseek-flash"}': "0+2x60",
    },
    "LLMProviderRefuses": {'agentgateway_requests_total{route="a/b",status="401",reason="APIKeyAuth"}': "0+2x60"},
    "LLMClientRefused": {
        'agentgateway_requests_total{client="web",route="a/b",status="429",reason="Upstream"}': "0+2x60",
        'agentgateway_requests_total{client="web",route="a/b",status="429",reason="RateLimit"}': "0x10 5x49",
    },
    "LLMTokensNearLimit": {
        'agentgateway_gen_ai_client_token_usage_sum{client="web",gen_ai_token_type="input"}': "0+300x1500",
        'agentgateway_gen_ai_client_token_usage_sum{client="batch",gen_ai_token_type="input"}': "0+300x1500",
    },
    "LLMGatewayNotScraped": {},
}


def promtool(*arguments: str | Path) -> str:
    """Returns what it prints."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_are_valid(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(block("docs/usage.md", "# prices.yaml\n", "yaml"))
    promtool("check", "rules", "--lint-fatal", ALERTS, tmp_path / "prices.yaml")


def test_the_page_s_job_takes_the_proxies_alone(tmp_path: Path) -> None:
    """Debian's Prometheus has no discovery by Kubernetes. The pods come from a file, with its labels."""

    def target(name: str, gateway_class: str, port: str) -> dict[str, Any]:
        meta = {
            "namespace": "gloo-system",
            "pod_name": name,
            "pod_container_port_name": port,
            "pod_label_gateway_networking_k8s_io_gateway_class_name": gateway_class,
        }
        labels = {f"__meta_kubernetes_{label}": value for label, value in meta.items()}
        return {"targets": ["10.0.0.1:15020"], "labels": labels}

    pods = [
        target("proxy", "agentgateway", "metrics"),
        target("port", "agentgateway", ""),
        target("other", "", "metrics"),
    ]
    (tmp_path / "pods.json").write_text(json.dumps(pods))
    config = yaml.safe_load(block("docs/usage.md", "# prometheus.yaml\n", "yaml"))
    assert config["scrape_configs"][0].pop("kubernetes_sd_configs") == [{"role": "pod"}]
    config["scrape_configs"][0]["file_sd_configs"] = [{"files": ["pods.json"]}]
    (tmp_path / "prometheus.json").write_text(json.dumps(config))
    found = promtool("check", "service-discovery", "--timeout=2s", tmp_path / "prometheus.json", "agentgateway")
    kept = [each["labels"] for each in json.loads(found) if each["labels"]]
    shown = [{name: value for name, value in labels.items() if not name.startswith("__")} for labels in kept]
    instance = {"instance": "10.0.0.1:15020", "job": "agentgateway"}
    assert shown == [{**instance, "namespace": "gloo-system", "pod": "proxy"}]
    assert kept[0]["__metrics_path__"] == "/metrics"


def test_every_alert_is_tried() -> None:
    assert RULES.keys() == FIRING.keys() == QUIET.keys()


def _filled(template: str, labels: dict[str, str], value: str) -> str:
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: labels[match[1]], template)
    return re.sub(r"\{\{ \$value \| \w+ \}\}", value, text)


def _check(folder: Path, series: dict[str, str], alert: str, at: str, expected: list[dict[str, Any]]) -> None:
    tests = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [{"alertname": alert, "eval_time": at, "exp_alerts": expected}],
            }
        ],
    }
    (folder / "tests.json").write_text(json.dumps(tests))
    promtool("test", "rules", folder / "tests.json")


@pytest.mark.parametrize("alert", FIRING)
def test_an_alert_comes_and_says_of_what(alert: str, tmp_path: Path) -> None:
    series, labels, value, at = FIRING[alert]
    rule = RULES[alert]
    annotations = {name: _filled(text, labels, value) for name, text in rule["annotations"].items()}
    expected = {"exp_labels": {**labels, **rule["labels"]}, "exp_annotations": annotations}
    _check(tmp_path, series if alert == "LLMGatewayNotScraped" else {**ALIVE, **series}, alert, at, [expected])


@pytest.mark.parametrize("alert", QUIET)
def test_an_alert_stays_away_below_its_bound(alert: str, tmp_path: Path) -> None:
    _check(tmp_path, {**ALIVE, **QUIET[alert]}, alert, FIRING[alert][3], [])


def test_failures_of_one_route_count_together_whatever_their_reason(tmp_path: Path) -> None:
    series = {
        'agentgateway_requests_total{route="a/b",status="200",reason="Upstream"}': "0+92x60",
        'agentgateway_requests_total{route="a/b",status="500",reason="Upstream"}': "0+4x60",
        'agentgateway_requests_total{route="a/b",status="504",reason="Timeout"}': "0+4x60",
    }
    labels, rule = {"route": "a/b"}, RULES["LLMRouteFails"]
    annotations = {name: _filled(text, labels, "8%") for name, text in rule["annotations"].items()}
    expected = {"exp_labels": {**labels, **rule["labels"]}, "exp_annotations": annotations}
    _check(tmp_path, {**ALIVE, **series}, "LLMRouteFails", "30m", [expected])


def test_a_proxy_that_does_not_answer_raises_the_alert(tmp_path: Path) -> None:
    labels = {"job": "agentgateway", "instance": "two"}
    rule = RULES["LLMGatewayNotScraped"]
    series = {**ALIVE, 'up{job="agentgateway",instance="two"}': "0x60"}
    expected = {"exp_labels": {**labels, **rule["labels"]}, "exp_annotations": rule["annotations"]}
    _check(tmp_path, series, "LLMGatewayNotScraped", "30m", [expected])
