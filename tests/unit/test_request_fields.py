"""What the gateway changes about requests: defaults, overrides, and aliases of models."""

from typing import Any

import pulumi
import pytest

from tests.unit.example_component import ExampleComponent

MISTRAL = ExampleComponent(preset="mistral", api_key="k", api="agentgateway")
KGATEWAY: dict[str, Any] = {"api": "kgateway"}
TARGET = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "mistral"}

# Each value, and how the older API's policy spells it.
VALUES: dict[str, tuple[Any, str]] = {
    "max_tokens": (256, "256"),
    "temperature": (0.3, "0.3"),
    "logprobs": (True, "true"),
    "user": ("team a", '"team a"'),
    "number_in_text": ("5", '"5"'),
    "text_like_json": ("{a", '"{a"'),
    "empty_text": ("", '""'),
    "snowman": ("☃", '"☃"'),
    "stop": (["a", 1, None], '["a", 1, null]'),
    "response_format": ({"type": "json_object"}, '{"type": "json_object"}'),
}
FIELDS = {name: value for name, (value, _) in VALUES.items()}
LISTED = [{"field": name, "value": value} for name, value in sorted(FIELDS.items())]


def ai_policy(**args: Any) -> Any:
    return MISTRAL.record(**args).spec("AgentgatewayBackend")["policies"].get("ai")


def test_agentgateway_gets_defaults_overrides_and_aliases_in_the_backends_own_policy() -> None:
    given: dict[str, Any] = {"request_defaults": FIELDS, "request_overrides": {"seed": 7}}
    given["model_aliases"] = {"fast": "mistral-small"}
    expected = {
        "defaults": LISTED,
        "overrides": [{"field": "seed", "value": 7}],
        "modelAliases": {"fast": "mistral-small"},
    }
    assert ai_policy(**given, endpoints="chat") == expected
    with_all = ai_policy(**given)
    assert with_all.pop("routes") == {**ai_policy()["routes"], "/embeddings": "Embeddings"}
    assert with_all == expected
    assert "AgentgatewayPolicy" not in MISTRAL.record(**given, endpoints="chat").kinds()


def test_with_fallbacks_they_are_for_all_providers() -> None:
    fallback = {"name": "second", "host": "llm.example.com", "api_key": "k2"}
    recording = MISTRAL.record(request_overrides={"seed": 7}, fallbacks=[fallback])
    overrides = [{"field": "seed", "value": 7}]
    assert recording.spec("AgentgatewayBackend")["policies"] == {"ai": {"overrides": overrides}}
    assert [each for each in recording.providers() if "ai" in each["policies"]] == []


def test_kgateway_gets_them_in_the_routes_policy_as_json() -> None:
    recording = MISTRAL.record(
        **KGATEWAY, request_defaults=FIELDS, request_overrides={"seed": 7}, model_aliases={"a": "b"}
    )
    defaults = [{"field": name, "value": text} for name, (_, text) in sorted(VALUES.items())]
    overrides = [{"field": "seed", "value": "7", "override": True}]
    assert recording.spec("TrafficPolicy") == {
        "targetRefs": [TARGET],
        "ai": {"defaults": [*defaults, *overrides], "modelAliases": {"a": "b"}},
    }
    assert recording.kinds()[-2:] == ["TrafficPolicy", "HTTPRoute"]
    assert recording.one(":TrafficPolicy").urn in recording.one(":HTTPRoute").dependencies


def test_kgateway_gets_integers_from_languages_that_have_floats_alone() -> None:
    given = {"max_tokens": 100.0, "stop": [1.0, {"n": 2.0}], "temperature": 0.5}
    defaults = MISTRAL.record(**KGATEWAY, request_defaults=given).spec("TrafficPolicy")["ai"]["defaults"]
    assert [each["value"] for each in defaults] == ["100", '[1, {"n": 2}]', "0.5"]


@pytest.mark.parametrize("api", ["agentgateway", "kgateway"])
def test_the_order_of_a_map_makes_no_difference(api: str) -> None:
    def turned(fields: dict[str, Any]) -> dict[str, Any]:
        return {name: turned(each) if isinstance(each, dict) else each for name, each in reversed(fields.items())}

    fields = {**FIELDS, "metadata": {"a": 1, "b": {"c": 2, "d": 3}}}
    one, other = (MISTRAL.record(api=api, request_defaults=each) for each in (fields, turned(fields)))
    assert one.objects() == other.objects()


@pytest.mark.parametrize("argument", ["request_defaults", "request_overrides", "model_aliases"])
@pytest.mark.parametrize("api", ["agentgateway", "kgateway"])
def test_an_empty_map_counts_as_not_given(argument: str, api: str) -> None:
    assert MISTRAL.record(api=api, **{argument: {}}).objects() == MISTRAL.record(api=api).objects()


