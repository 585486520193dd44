"""What a component may cost, in counts that are the same on every machine."""

import re
import subprocess
import sys
from typing import Any

import pytest

from bench import programs
from bench.commands import COMMAND, COMMANDS
from bench.engine_time import CLIENTS_PLAN, PLAN, steps
from bench.figures import Figures, Sample, spread
from bench.program_time import OPERATIONS, PROVIDERS, paired_samples, requests
from bench.programs import ONE_CLIENT, PAIRS, TWENTY_CLIENTS
from bench.report import MEMORY, OWN, PROCESSOR, clients_table, page, summary, table_lines, targets
from tests.support.recording import Recording, record, record_program
from tests.support.repository import PACKAGE, REPOSITORY

NAMESPACE = "gloo-system"
KEYS = programs.keys(2, rotated=False)


@pytest.mark.parametrize(
    ("api", "program", "by_hand"),
    [("kgateway", "component", "flat"), *((api, *pair) for api, pair in PAIRS.items())],
)
def test_both_programs_of_the_benchmark_make_the_same_objects_in_the_same_order(
    api: str, program: str, by_hand: str
) -> None:
    component, flat = (record(programs.PROGRAMS[each](NAMESPACE, KEYS)) for each in (program, by_hand))

    def created(recording: Recording) -> list[tuple[str, dict[str, Any], list[tuple[str, str]]]]:
        known = {r.urn: (r.type, r.name) for r in recording.resources}
        objects = [r for r in recording.resources if r.type.startswith("kubernetes:")]
        return [
            (r.type, r.inputs, sorted(known[urn] for urn in r.dependencies))
            for r in sorted(objects, key=lambda r: (r.type, r.name))
        ]

    assert created(component) == created(flat)
    assert component.warnings == []
    names = [(each["kind"], each["metadata"]["name"]) for each in programs.manifests(NAMESPACE, KEYS, api)]
    assert sorted(names) == sorted((each["kind"], each["metadata"]["name"]) for _, each, _ in created(component))


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_component_sends_the_engine_as_many_requests_as_an_empty_one_beside_its_objects(
    pair: tuple[str, str],
) -> None:
    component, baseline = (requests(program, 3) for program in pair)
    assert component == baseline
    # The program's own, and four objects and the component for each provider.
    assert component["RegisterResource"] == 1 + 5 * 3
    assert component["RegisterResourceOutputs"] == 1 + 3
    assert component["Invoke"] == 0


def test_clients_add_one_secret_to_each_provider_however_many_they_are() -> None:
    without, one, twenty = (requests(program, 3) for program in ("agentgateway", ONE_CLIENT, TWENTY_CLIENTS))
    assert one == twenty
    assert one["RegisterResource"] == without["RegisterResource"] + 3
    assert one["RegisterResourceOutputs"] == without["RegisterResourceOutputs"]


@pytest.mark.parametrize(("program", "count"), [(ONE_CLIENT, 1), (TWENTY_CLIENTS, 20)])
def test_one_more_client_changes_the_secret_and_the_policy_of_each_provider_alone(program: str, count: int) -> None:
    before, after = (record(found[program](NAMESPACE, KEYS)) for found in (programs.PROGRAMS, programs.ONE_MORE_CLIENT))
    objects = [
        {(each["kind"], each["metadata"]["name"]): each for each in recording.objects()}
        for recording in (before, after)
    ]
    old, new = objects
    assert old.keys() == new.keys()
    secrets = {("Secret", f"{provider}-clients") for provider in KEYS}
    assert [len(each[secret]["stringData"]) for secret in secrets for each in objects] == [count, count + 1] * len(KEYS)
    # The first clients have a limit each.
    policies = {("AgentgatewayPolicy", provider) for provider in KEYS} if count < programs.MOST_LIMITED else set()
    assert {each for each in old if old[each] != new[each]} == secrets | policies


