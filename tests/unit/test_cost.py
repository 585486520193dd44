"""What a component may cost, in counts that are the same on every machine."""

from collections import Counter

import pytest

from bench import programs
from bench.figures import Figures, Sample, spread, targets
from bench.operation import import_cost
from tests.unit.recording import REPOSITORY, Recording, record

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
    package = REPOSITORY / "components/openai_compatible_llm"
    own = [file for file in package.rglob("*.py") if not {"doctor", "plugin"} & set(file.relative_to(package).parts)]
    assert len(own) <= component - flat <= len(own) + 5


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
    assert figures.of("component", 100, "up", "seconds") == [2, 30, 8]


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
