"""Metrics in Prometheus's text format, as values by name and labels."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[3] / "shared/real/metrics-agentgateway-1.4.1.txt"

_SAMPLE = re.compile(r"^(\w+)\{(.*)\} (\S+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')

Labels = frozenset[tuple[str, str]]
Series = tuple[str, Labels]
Samples = Mapping[Series, float]


def real_metrics() -> str:
    """Returns what a proxy served, or skips the test."""
    if not FILE.exists():
        pytest.skip("the metrics of a real proxy are not at hand (../shared/real)")
    return FILE.read_text()


def parse(text: str) -> dict[Series, float]:
    """Returns the samples. Those that differ in nothing are one, with their sum."""
    samples: Counter[Series] = Counter()
    for line in text.splitlines():
        if not line.startswith("#"):
            match = _SAMPLE.match(line)
            assert match, line
            samples[match[1], frozenset(_LABEL.findall(match[2]))] += float(match[3])  # type: ignore[assignment]
    return dict(samples)


def without_label(samples: Samples, label: str) -> dict[Series, float]:
    """Returns the samples as a proxy without this label would have them."""
    merged: dict[Series, float] = {}
    for (name, labels), value in samples.items():
        series = name, frozenset(each for each in labels if each[0] != label)
        merged[series] = merged.get(series, 0) + value
    return merged


def raised(samples: Samples, factor: Callable[[dict[str, str]], float]) -> dict[Series, float]:
    """Returns the samples with each raised by its share. Counts stay whole, and buckets cumulative."""

    def raise_one(series: Series, value: float) -> float:
        more = value * factor(dict(series[1]))
        return value + (more if series[0].endswith("_sum") else round(more))

    return {series: raise_one(series, value) for series, value in samples.items()}


def render(samples: Samples, types: str) -> str:
    """Returns the samples as text under the lines with the types of their metrics, which end at `# EOF`."""
    families: dict[str, list[str]] = {}
    for header in re.findall(r"^# TYPE (\w+) \w+$", types, re.MULTILINE):
        families[header] = [
            line for line in types.splitlines() if line.startswith("#") and line.split(" ")[2] == header
        ]
    for (name, labels), value in samples.items():
        family = re.sub(r"_(total|sum|count|bucket)$", "", name)
        text = ",".join(f'{label}="{content}"' for label, content in sorted(labels))
        families[family].append(f"{name}{{{text}}} {value}")
    return "\n".join([*(line for family in families.values() for line in family), "# EOF\n"])


def select(samples: Samples, name: str, where: Callable[[dict[str, str]], bool], *by: str) -> dict[Labels, float]:
    """Returns the sums of the metric's samples by these labels. A label that a series lacks isn't in its result."""
    sums: dict[Labels, float] = {}
    for (found, pairs), value in samples.items():
        labels = dict(pairs)
        if found == name and where(labels):
            key = frozenset((label, labels[label]) for label in by if label in labels)
            sums[key] = sums.get(key, 0) + value
    return sums


def quantile(wanted: float, buckets: Mapping[float, float]) -> float:
    """Returns the quantile of cumulative buckets by their upper bounds, between whose ends values lie evenly."""
    rank = wanted * buckets[float("inf")]
    lower, below = 0.0, 0.0
    for bound, count in sorted(buckets.items()):
        if count >= rank:
            return lower if bound == float("inf") else lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    raise AssertionError(buckets)
