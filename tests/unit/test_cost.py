"""What a component may cost, in counts that are the same on every machine."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench import programs
from bench.engine_time import CHECKPOINTS, COMPARED, OTHERS, TARGET_SIZE
from bench.figures import Figures, Sample, spread
from bench.operation import OPERATIONS as ENGINE_OPERATIONS
from bench.operation import PROCESSOR
from bench.program_time import OPERATIONS, PROVIDERS, SECONDS, paired_samples, requests
from bench.report import PAIRS, page, summary, targets
from bench.waiting import COMMANDS, import_cost
from local.toolchain.binaries import Binaries
from tests.support.recording import Recording, record
from tests.support.repository import PACKAGE, REPOSITORY

NAMESPACE = "gloo-system"
KEYS = programs.keys(2, rotated=False)


def recorded(program: str, count: int) -> Recording:
    return record(programs.PROGRAMS[program](NAMESPACE, programs.keys(count, rotated=False)))


@pytest.mark.parametrize(
    ("api", "program", "by_hand"),
    [("kgateway", "component", "flat"), *((api, *pair) for api, pair in PAIRS.items())],
)
def test_both_programs_of_the_benchmark_make_the_same_objects_in_the_same_order(
    api: str, program: str, by_hand: str
) -> None:
    component, flat = (recorded(each, 2) for each in (program, by_hand))

    def created(recording: Recording) -> list[tuple[str, dict[str, Any], list[tuple[str, str]]]]:
        known = {r.urn: (r.type, r.name) for r in recording.resources}
        objects = [r for r in recording.resources if r.type.startswith("kubernetes:")]
        return [
            (r.type, r.inputs, sorted(known[urn] for urn in r.dependencies))
            for r in sorted(objects, key=lambda r: (r.type, r.name))
        ]

    assert created(component) == created(flat)
    names = [(each["kind"], each["metadata"]["name"]) for each in programs.manifests(NAMESPACE, KEYS, api)]
    assert sorted(names) == sorted((each["kind"], each["metadata"]["name"]) for _, each, _ in created(component))


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_component_sends_the_engine_as_many_requests_as_an_empty_one_beside_its_objects(
    pair: tuple[str, str],
) -> None:
    component, baseline = (requests(program, 3) for program in pair)
    assert component == baseline
    # The program's own, and of each provider four objects and the component.
    assert component["RegisterResource"] == 1 + 5 * 3
    assert component["RegisterResourceOutputs"] == 1 + 3
    assert component["Invoke"] == 0


def test_a_provider_is_its_four_objects_and_one_resource_more() -> None:
    few, many = recorded("component", 1), recorded("component", 6)
    assert len(many.resources) - len(few.resources) == 5 * 5
    kinds = Counter(r.type.rpartition(":")[2] for r in few.resources)
    assert kinds == Counter(["OpenAICompatibleLLM", "Secret", "Backend", "BackendTLSPolicy", "HTTPRoute"])
    # The program's own, and the component's.
    assert len(many.outputs) - len(few.outputs) == 5
    assert many.warnings == []


def test_the_package_imports_nothing_but_itself_that_its_objects_do_not_need() -> None:
    component, flat = (import_cost(program)["modules"] for program in ("component", "flat"))
    own = [file for file in PACKAGE.rglob("*.py") if not {"doctor", "plugin"} & set(file.relative_to(PACKAGE).parts)]
    assert len(own) <= component - flat <= len(own) + 5


def test_what_another_page_says_of_many_providers_is_in_the_benchmark() -> None:
    page, benchmark = ((REPOSITORY / "docs" / name).read_text() for name in ("environments.md", "benchmark.md"))
    tables = {title: table for title, _, table in (each.partition("\n") for each in benchmark.split("\n## "))}

    def median(table: str, *begin: str, column: int) -> float:
        (row,) = (line for line in tables[table].splitlines() if line.startswith("| " + " | ".join(begin) + " |"))
        return float(row.split(" | ")[column].split()[0])

    ratio, memory, memory_of_flat = re.findall(r"took ([\d.]+) times .* (\d+) MiB of memory instead of (\d+)", page)[0]
    assert float(ratio) == median("Ratios of time", "100", "up", column=3)
    assert float(memory) == median("Memory and state after `up`", "100", "component", column=2)
    assert float(memory_of_flat) == median("Memory and state after `up`", "100", "flat", column=2)
    seconds, without = re.findall(r"100 took (\d+) s instead of (\d+)", page)[0]
    assert float(seconds) == round(median("Checkpoints", "100", column=1))
    assert float(without) == round(median("Checkpoints", "100", column=2))


def sample(number: int, program: str, providers: int, seconds: float, operation: str = "up") -> Sample:
    measures = (*PROCESSOR, "seconds", "program memory", "engine memory", "state")
    return Sample(number, program, providers, operation, dict.fromkeys(measures, seconds))


def measured_alone(cost: float) -> Figures:
    return Figures(
        Sample(0, program, size, operation, {SECONDS: seconds, "requests": seconds})
        for pair in PAIRS.values()
        for program, seconds in zip(pair, (cost, 1.0), strict=True)
        for size, operation in (*((PROVIDERS, each) for each in OPERATIONS), (TARGET_SIZE, "requests"))
    )


def measured_with_engine(cost: float) -> Figures:
    return Figures(
        sample(0, program, TARGET_SIZE, cost if program == "component" else 1, operation)
        for program in (*COMPARED, *OTHERS, CHECKPOINTS)
        for operation in ENGINE_OPERATIONS[:-1]
    )


def test_two_programs_take_turns_and_each_turn_has_the_times_of_both() -> None:
    samples = list(paired_samples(("flat", "baseline"), rounds=2, pairs=2))
    assert sorted((each.round, each.operation, each.program) for each in samples) == [
        (turn, operation, program) for turn in range(4) for operation in OPERATIONS for program in ("baseline", "flat")
    ]
    assert all(each.cost[SECONDS] > 0 for each in samples)


def test_a_ratio_is_taken_round_by_round() -> None:
    figures = Figures(
        sample(number, program, 100, seconds)
        for number, (component, flat) in enumerate([(2, 1), (30, 10), (8, 8)])
        for program, seconds in (("component", component), ("flat", flat))
    )
    ratios = figures.ratios("component", "flat", 100, "up", "seconds")
    assert ratios == [2, 3, 1]
    assert spread(ratios) == "2.00 (1.00 to 3.00)"
    assert spread(ratios[1:2]) == "3.00"
    assert figures.values("component", 100, "up", "seconds") == [2, 30, 8]


def test_of_many_values_the_spread_is_the_interval_of_their_median() -> None:
    assert spread(range(101)) == "50.00 (39.00 to 61.00)"
    assert spread([]) == "-"


def test_a_program_may_be_measured_in_fewer_rounds_than_another() -> None:
    figures = Figures([sample(0, "flat", 100, 2), sample(1, "flat", 100, 4), sample(1, "kubectl", 100, 1)])
    assert figures.values("flat", 100, "up", "seconds") == [2, 4]
    assert figures.ratios("flat", "kubectl", 100, "up", "seconds") == [4]
    assert figures.ratios("flat", "component", 100, "up", "seconds") == []
    assert figures.measured("flat") == [(100, "up")]


@pytest.mark.parametrize(("cost", "verdict"), [(1.0, "met"), (1.05, "met"), (1.06, "**missed**")])
def test_a_target_that_is_missed_is_said_to_be_missed(cost: float, verdict: str) -> None:
    own, engine = measured_alone(cost), measured_with_engine(cost)
    found = {promise: found for promise, _, limit, found in targets(own, engine) if limit == "1.05"}
    assert len(found) == 4 + 6
    assert set(found.values()) == {verdict}
    assert f"takes {cost:.2f} times" in next(summary(own, engine))
    assert len(list(targets(own, Figures([])))) == 6


def test_the_page_opens_with_its_conclusion() -> None:
    imports = [Sample(0, name, 0, "import", {"seconds": 1, "modules": 500}) for name in ("component", "flat")]
    waited = Figures([*imports, *(sample(0, "component", 1, 2, each) for each in COMMANDS)])
    echo = Path("echo")
    text = page(measured_alone(1.07), measured_with_engine(1.04), waited, Binaries(echo, echo, echo, echo, echo))
    assert text.startswith(
        "# What the component costs\n\nWith `api: kgateway`, a program with the component takes 1.07 "
    )
    titles = [
        "How it is measured",
        "Seconds",
        "Ratios of time",
        "Ratios of processor time",
        "Memory and state after `up`",
    ]
    assert re.findall(r"^## (.*)$", text, re.M) == [
        *titles,
        "What arguments add, with `api: agentgateway`",
        "Checkpoints",
        "Import",
        "What a user waits for",
    ]
    assert "| 100 | 1 | up | 1.04 | 1.00 | 1.00 | - |" in text
    assert "| 100 | a client's key | up | 1.00 | 1.00 |" in text
