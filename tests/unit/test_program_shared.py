"""The group `shared` of a stack's file: one base URL for its providers, and what can't be of both together."""

from typing import Any

import pytest

from tests.support.recording import Recording, program_error, record_program
from tests.unit.test_program import CANARY, stack_outputs

BASE: dict[str, Any] = {"api": "agentgateway", "shared": {"routePath": "/llm"}}
AT = "at the Gateway gloo-system/agentgateway"
NO_PROVIDER = (
    "shared: no provider uses it; give providers at this Gateway their `models`, or list those of other stacks as "
    "`shared.models`"
)
SAME = "at the shared path /llm; give it to one of them"
UNSHARED = (
    "providers.d.models: has no effect without a shared path; give the stack `shared.routePath` at this provider's "
    "Gateway, or, if another stack has `shared`, give `sharedRoutePath`"
)


def provider(**settings: Any) -> dict[str, Any]:
    return {"apiKey": CANARY, **settings}


def stack(providers: dict[str, Any], **settings: Any) -> dict[str, Any]:
    named = {name: {"host": f"{name}.example.com", **each} for name, each in providers.items()}
    return {key: each for key, each in {**BASE, **settings, "providers": named}.items() if each is not None}


def problems(providers: dict[str, Any], **settings: Any) -> list[str]:
    lines = program_error(stack(providers, **settings)).splitlines()
    assert all(line.startswith("Stack prod: ") for line in lines)
    return [line.removeprefix("Stack prod: ") for line in lines]


def shared_paths(recording: Recording) -> dict[str, str]:
    routes = {each.name: each.inputs["spec"]["rules"] for each in recording.all(":HTTPRoute")}
    return {
        name: rule["matches"][0]["path"]["value"]
        for name, rules in routes.items()
        for rule in rules
        if "headers" in rule["matches"][0]
    }


def list_of_models(recording: Recording) -> str:
    policy = recording.one(":AgentgatewayPolicy", "llm-models").inputs["spec"]
    return str(policy["traffic"]["directResponse"]["bodyExpression"])


def test_providers_with_models_or_aliases_share_the_path_and_are_listed() -> None:
    providers = {
        "a": provider(models=["a-1", "b-*"]),
        "c": provider(modelAliases={"fast": "c-1"}),
        "own": provider(),
        "other": provider(models=["o"], sharedRoutePath="/others"),
    }
    recording = record_program(stack(providers))
    assert shared_paths(recording) == {"a": "/llm", "c": "/llm", "other": "/others"}
    assert '[["a-1", "a"], ["fast", "c"]]' in list_of_models(recording)


def test_the_outputs_have_the_one_url_and_whose_models_it_has() -> None:
    gateway = {"name": "edge", "namespace": "gateways", "url": "https://llm.example.com"}
    recording = record_program(stack({"a": provider(models=["a-1", "b-*"])}, gateway=gateway))
    outputs = stack_outputs(recording)
    assert outputs["shared"] == {
        "path": "/llm",
        "url": "https://llm.example.com/llm/v1",
        "models": {"a": ["a-1", "b-*"]},
        "namespace": "gateways",
        "routeName": "llm",
        "policyName": "llm",
    }
    assert outputs["providers"]["a"]["models"] == ["a-1", "b-*"]


def test_without_the_group_there_is_no_output_and_no_object_of_it() -> None:
    recording = record_program({"api": "agentgateway", "providers": {"mistral": provider()}})
    assert recording.all(":OpenAICompatibleGateway") == []
    assert all("shared" not in each for each in recording.outputs.values())


def test_its_gateway_is_the_stacks_in_the_stacks_namespace_unless_it_names_its_own() -> None:
    providers = {"a": provider(models=["m"])}

    def parent(**settings: Any) -> Any:
        return record_program(stack(providers, **settings)).one(":HTTPRoute", "llm").inputs["spec"]["parentRefs"][0]

    assert parent() == {"name": "agentgateway", "namespace": "gloo-system"}
    assert parent(namespace="ai") == {"name": "agentgateway", "namespace": "ai"}
    edge = {"name": "edge", "namespace": "gateways"}
    assert parent(gateway=edge, namespace="ai") == edge
    nulls = {"routePath": "/llm", "name": None, "gateway": None}
    assert parent(gateway=edge, shared=nulls) == edge
    assert parent(namespace="ai", gateway={"name": "edge", "namespace": None}) == {"name": "edge", "namespace": "ai"}
    named = {"routePath": "/llm", "gateway": {"name": "edge", "namespace": None}}
    assert parent(namespace="ai", gateway={"name": "edge"}, shared=named) == {"name": "edge", "namespace": "ai"}
    own = {**edge, "sectionName": "llm"}
    assert parent(gateway=edge, shared={"routePath": "/llm", "gateway": own}) == own