@pytest.mark.parametrize("api", ["agentgateway", "kgateway"])
def test_outputs_make_the_same_objects(api: str) -> None:
    given: dict[str, Any] = {"request_defaults": FIELDS, "request_overrides": {"seed": 7}, "model_aliases": {"a": "b"}}
    late = pulumi.Output.from_input
    expected = MISTRAL.record(api=api, **given).objects()
    assert MISTRAL.record(lambda: {name: late(value) for name, value in given.items()}, api=api).objects() == expected

    def single() -> dict[str, Any]:
        return {name: {key: late(each) for key, each in value.items()} for name, value in given.items()}

    assert MISTRAL.record(single, api=api).objects() == expected


TWICE = "`request_overrides` sets it in any case; remove one of them"
OWNED = "only the client sets this field; remove it"
MODEL = "`model` already sets it; remove one of them"
NO_MODEL = "is not a model name"
NULL = "null; give a value, or remove the field"
ROUNDED = "has an integer beyond 2^53, which Pulumi would round; give a smaller one, or a string"
NOT_JSON = "not a value of JSON; give a string, a number, a boolean, a list or a map"
UNNAMED = "empty; give the name of a field such as temperature"
LONG = "f" * 257
MANY = {f"f{number}": 1 for number in range(65)}

BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, f".messages: {OWNED}"),
    ({"stream": True}, f".stream: {OWNED}"),
    ({"seed": None}, f".seed: {NULL}"),
    ({"": 1}, f'[""]: {UNNAMED}'),
    ({" ": 1}, f'[" "]: {UNNAMED}'),
    ({LONG: 1}, f".{LONG}: 257 characters long; the limit is 256"),
    (MANY, ": 65 entries; give at most 64"),
    ({"seed": 2**53 + 1}, f".seed: {ROUNDED}"),
    ({"seed": {"a": [-(2**60)]}}, f".seed: {ROUNDED}"),
]


@pytest.mark.parametrize("api", ["agentgateway", "kgateway"])
@pytest.mark.parametrize("argument", ["request_defaults", "request_overrides"])
@pytest.mark.parametrize(("fields", "message"), BAD_FIELDS, ids=[message[:30] for _, message in BAD_FIELDS])
def test_fields_that_can_not_be_set_are_refused(argument: str, fields: dict[str, Any], message: str, api: str) -> None:
    assert MISTRAL.errors(api=api, **{argument: fields}) == [f"{argument}{message}"]


@pytest.mark.parametrize(("fields", "message"), BAD_FIELDS, ids=[message[:30] for _, message in BAD_FIELDS])
def test_an_output_is_refused_as_a_plain_value_is(fields: dict[str, Any], message: str) -> None:
    late = pulumi.Output.from_input
    assert MISTRAL.errors(lambda: {"request_defaults": late(fields)}) == [f"request_defaults{message}"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"request_defaults": {"seed": float("nan")}}, f"request_defaults.seed: {NOT_JSON}"),
        ({"request_defaults": {"seed": float("inf")}}, f"request_defaults.seed: {NOT_JSON}"),
        ({"request_defaults": {"seed": {1}}}, f"request_defaults.seed: {NOT_JSON}"),
        ({"request_overrides": {"seed": {"a": object()}}}, f"request_overrides.seed: {NOT_JSON}"),
        ({"request_overrides": {"seed": {5: 1}}}, f"request_overrides.seed: {NOT_JSON}"),
        ({"request_defaults": [1]}, "request_defaults: [1] is not a map of values"),
        ({"request_defaults": {"seed": 1}, "request_overrides": {"seed": 2}}, f"request_defaults.seed: {TWICE}"),
        ({"model": "m", "request_defaults": {"model": "n"}}, f"request_defaults.model: {MODEL}"),
        ({"model": "m", "request_overrides": {"model": "n"}}, f"request_overrides.model: {MODEL}"),
        (
            {"model": "m", "model_aliases": {"fast": "n"}},
            "model_aliases: has no effect with `model`, which wins; remove one of them",
        ),
        ({"model_aliases": {"fast": ""}}, f"model_aliases.fast: '' {NO_MODEL}; give it as the provider lists it"),
        (
            {"model_aliases": {" fast": "m"}},
            f"model_aliases[\" fast\"]: ' fast' {NO_MODEL}; give one without spaces around it",
        ),
        ({"model_aliases": {"fast": 5}}, "model_aliases.fast: 5 is not a string"),
        ({"model_aliases": {f"m{n}": "m" for n in range(65)}}, "model_aliases: 65 entries; give at most 64"),
    ],
)
@pytest.mark.parametrize("api", ["agentgateway", "kgateway"])
def test_what_can_not_be_is_refused(args: dict[str, Any], message: str, api: str) -> None:
    assert MISTRAL.errors(api=api, **args) == [message]


@pytest.mark.parametrize("api", ["agentgateway", "kgateway"])
def test_without_a_model_of_the_components_the_fields_may_have_one(api: str) -> None:
    assert MISTRAL.record(api=api, request_defaults={"model": "m"}).objects()
