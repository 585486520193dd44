"""What a component may cost, in counts that are the same on every machine."""

import re
from collections import Counter

import pytest

from bench import programs
from bench.figures import Figures, Sample, spread, targets
from bench.operation import import_cost
from tests.support.recording import Recording, record
from tests.support.repository import PACKAGE, REPOSITORY

NAMESPACE = "gloo-system"


def recorded(program: str, count: int) -> Recording:
    return record(getattr(programs, program)(NAMESPACE, programs.keys(count, rotated=False)))


def test_both_programs_of_the_benchmark_make_the_same_objects_in_the_same_order() -> None:
    component, flat = (recorded(program, 2) for program in ("component", "flat"))

    def made(recording: Recording) -> list[tuple[str, object, list[tuple[str, str]]]]:
        known = {r.urn: (r.type, r.name) for r in recording.resources}
        objects = [r for r in recording.resources if r.type.startswith("kubernetes:")]
        return [
            (r.type, r.inputs, sorted(known[urn] for urn in r.dependencies))
            for r in sorted(objects, key=lambda r: (r.type, r.name))
        ]

    assert made(component) == made(flat)
    assert [manifest["kind"] for manifest in programs.manifests(NAMESPACE, programs.keys(1, rotated=False))] == [
        "Secret",
        "Backend",
        "BackendTLSPolicy",
        "HTTPRoute",
    ]


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


def sample(number: int, program: str, providers: int, seconds: float) -> Sample:
    measures = ("seconds", "program processor seconds", "engine processor seconds", "program memory", "engine memory")
    return Sample(number, program, providers, "up", dict.fromkeys(measures, seconds))


def test_a_ratio_is_taken_round_by_round() -> None:
    figures = Figures(
        sample(number, program, 100, seconds)
        for number, (component, flat) in enumerate([(2, 1), (30, 10), (8, 8)])
        for program, seconds in (("component", component), ("flat", flat))
    )
    ratios = figures.ratio(("component", 100), ("flat", 100), "up", "seconds")
    assert ratios == [2, 3, 1]
    assert spread(ratios) == "2.00 (1.00 to 3.00)"
    assert spread(ratios[1:2]) == "3.00"
    assert figures.of("component", 100, "up", "seconds") == [2, 30, 8]


def test_a_program_may_be_measured_in_fewer_rounds_than_another() -> None:
    figures = Figures([sample(0, "flat", 100, 2), sample(1, "flat", 100, 4), sample(1, "kubectl", 100, 1)])
    assert figures.of("flat", 100, "up", "seconds") == [2, 4]
    assert figures.ratio(("flat", 100), ("kubectl", 100), "up", "seconds") == [4]
    assert [figures.rounds_of(program, 100, "up") for program in ("flat", "kubectl")] == [2, 1]
    assert figures.operations_at(100) == ["up"]


@pytest.mark.parametrize(("cost", "verdict"), [(1.0, "met"), (1.05, "met"), (1.06, "**missed**")])
def test_a_target_that_is_missed_is_said_to_be_missed(cost: float, verdict: str) -> None:
    costs = {"component": cost, "baseline": 1, "flat": 1, "flat again": 1.05}
    samples = [
        Sample(0, program, 100, operation, sample(0, program, 100, each).cost)
        for program, each in costs.items()
        for operation in ("preview", "up", "up again")
    ]
    found = list(targets(Figures(samples)))
    assert len(found) == 8
    assert {each[-1] for each in found} == {verdict}
    assert list(targets(Figures(sample(0, program, 10, 1) for program in costs))) == []