def test_a_provider_at_another_gateway_or_listener_does_not_join() -> None:
    providers = {
        "a": provider(models=["m"]),
        "b": provider(modelAliases={"fast": "m"}, gateway={"name": "other"}),
        "c": provider(modelAliases={"fast": "m"}, gateway={"sectionName": "public"}),
    }
    gateway = {"name": "agentgateway", "sectionName": "llm"}
    assert shared_paths(record_program(stack(providers, gateway=gateway))) == {"a": "/llm"}
    assert problems({**providers, "d": provider(models=["n"], gateway={"name": "other"})}) == [UNSHARED]


def test_models_of_a_stack_without_the_group_are_refused_with_both_ways_to_share_them() -> None:
    assert problems({"d": provider(models=["n"])}, shared=None) == [UNSHARED]


def test_the_list_has_no_provider_of_another_gateway() -> None:
    elsewhere = provider(models=["n"], gateway={"name": "other"}, sharedRoutePath="/llm")
    recording = record_program(stack({"a": provider(models=["m"]), "b": elsewhere}))
    assert '"data": [["m", "a"]].map(' in list_of_models(recording)
    assert problems({"b": elsewhere}) == [NO_PROVIDER]


@pytest.mark.parametrize(
    ("shared", "expected"),
    [
        ({}, "shared.routePath: required"),
        ({"routePath": "/llm/"}, 'shared.routePath: "/llm/" ends with a slash; give "/llm"'),
        ({"routePath": 5}, "shared.routePath: 5 is not a string"),
    ],
)
def test_what_is_wrong_with_the_path_is_said_once(shared: dict[str, Any], expected: str) -> None:
    providers = {"a": provider(models=["m"]), "b": provider(models=["n"]), "c": provider(modelAliases={"fast": "m"})}
    assert problems(providers, shared=shared) == [expected]


def test_an_empty_list_of_models_is_said_once() -> None:
    assert problems({"a": provider(models=[])}) == [
        "providers.a.models: empty; give names such as mistral-medium-latest, or patterns such as mistral-*"
    ]


def test_a_group_that_is_null_counts_as_not_given() -> None:
    config = {**stack({"a": provider()}), "shared": None}
    assert record_program(config).all(":OpenAICompatibleGateway") == []


def test_a_stack_may_be_for_the_gateway_alone() -> None:
    shared = {"name": "one-url", "routePath": "/llm", "models": {"mistral": ["small"]}, "maxRequestBytes": 9}
    recording = record_program({"api": "agentgateway", "shared": shared})
    names = {each["metadata"]["name"] for each in recording.objects()}
    assert names == {"one-url", "one-url-gateway", "one-url-models", "one-url-unknown"}


@pytest.mark.parametrize("api", ["kgateway", "agentgatway"])
def test_a_stack_for_the_gateway_alone_is_for_agentgateway(api: str) -> None:
    assert program_error({"api": api, "shared": {"routePath": "/llm", "models": {"mistral": ["small"]}}}) == (
        f'Stack prod: api: "{api}" can\'t route a request by its model, which `shared` needs; give agentgateway'
    )


@pytest.mark.parametrize("name", ["maxRequestBytes", "clientLabel"])
def test_an_argument_of_the_group_belongs_into_it(name: str) -> None:
    advice = f"it belongs to OpenAICompatibleGateway, in a stack file to the group shared; give `{name}` there"
    assert problems({"a": provider(**{name: 1})}, shared=None) == [f"providers.a.{name}: unknown argument; {advice}"]
    assert problems({"a": provider()}, shared=None, **{name: 1}) == [
        f"openai-compatible-llm:{name}: unknown setting; {advice}"
    ]