def test_a_shared_url_adds_its_component_and_objects_and_nothing_to_each_provider() -> None:
    models = {name: {"apiKey": "key", "models": [f"{name}-*"]} for name in ("mistral", "deepseek")}
    alone = {name: {"apiKey": "key"} for name in models}
    config = {"api": "agentgateway", "providers": alone}
    one_url = record_program({**config, "providers": models, "shared": {"routePath": "/llm"}})
    without = record_program(config)
    # The component, three policies and a route.
    assert len(one_url.resources) == len(without.resources) + 5
    assert len(one_url.outputs) == len(without.outputs) + 1
    assert one_url.warnings == without.warnings


def modules(imported: str) -> int:
    """Counts the modules that a new Python loads for this import."""
    script = f"import sys; before = set(sys.modules); import {imported}; print(len(set(sys.modules) - before))"
    command = [sys.executable, "-c", script]
    return int(subprocess.run(command, cwd=REPOSITORY / "components", capture_output=True, check=True).stdout)


def test_the_package_imports_nothing_but_itself_that_its_objects_do_not_need() -> None:
    of_objects = ("apiextensions", "core.v1", "meta.v1")
    component = modules("openai_compatible_llm")
    flat = modules(", ".join(["pulumi", *(f"pulumi_kubernetes.{each}" for each in of_objects)]))
    own = [file for file in PACKAGE.rglob("*.py") if not {"doctor", "plugin"} & set(file.relative_to(PACKAGE).parts)]
    assert len(own) <= component - flat <= len(own) + 5


def test_what_another_page_says_of_many_providers_is_in_the_benchmark() -> None:
    page, benchmark = ((REPOSITORY / "docs" / name).read_text() for name in ("environments.md", "benchmark.md"))
    tables = {title: table for title, _, table in (each.partition("\n") for each in benchmark.split("\n## "))}

    def median(table: str, *row: str, column: str) -> float:
        header, _, *rows = (
            [cell.strip() for cell in line.split("|")[1:-1]] for line in tables[table].split("\n") if line
        )
        (found,) = (each for each in rows if each[:2] == ["100", *row])
        return float(found[header.index(column)].split()[0])

    ratio, *memory = re.findall(r"took ([\d.]+) times .* (\d+) MiB of memory instead of (\d+)", page)[0]
    assert float(ratio) == median("Ratios of time", "up", column="component ÷ flat")
    for found, program in zip(memory, ("component", "flat"), strict=True):
        assert float(found) == round(median("Memory and state after `up`", program, column="program MiB"))
    seconds = re.findall(r"100 took (\d+) s, and (\d+) s without", page)[0]
    for found, program in zip(seconds, ("checkpoints", "component"), strict=True):
        assert float(found) == round(median("Seconds", "up", column=program))


def sample(number: int, program: str, providers: int, seconds: float, operation: str = "up") -> Sample:
    measures = ("seconds", PROCESSOR, *MEMORY, "state KiB")
    return Sample(number, program, providers, operation, dict.fromkeys(measures, seconds))


def measured_alone(cost: float) -> list[Sample]:
    return [
        Sample(0, program, PROVIDERS, operation, {OWN: seconds, "requests": seconds})
        for pair in PAIRS.values()
        for program, seconds in zip(pair, (cost, 1.0), strict=True)
        for operation in (*OPERATIONS, "requests")
    ]


def measured_with_engine(cost: float) -> list[Sample]:
    return [
        sample(number, program, size, cost if program == "component" else 1, operation)
        for number, size, names, operations in PLAN
        for operation, program in steps(names, operations)
    ]


def test_two_programs_take_turns_and_each_turn_has_the_times_of_both() -> None:
    samples = paired_samples(("flat", "baseline"), range(3, 5))
    assert [(each.round, each.operation, each.program) for each in samples] == [
        (turn, operation, program)
        for turn, programs in ((3, ("flat", "baseline")), (4, ("baseline", "flat")))
        for operation in OPERATIONS
        for program in programs
    ]
    assert all(each.cost[OWN] > 0 for each in samples)


def test_a_ratio_is_taken_round_by_round() -> None:
    figures = Figures(
        sample(number, program, 100, seconds)
        for number, (component, flat) in enumerate([(2, 1), (30, 10), (8, 8)])
        for program, seconds in (("component", component), ("flat", flat))
    )
    ratios = figures.ratios("seconds", "component", "flat", 100, "up")
    assert ratios == [2, 3, 1]
    assert spread(ratios) == "2.00 (1.00 to 3.00)"
    assert spread(ratios[1:2]) == "3.00"
    assert figures.values("seconds", "component", 100, "up") == [2, 30, 8]


