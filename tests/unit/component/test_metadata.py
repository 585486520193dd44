"""Labels and annotations, and the annotations by which pulumi-kubernetes waits."""

import json
from typing import Any

import pytest

from components import BackendApi
from tests.support.recording import Recording, record_component

ROUTE_OF_EDGE = '.status.parents[?@.parentRef.name=="edge"].conditions'
WAITS_FOR_ROUTE = [
    f'jsonpath={{{ROUTE_OF_EDGE}[?@.type=="Accepted" && @.status=="True"]}}',
    f'jsonpath={{{ROUTE_OF_EDGE}[?@.type=="ResolvedRefs" && @.status=="True"]}}',
]
WAITS_FOR_POLICY = {
    BackendApi.KGATEWAY: 'jsonpath={.status.ancestors[*].conditions[?@.type=="Accepted" && @.status=="True"]}',
    BackendApi.AGENTGATEWAY: None,
}


def timeouts(recording: Recording) -> dict[str, dict[str, str]]:
    return {r.type.rpartition(":")[2]: r.timeouts for r in recording.resources if r.timeouts}


def test_labels_and_annotations_are_on_all_objects(mistral: dict[str, Any]) -> None:
    args = {**mistral, "labels": {"team": "llm"}, "annotations": {"example.com/cost": "7"}}
    objects = record_component(args).objects()
    assert [each["metadata"]["labels"] for each in objects] == [{"team": "llm"}] * 4
    assert [each["metadata"]["annotations"] for each in objects] == [{"example.com/cost": "7"}] * 4


@pytest.mark.parametrize("empty", [{}, {"labels": {}, "annotations": {}}])
def test_without_labels_and_annotations_there_are_no_empty_maps(
    empty: dict[str, dict[str, str]], mistral: dict[str, Any]
) -> None:
    objects = record_component({**mistral, **empty}).objects()
    assert [set(each["metadata"]) for each in objects] == [{"name", "namespace"}] * 4


def test_nothing_waits_by_default(mistral: dict[str, Any]) -> None:
    assert timeouts(record_component(mistral)) == {}


def test_the_backend_its_tls_policy_and_the_route_are_waited_for(
    mistral: dict[str, Any], api: BackendApi, backend_kind: str, policy_kind: str
) -> None:
    args = {**mistral, "wait_for_ready": True, "gateway": {"name": "edge"}, "annotations": {"a": "b"}}
    recording = record_component(args)
    annotations = {each["kind"]: each["metadata"]["annotations"] for each in recording.objects()}
    assert [each.pop("a") for each in annotations.values()] == ["b"] * 4
    waits = {kind: each.pop("pulumi.com/waitFor", None) for kind, each in annotations.items()}
    assert list(annotations.values()) == [{}] * 4
    assert json.loads(waits.pop("HTTPRoute") or "") == WAITS_FOR_ROUTE
    assert waits == {
        "Secret": None,
        backend_kind: "condition=Accepted",
        policy_kind: WAITS_FOR_POLICY[api],
    }
    waited_for = {"HTTPRoute", *(kind for kind, condition in waits.items() if condition)}
    assert timeouts(recording) == {kind: {"create": "120s", "update": "120s"} for kind in waited_for}


def test_the_timeout_can_be_changed(mistral: dict[str, Any], backend_kind: str) -> None:
    recording = record_component({**mistral, "wait_for_ready": True, "ready_timeout_seconds": 5})
    assert timeouts(recording)[backend_kind] == {"create": "5s", "update": "5s"}


def test_what_is_not_waited_for_has_no_annotations(mistral: dict[str, Any], api: BackendApi, policy_kind: str) -> None:
    objects = record_component({**mistral, "wait_for_ready": True}).objects()
    unannotated = {each["kind"] for each in objects if "annotations" not in each["metadata"]}
    assert unannotated == {"Secret"} | ({policy_kind} if WAITS_FOR_POLICY[api] is None else set())