def test_models_of_other_stacks_are_listed_beside_the_stacks_own() -> None:
    shared = {"routePath": "/llm", "models": {"elsewhere": ["e"]}}
    recording = record_program(stack({"a": provider(models=["b"])}, shared=shared))
    assert '[["b", "a"], ["e", "elsewhere"]]' in list_of_models(recording)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (["m"], ["m"], f'providers.b.models: "m" is a model of provider a too {SAME}'),
        (["gpt-*"], ["gpt-oss"], f'providers.b.models: "gpt-oss" and "gpt-*" of provider a can be the same model {SAME}'),
        (["gpt-oss"], ["gpt-*"], f'providers.b.models: "gpt-*" and "gpt-oss" of provider a can be the same model {SAME}'),
        (
            ["*-latest"],
            ["mistral-*"],
            f'providers.b.models: "mistral-*" and "*-latest" of provider a can be the same model {SAME}',
        ),
        (["gpt-*"], ["gpt-5*"], f'providers.b.models: "gpt-5*" and "gpt-*" of provider a can be the same model {SAME}'),
        (["*st"], ["*latest"], f'providers.b.models: "*latest" and "*st" of provider a can be the same model {SAME}'),
        (["*"], ["m"], f'providers.b.models: "m" and "*" of provider a can be the same model {SAME}'),
        (["gpt-5"], ["gpt-4*"], None),
        (["gpt-*"], ["GPT-*"], None),
        (["*-a"], ["*-b"], None),
        (["m"], ["mm"], None),
    ],
)  # fmt: skip
def test_a_model_of_two_providers_is_refused(one: list[str], other: list[str], expected: str | None) -> None:
    providers = {"a": provider(models=one), "b": provider(models=other)}
    if expected:
        assert problems(providers) == [expected]
    else:
        record_program(stack(providers))


def test_equal_aliases_are_refused() -> None:
    aliases = {"fast": "m"}
    assert problems({"a": provider(modelAliases=aliases), "b": provider(modelAliases=aliases)}) == [
        f'providers.b.modelAliases: "fast" is a model of provider a too {SAME}'
    ]


@pytest.mark.parametrize(
    "apart",
    [
        {"hostnames": ["b.example.com"]},
        {"sharedRoutePath": "/other"},
        {"sharedRoutePath": "/llm", "gateway": {"name": "other"}},
    ],
)
def test_one_model_may_be_two_providers_at_other_hostnames_paths_or_gateways(apart: dict[str, Any]) -> None:
    one = provider(models=["m"], hostnames=["a.example.com"])
    record_program(stack({"a": one, "b": provider(models=["m"], **apart)}))


@pytest.mark.parametrize(
    ("own", "path", "expected"),
    [
        ("/x", "/x", 'providers.a.sharedRoutePath: "/x" is the `routePath` too; give another'),
        (
            "/llm/v1",
            "/llm",
            f'providers.a.routePath: "/llm/v1" {AT} takes the requests that clients of the shared path send to /llm/v1; '
            "give another",
        ),
        (
            "/x",
            "/x/v1",
            f'shared.routePath: "/x/v1" {AT} takes the requests that clients of provider a send to /x/v1; give another',
        ),
        ("/llm/a", "/llm", None),
        ("/", "/llm", None),
        ("/a", "/", None),
    ],
)
def test_a_path_that_is_a_providers_own_is_refused(own: str, path: str, expected: str | None) -> None:
    providers = {"a": provider(models=["m"], routePath=own)}
    if expected:
        assert problems(providers, shared={"routePath": path}) == [expected]
    else:
        record_program(stack(providers, shared={"routePath": path}))


def test_another_providers_route_may_not_be_the_shared_path() -> None:
    assert problems({"a": provider(models=["m"]), "b": provider(routePath="/llm")}) == [
        f'providers.b.routePath: "/llm" {AT} is already the shared path; give another'
    ]


def test_without_the_group_a_shared_path_is_still_no_ones_own() -> None:
    providers = {"a": provider(models=["m"], sharedRoutePath="/llm"), "b": provider(routePath="/llm")}
    assert problems(providers, shared=None) == [
        f'providers.b.routePath: "/llm" {AT} is already the shared path; give another'
    ]


@pytest.mark.parametrize("place", ["hostnames", "listener"])
def test_no_one_has_the_shared_path_of_any_provider_for_its_own(place: str) -> None:
    one, other = (
        {"hostnames": [f"{each}.example.com"]} if place == "hostnames" else {"gateway": {"sectionName": each}}
        for each in ("a", "b")
    )
    providers = {
        "a": provider(models=["m"], sharedRoutePath="/x", **one),
        "b": provider(models=["m"], sharedRoutePath="/x", **other),
    }
    expected = f'providers.c.routePath: "/x" {AT} is already the shared path; give another'
    assert problems({**providers, "c": provider(routePath="/x", **other)}, shared=None) == [expected]
    assert problems({**providers, "c": provider(routePath="/x")}, shared=None) == [expected]


