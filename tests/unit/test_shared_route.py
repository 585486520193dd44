"""The arguments `shared_route_path` and `models` of a provider: its rule at the path that several providers share."""

from typing import Any

import pulumi
import pytest

from components import BackendApi
from tests.unit.example_component import ExampleComponent

MISTRAL = ExampleComponent("mistral", preset="mistral", api_key="k", api="agentgateway", shared_route_path="/llm")
ALONE = ExampleComponent("mistral", preset="mistral", api_key="k", api="agentgateway")
REMOVES_HEADER = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-llm-model"]}}
TAKES_PATH_OFF = {
    "type": "URLRewrite",
    "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}},
}


def rules(**args: Any) -> Any:
    return MISTRAL.record(**args).spec("HTTPRoute")["rules"]


def expression(**args: Any) -> str:
    (match,) = rules(**args)[2]["matches"]
    (header,) = match["headers"]
    assert (header["name"], header["type"]) == ("x-llm-model", "RegularExpression")
    return str(header["value"])


def test_the_route_gets_a_third_rule_for_its_models_at_the_shared_path() -> None:
    exact, below, shared = rules(models=["mistral-*"], request_timeout_seconds=30)
    assert shared == {
        "matches": [
            {
                "path": {"type": "PathPrefix", "value": "/llm"},
                "headers": [{"name": "x-llm-model", "type": "RegularExpression", "value": "^(mistral-.*)$"}],
            }
        ],
        "filters": [REMOVES_HEADER, TAKES_PATH_OFF],
        "timeouts": {"request": "30s"},
        "backendRefs": below["backendRefs"],
    }
    assert [rule["filters"][0] for rule in (exact, below)] == [REMOVES_HEADER] * 2


def test_all_but_the_route_is_as_without_a_shared_path_except_the_paths_that_its_policy_takes() -> None:
    shared, alone = (each.objects() for each in (MISTRAL.record(models=["m"]), ALONE.record()))
    policies = [next(each for each in objects if each["kind"] == "AgentgatewayPolicy") for objects in (shared, alone)]
    (with_path,), (without,) = (
        each["spec"]["traffic"]["authorization"]["policy"]["matchExpressions"] for each in policies
    )
    assert with_path == without.replace("(/mistral)?", "(/mistral|/llm)?")
    others = [
        [each for each in objects if each["kind"] not in ("HTTPRoute", "AgentgatewayPolicy")]
        for objects in (shared, alone)
    ]
    assert others[0] == others[1]


def test_a_rule_has_one_filter_that_removes_headers() -> None:
    both = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["Authorization", "x-llm-model"]}}
    for rule in rules(models=["m"], auth_header={"header_name": "api-key"}):
        assert [each for each in rule["filters"] if each["type"] == "RequestHeaderModifier"] == [both]


def test_a_provider_by_address_gets_its_host_at_the_shared_path_too() -> None:
    args = {"preset": None, "base_url": "http://10.0.0.7:8000/v1", "models": ["m"]}
    assert rules(**args)[2]["filters"][-1]["urlRewrite"]["hostname"] == "10.0.0.7"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"models": ["mistral-large"]}, "^(mistral-large)$"),
        ({"models": ["b", "a"]}, "^(a|b)$"),
        ({"models": ["*"]}, "^(.*)$"),
        ({"models": ["*-latest", "gpt-*"]}, "^(.*-latest|gpt-.*)$"),
        (
            {"models": ["openai/gpt-5.1 (x)+[y]{2}^$|\\?"]},
            "^(openai/gpt-5\\.1 \\(x\\)\\+\\[y\\]\\{2\\}\\^\\$\\|\\\\\\?)$",
        ),
        ({"model_aliases": {"fast": "mistral-small", "big": "mistral-large"}}, "^(big|fast)$"),
        ({"models": ["fast", "mistral-*"], "model_aliases": {"fast": "mistral-small"}}, "^(fast|mistral-.*)$"),
        ({"models": ["x"], "model_aliases": {"claude-*": "mistral-large"}}, "^(claude-.*|x)$"),
    ],
)
def test_the_expression_has_all_names_escaped_and_sorted(args: dict[str, Any], expected: str) -> None:
    assert expression(**args) == expected


def test_the_output_models_has_names_patterns_and_aliases() -> None:
    recording = MISTRAL.record(models=["mistral-*", "codestral"], model_aliases={"fast": "mistral-small"})
    assert recording.component_outputs()["models"] == ["codestral", "fast", "mistral-*"]
    assert ALONE.record(model_aliases={"fast": "mistral-small"}).component_outputs()["models"] == []


def test_path_and_models_may_be_outputs() -> None:
    late = MISTRAL.record(
        lambda: {
            "shared_route_path": pulumi.Output.from_input("/llm"),
            "models": pulumi.Output.from_input(["a", pulumi.Output.from_input("b*")]),
        }
    )
    now = MISTRAL.record(models=["a", "b*"])
    assert late.objects() == now.objects()
    assert late.component_outputs() == now.component_outputs()


