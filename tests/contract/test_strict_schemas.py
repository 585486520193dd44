"""The strict validator of tests/contract/schemas.py, with small schemas."""

from typing import Any

import pytest

from tests.contract.schemas import StrictSchemas


def _problems(spec_schema: dict[str, Any], spec: object) -> list[str]:
    versions = [{"name": "v1", "schema": {"openAPIV3Schema": _object(spec=spec_schema, metadata={})}}]
    crd = {"spec": {"group": "example.com", "names": {"kind": "Thing"}, "versions": versions}}
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": spec}
    return StrictSchemas([crd]).problems(thing)


def _object(**properties: object) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


ANY_FIELD = {"x-kubernetes-preserve-unknown-fields": True}
INT_OR_STRING = {"x-kubernetes-int-or-string": True}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object", **ANY_FIELD}, {"any": {"thing": 1}}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"any": 1}),
        (INT_OR_STRING, 1),
        (INT_OR_STRING, "1"),
        ({"type": "string", "enum": ["a"], "nullable": True}, None),
        ({"type": "string", "format": "date-time"}, "2026-11-22T20:00:00Z"),
        ({"type": "string", "format": "unheard-of"}, "x"),
        ({**_object(), "x-kubernetes-embedded-resource": True}, POD),
    ],
)
def test_what_the_api_server_accepts_is_accepted(schema: dict[str, Any], value: object) -> None:
    assert _problems(schema, value) == []


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ({"type": "object"}, {"any": 1}, "spec.any: no such field; known are none"),
        (
            {"type": "object", "additionalProperties": _object(a={})},
            {"x": {"b": 1}},
            "spec.x.b: no such field; known are a",
        ),
        (
            {**_object(a=_object(name={})), **ANY_FIELD},
            {"a": {"nmae": 1}, "b": 1},
            "spec.a.nmae: no such field; did you mean name?",
        ),
        (INT_OR_STRING, 1.5, "spec: 1.5 is not of type 'integer', 'string'"),
        ({"type": "string", "nullable": True}, 1, "spec: 1 is not of type 'string', 'null'"),
        ({"type": "string"}, None, "spec: None is not of type 'string'"),
        ({"type": "string", "format": "date-time"}, "today", "spec: 'today' is not a 'date-time'"),
        (
            {"type": "array", "items": _object(a={}, b={}), "x-kubernetes-list-map-keys": ["a"]},
            [{"a": 1, "b": 1}, {"a": 1, "b": 2}],
            "spec: two items have the same a",
        ),
        (
            {"type": "array", "items": _object(name={})},
            [{}, {"nam": 1}],
            "spec[1].nam: no such field; did you mean name?",
        ),
    ],
)
def test_what_the_api_server_drops_or_refuses_is_refused(schema: dict[str, Any], value: object, problem: str) -> None:
    assert _problems(schema, value) == [problem]


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({}, "metadata: 'name' is a required property"),
        ({"name": "one", "lables": {}}, "metadata.lables: no such field; did you mean labels?"),
        ({"name": "one", "labels": {"a": 1}}, "metadata.labels.a: 1 is not of type 'string'"),
    ],
)
def test_metadata_is_checked_too(metadata: dict[str, Any], problem: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    assert StrictSchemas([]).problems(secret) == [problem]