def test_a_provider_of_kgateway_has_the_names_of_other_kinds() -> None:
    of_kgateway = {"api": "kgateway"}
    record_program(stack({"a": provider(models=["m"]), "llm-models": provider(**of_kgateway)}))
    assert problems({"a": provider(models=["m"]), "llm": provider(routePath="/x", **of_kgateway)}) == [
        "providers.llm: its HTTPRoute llm would have the name of one of `shared`; give the provider another name, or "
        "`shared.name`"
    ]


def test_objects_of_one_name_are_refused() -> None:
    shared = {"routePath": "/all", "name": "x"}
    assert problems({"x-models": provider(models=["m"]), "x": provider()}, shared=shared) == [
        "providers.x-models: its AgentgatewayPolicy x-models would have the name of one of `shared`; give the provider "
        "another name, or `shared.name`",
        "providers.x: its AgentgatewayPolicy x would have the name of one of `shared`; give the provider another name, "
        "or `shared.name`",
    ]


@pytest.mark.parametrize(
    ("shared", "expected"),
    [
        (
            {"routePath": "/llm"},
            [
                "shared: no provider uses it; give providers at this Gateway their `models`, or list those of other "
                "stacks as `shared.models`"
            ],
        ),
        ({}, ["shared.routePath: required"]),
        ({"routePat": "/llm"}, ["shared.routePat: unknown argument; did you mean `routePath`?", "shared.routePath: required"]),
        ({"routePath": "/llm", "models": {"a": ["x*y"]}},
         ['shared.models.a[0]: "x*y" has a * in the wrong place; give one at the beginning or at the end, as in mistral-*']),
        ({"routePath": "/llm", "models": {"my_team": ["x*y"]}},
         ['shared.models.my_team[0]: "x*y" has a * in the wrong place; give one at the beginning or at the end, as in mistral-*']),
        ({"routePath": "/llm", "models": ["x"]}, ["shared.models: ['x'] is not a map of lists"]),
        ({"routePath": "/llm", "name": "LLM", "models": {"a": ["x"]}},
         ['shared.name: "LLM" is not a valid name; use lower-case letters, digits, "-" and ".", with a letter or digit at '
          "each end"]),
    ],
)  # fmt: skip
def test_what_the_group_can_not_be_is_refused(shared: dict[str, Any], expected: list[str]) -> None:
    assert problems({"a": provider()}, shared=shared) == expected


def test_a_group_that_is_no_group_is_refused() -> None:
    assert program_error({**stack({"a": provider()}), "shared": "/llm"}) == (
        "Stack prod: openai-compatible-llm:shared must be a group of settings, and its value is not."
    )


def test_a_provider_of_the_stack_is_not_listed_a_second_time() -> None:
    shared = {"routePath": "/llm", "models": {"a": ["x"]}}
    assert problems({"a": provider(models=["m"])}, shared=shared) == [
        'shared.models: "a" is a provider of this stack and listed already; remove it'
    ]
    names = [f"p{number}" for number in range(9)]
    found = problems(
        {name: provider(models=[name]) for name in names},
        shared={"routePath": "/llm", "models": {name: ["x"] for name in names}},
    )
    assert found == [
        f'shared.models: "{name}" is a provider of this stack and listed already; remove it' for name in names
    ]


def test_on_kgateway_all_of_it_is_refused_with_the_reason() -> None:
    reason = "these gateways can't route a request by its model; give `api: agentgateway`"
    assert problems({"a": provider(models=["m"])}, api="kgateway") == [
        f"providers.a.sharedRoutePath: {reason}",
        f"providers.a.models: {reason}",
    ]


def test_problems_of_all_kinds_are_in_one_message() -> None:
    providers = {
        "a": provider(models=["m"]),
        "b": provider(models=["m"], routePath="/llm"),
        "c": provider(models=["c"], model="c", endpoints="chat"),
    }
    found = problems(providers, shared={"routePath": "/llm", "maxRequestBytes": 0})
    assert found[0].startswith("providers.b.sharedRoutePath")
    assert [line.partition(": ")[0] for line in found[1:]] == [
        "providers.c.model",
        "providers.c.endpoints",
        "shared.maxRequestBytes",
    ]


def test_an_alias_stands_in_a_message_as_it_was_given() -> None:
    (problem,) = problems({"a": provider(modelAliases={"my_fast*one": "m"})})
    assert problem.startswith('providers.a.modelAliases["my_fast*one"]: "my_fast*one" has a *')