def test_late_models_are_checked_when_they_are_known() -> None:
    assert MISTRAL.errors(lambda: {"models": pulumi.Output.from_input(["a*b"])}) == [
        'models[0]: "a*b" has a * in the wrong place; give one at the beginning or at the end, as in mistral-*'
    ]


def test_aliases_that_turn_out_to_be_empty_are_no_models() -> None:
    assert MISTRAL.errors(lambda: {"model_aliases": pulumi.Output.from_input({})}) == [
        "shared_route_path: needs the models of this provider; give `models` or `model_aliases`"
    ]


@pytest.mark.parametrize(
    "args",
    [
        {"path": "/api/v1/chat/completions"},
        {"fallbacks": [{"name": "second", "preset": "deepseek", "api_key": "k"}]},
    ],
)
def test_all_endpoints_are_the_default_at_a_shared_path(args: dict[str, Any]) -> None:
    assert "routes" in MISTRAL.record(models=["m"], **args).spec("AgentgatewayBackend")["policies"]["ai"]


WRONG_STAR = "has a * in the wrong place; give one at the beginning or at the end, as in mistral-*"
K_REASON = "these gateways can't route a request by its model; give `api: agentgateway`"


@pytest.mark.parametrize(
    ("args", "errors"),
    [
        ({}, ["shared_route_path: needs the models of this provider; give `models` or `model_aliases`"]),
        (
            {"shared_route_path": None, "models": ["m"]},
            ["models: has no effect without `shared_route_path`; give that too"],
        ),
        (
            {"models": ["m"], "model": "m", "endpoints": "chat"},
            [
                "model: with `shared_route_path`, a request's own model decides; remove one of them",
                "endpoints: with `shared_route_path`, clients reach all endpoints; remove this argument",
            ],
        ),
        ({"models": []}, ["models: empty; give names such as mistral-medium-latest, or patterns such as mistral-*"]),
        ({"models": ["m", "n", "m"]}, ['models: "m" is listed twice']),
        ({"models": ["a*b"]}, [f'models[0]: "a*b" {WRONG_STAR}']),
        ({"models": ["m", "*a*"]}, [f'models[1]: "*a*" {WRONG_STAR}']),
        ({"models": ["**"]}, [f'models[0]: "**" {WRONG_STAR}']),
        ({"models": [""]}, ["models[0]: '' is not a model name; give it as the provider lists it"]),
        ({"models": [" m"]}, ["models[0]: ' m' is not a model name; give it as the provider lists it"]),
        ({"models": ["m" * 257]}, ["models[0]: 257 characters long; the limit is 256"]),
        (
            {"models": ["mod\u00e8le"]},
            [
                'models[0]: "mod\u00e8le" has characters that a header can\'t hold; give an alias without them in '
                "`model_aliases`"
            ],
        ),
        ({"models": "m"}, ['models: "m" is not a list of strings']),
        ({"models": [5]}, ["models[0]: 5 is not a string"]),
        ({"model_aliases": {}}, ["shared_route_path: needs the models of this provider; give `models` or `model_aliases`"]),
        (
            {"model_aliases": {" m": "m"}},
            ["model_aliases[\" m\"]: ' m' is not a model name; give one without spaces around it"],
        ),
        ({"model_aliases": {4: "m"}}, ["model_aliases.4: the name is 4, not a string; put it in quotes"]),
        ({"model_aliases": 4}, ["model_aliases: 4 is not a map of strings"]),
        ({"model_aliases": {"a*b": "m"}}, [f"model_aliases[\"a*b\"]: \"a*b\" {WRONG_STAR}"]),
        ({"models": ["m"], "shared_route_path": "/mistral"}, ['shared_route_path: "/mistral" is the `route_path` too; give another']),
        ({"models": ["m"], "shared_route_path": "llm"}, ['shared_route_path: "llm" doesn\'t start with a slash; give a path such as /llm']),
        (
            {"models": ["m"], "path": "/api/generate"},
            [
                'path: "/api/generate" doesn\'t end in /chat/completions, so the other endpoints\' paths are unknown; '
                "give one that does"
            ],
        ),
        (
            {"models": ["m"], "api": "kgateway"},
            [f"shared_route_path: {K_REASON}", f"models: {K_REASON}"],
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_with_what_to_do(args: dict[str, Any], errors: list[str]) -> None:
    assert MISTRAL.errors(**args) == errors


def test_an_expression_may_have_4096_characters_and_is_refused_with_their_number_beyond() -> None:
    names = [f"{index:015d}" for index in range(255)]
    last = "x" * (4096 - len("^()$") - 16 * len(names))
    assert len(expression(models=[*names, last])) == 4096
    assert MISTRAL.errors(models=[*names, f"{last}x"]) == [
        "models: the route's expression for them has 4097 characters, and it can have 4096 at most; give patterns such "
        "as mistral-*"
    ]


def test_on_kgateway_nothing_of_it_is_there() -> None:
    route = ALONE.record(api=BackendApi.KGATEWAY).spec("HTTPRoute")
    assert "x-llm-model" not in str(route)