def test_of_many_values_the_spread_is_the_interval_of_their_median() -> None:
    assert spread(range(101)) == "50.00 (39.00 to 61.00)"
    assert spread([]) == "-"


def test_a_program_may_be_measured_in_fewer_rounds_than_another() -> None:
    figures = Figures([sample(0, "flat", 100, 2), sample(1, "flat", 100, 4), sample(1, "kubectl", 100, 1)])
    assert figures.values("seconds", "flat", 100, "up") == [2, 4]
    assert figures.ratios("seconds", "flat", "kubectl", 100, "up") == [4]
    assert figures.ratios("seconds", "flat", "component", 100, "up") == []


@pytest.mark.parametrize(("cost", "verdict"), [(1.0, "met"), (1.05, "met"), (1.06, "**missed**")])
def test_a_target_that_is_missed_is_said_to_be_missed(cost: float, verdict: str) -> None:
    figures = Figures([*measured_alone(cost), *measured_with_engine(cost)])
    found = {promise: found for promise, _, limit, found in targets(figures) if limit == "1.05"}
    assert len(found) == 4 + 6
    assert set(found.values()) == {verdict}
    assert f"takes {cost:.2f} times" in next(summary(figures))
    assert len(list(targets(Figures(measured_alone(cost))))) == 6


def test_the_page_opens_with_its_conclusion_and_has_only_rows_that_were_measured() -> None:
    commands = [sample(0, COMMAND, 1, 2, each) for each in COMMANDS]
    text = page(Figures([*measured_alone(1.07), *measured_with_engine(1.04), *commands]))
    assert text.startswith(
        "# What the component costs\n\n"
        "With 100 providers in a stack, `pulumi up` takes 1.04 s with the component, and 1.00 s"
    )
    assert "\n\nWith `api: kgateway`, a program with the component takes 1.07 " in text
    rows = {
        title: [re.sub(r" \(.*?\)", "", line) for line in table.splitlines() if line.startswith("| ")][2:]
        for title, _, table in (each.partition("\n") for each in text.split("\n## "))
    }
    assert [(title, len(each)) for title, each in rows.items()] == [
        ("# What the component costs", 0),
        ("Targets", 6 + 6),
        ("How it is measured", 0),
        ("Seconds", 5 + 5 + 4 + 2),
        ("Ratios of time", 5 + 5 + 4 + 2),
        ("Ratios of processor time", 5 + 5 + 4 + 2),
        ("Memory and state after `up`", 3 + 3 + 3 + 2),
        ("What arguments add", 2),
        ("What clients add", 3),
        ("What a user waits for, with caches warm", len(COMMANDS)),
    ]
    assert "| 100 | up | 1.04 | 1.00 | 1.00 | 1.00 | 1.00 |" in rows["Seconds"]
    assert "| 250 | up | - | 1.04 | - |" in rows["Ratios of time"]
    assert "| 250 | component | 1.04 | 1.04 | 1.04 |" in rows["Memory and state after `up`"]
    assert "| 100 | up | 1.00 | 1.00 | 1.00 | 1.00 | 1.00 | 1.00 |" in rows["What arguments add"]
    assert "| 100 | up with one more client | - | - | 1.00 | 1.00 | 1.00 | 1.00 |" in rows["What clients add"]


def test_what_clients_add_is_measured_alone_too() -> None:
    ((_, size, names, operations),) = CLIENTS_PLAN
    samples = [
        sample(0, program, size, number, operation)
        for number, (operation, program) in enumerate(steps(names, operations))
    ]
    assert list(table_lines(*clients_table(Figures(samples))))[3:] == [
        "| 100 | preview | 0.00 | 0.00 | 1.00 | 1.00 | 2.00 | 2.00 |",
        "| 100 | up | 3.00 | 3.00 | 4.00 | 4.00 | 5.00 | 5.00 |",
        "| 100 | up with one more client | - | - | 6.00 | 6.00 | 7.00 | 7.00 |",
    ]
