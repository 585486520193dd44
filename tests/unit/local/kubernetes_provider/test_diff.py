import json
from collections.abc import Mapping

import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import DiffResponse, PropertyDiffKind
from pulumi.runtime.rpc import UNKNOWN

from local.kubernetes_provider.diff import diff, property_path, with_live_values
from local.kubernetes_provider.errors import ProviderError
from local.kubernetes_provider.values import Object, as_properties, checkpoint, plain, with_data_only, without_data
from local.kubernetes_provider.waiting import is_ready

ROUTE: Object = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "mistral", "namespace": "gloo-system"},
    "spec": {"parentRefs": [{"name": "agentgateway"}], "rules": [{"matches": [{"path": {"value": "/mistral"}}]}]},
}
SECRET: Object = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "mistral-secret", "namespace": "gloo-system"},
    "type": "Opaque",
    "stringData": {"Authorization": "first"},
}


def compared(old: Object, new: Object, *, live: Object | None = None, secret_mutable: bool = False) -> DiffResponse:
    return diff(old, new, live=live or with_data_only(old), secret_mutable=secret_mutable)


def changed(old: Object, new: Object, live: Object | None = None) -> dict[str, PropertyDiffKind]:
    response = compared(old, new, live=live)
    return {path: change.kind for path, change in response.detailed_diff.items()}


def in_place(response: DiffResponse) -> bool:
    return bool(response.changes) and not response.replaces and not response.delete_before_replace


def test_equal_inputs_are_no_change() -> None:
    response = compared(ROUTE, ROUTE)
    assert (response.changes, response.replaces, response.detailed_diff) == (False, [], {})


def test_a_change_is_named_by_its_path() -> None:
    new = ROUTE | {
        "spec": {
            "parentRefs": [{"name": "agentgateway", "sectionName": "http"}],
            "rules": [{"matches": [{"path": {"value": "/other"}}]}],
            "hostnames": ["llm.example.com"],
        }
    }
    assert changed(ROUTE, new) == {
        "spec.parentRefs[0].sectionName": PropertyDiffKind.ADD,
        "spec.rules[0].matches[0].path.value": PropertyDiffKind.UPDATE,
        "spec.hostnames": PropertyDiffKind.ADD,
    }
    assert in_place(compared(ROUTE, new))


def test_what_is_left_out_is_deleted() -> None:
    new = ROUTE | {"spec": {"parentRefs": [], "rules": ROUTE["spec"]["rules"]}}
    assert changed(ROUTE, new) == {"spec.parentRefs[0]": PropertyDiffKind.DELETE}


def test_a_value_of_another_type_is_a_change() -> None:
    old, new = ROUTE | {"spec": {"port": 1}}, ROUTE | {"spec": {"port": True}}
    assert changed(old, new) == {"spec.port": PropertyDiffKind.UPDATE}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("spec", "rules", 0, "name"), "spec.rules[0].name"),
        (("metadata", "annotations", "pulumi.com/waitFor"), 'metadata.annotations["pulumi.com/waitFor"]'),
        (("data", 'a"b'), 'data["a\\"b"]'),
    ],
)
def test_a_path_is_spelt_as_the_engine_reads_it(path: tuple[str | int, ...], text: str) -> None:
    assert property_path(path) == text


@pytest.mark.parametrize("field", ["name", "namespace"])
def test_another_name_or_namespace_is_another_object(field: str) -> None:
    new = ROUTE | {"metadata": ROUTE["metadata"] | {field: "other"}}
    response = compared(ROUTE, new)
    assert response.replaces == [f"metadata.{field}"]
    assert not response.delete_before_replace


@pytest.mark.parametrize("field", ["apiVersion", "kind"])
def test_another_kind_under_the_same_name_is_made_after_the_old_one_is_gone(field: str) -> None:
    response = compared(ROUTE, ROUTE | {field: "other"})
    assert response.replaces == [field]
    assert response.delete_before_replace


def test_a_secrets_data_is_replaced() -> None:
    response = compared(SECRET, SECRET | {"stringData": {"Authorization": "second"}})
    assert response.replaces == ["stringData.Authorization"]
    assert response.delete_before_replace


def test_a_mutable_secrets_data_is_updated_in_place() -> None:
    assert in_place(compared(SECRET, SECRET | {"stringData": {"Authorization": "second"}}, secret_mutable=True))


def test_a_secrets_type_is_replaced_even_where_its_data_is_mutable() -> None:
    response = compared(SECRET, SECRET | {"type": "other"}, secret_mutable=True)
    assert response.replaces == ["type"]


def test_a_secrets_labels_are_updated_in_place() -> None:
    new = SECRET | {"metadata": SECRET["metadata"] | {"labels": {"a": "b"}}}
    assert in_place(compared(SECRET, new))


def test_data_of_another_kind_is_updated_in_place() -> None:
    old = ROUTE | {"kind": "Other", "data": {"a": "b"}}
    assert in_place(compared(old, old | {"data": {"a": "c"}}))


def test_string_data_equals_the_same_data_encoded() -> None:
    imported = with_data_only(SECRET)
    assert imported["data"] == {"Authorization": "Zmlyc3Q="}
    assert changed(imported, SECRET) == {}
    assert set(changed(imported, SECRET | {"stringData": {"Authorization": "second"}})) == {"stringData.Authorization"}


def test_a_secret_known_only_later_is_a_change() -> None:
    for later in (UNKNOWN, {"Authorization": UNKNOWN}):
        assert in_place(compared(SECRET, SECRET | {"stringData": later}, secret_mutable=True))


def test_what_was_changed_behind_the_inputs_is_a_change_and_what_they_are_silent_about_is_none() -> None:
    live = {
        "apiVersion": ROUTE["apiVersion"],
        "kind": "HTTPRoute",
        "metadata": ROUTE["metadata"] | {"uid": "1", "generation": 2, "annotations": {"a": "b"}},
        "spec": {
            "parentRefs": [{"name": "by-hand", "group": "gateway.networking.k8s.io"}],
            "rules": [{"matches": [{"path": {"value": "/mistral", "type": "PathPrefix"}}]}, {"name": "by-hand"}],
        },
        "status": {},
    }
    by_hand = ROUTE | {"spec": ROUTE["spec"] | {"parentRefs": [{"name": "by-hand"}]}}
    assert with_live_values(ROUTE, live) == by_hand
    assert changed(ROUTE, ROUTE, live) == {"spec.parentRefs[0].name": PropertyDiffKind.UPDATE}


def test_what_the_api_server_dropped_is_a_change_each_time() -> None:
    said = ROUTE | {"metadata": ROUTE["metadata"] | {"annotations": {}}, "spec": ROUTE["spec"] | {"hst": "x"}}
    assert changed(said, said, ROUTE) == {
        "metadata.annotations": PropertyDiffKind.ADD,
        "spec.hst": PropertyDiffKind.ADD,
    }


def test_a_whole_number_is_the_same_however_the_engine_keeps_it() -> None:
    said = ROUTE | {"spec": {"port": 443}}
    assert changed(said, said, plain(as_properties(said, {}))) == {}


def test_plain_values_are_without_secretness_and_nulls() -> None:
    properties = as_properties({**ROUTE, "extra": {"port": 443, "ratio": 0.5, "no": None, "on": True}}, {})
    assert plain(properties) == ROUTE | {"extra": {"port": 443, "ratio": 0.5, "on": True}}
    assert isinstance(plain(properties)["extra"]["port"], int)


def secret_paths(properties: Mapping[str, PropertyValue], path: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in properties.items():
        if value.is_secret:
            found.add(path + name)
        elif isinstance(value.value, Mapping):
            found |= secret_paths(value.value, f"{path}{name}.")
    return found


def test_a_secrets_values_are_secret_whether_or_not_the_program_said_so() -> None:
    state = checkpoint(with_data_only(SECRET), as_properties(SECRET, {}), "manager")
    assert secret_paths(state) == {"data", "__inputs.stringData"}


def test_a_field_with_a_secret_in_it_is_secret_as_a_whole() -> None:
    inputs = {"spec": PropertyValue({"token": PropertyValue("t", is_secret=True)}), "metadata": PropertyValue({})}
    live = {"spec": {"token": "t", "rules": [{"name": "a"}], "added": 1}, "metadata": {"name": "n"}}
    assert secret_paths(as_properties(live, inputs)) == {"spec"}


@pytest.mark.parametrize("data", ["czNjcmV0", {"Authorization": "czNjcmV0", "empty": ""}])
def test_a_message_that_quotes_a_secrets_value_is_shown_without_it(data: object) -> None:
    assert without_data("expected map, got czNjcmV0!", {**SECRET, "data": data}) == "expected map, got [secret]!"


def test_a_message_shows_what_is_no_secrets_value() -> None:
    route = {**ROUTE, "data": {"type": "nonsense"}}
    assert without_data('Unsupported value: "nonsense"', route) == 'Unsupported value: "nonsense"'


def conditions(**statuses: str) -> list[Object]:
    return [{"type": kind, "status": status, "observedGeneration": 2} for kind, status in statuses.items()]


ACCEPTED: Object = {
    "metadata": {"generation": 2},
    "status": {
        "conditions": conditions(Accepted="True", Failed="False"),
        "parents": [
            {"parentRef": {"name": "old"}, "conditions": conditions(Accepted="True", ResolvedRefs="False")},
            {"parentRef": {"name": "new"}, "conditions": conditions(Accepted="False", ResolvedRefs="True")},
        ],
        "ancestors": [{"ancestorRef": {"name": "mistral"}, "conditions": conditions(Accepted="True")}],
    },
}
PARENT = 'jsonpath={.status.parents[?@.parentRef.name=="%s"].conditions[?@.type=="%s" && @.status=="True"]}'
ANY = 'jsonpath={.status.parents[*].conditions[?@.type=="%s" && @.status=="True"]}'


def holds(wanted: str, live: Object = ACCEPTED) -> bool:
    annotated = {**live["metadata"], "annotations": {"pulumi.com/waitFor": wanted}}
    return is_ready({**live, "metadata": annotated})


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("condition=Accepted", True),
        ("condition=Failed", False),
        ("condition=Other", False),
        (PARENT % ("old", "Accepted"), True),
        (PARENT % ("old", "ResolvedRefs"), False),
        (PARENT % ("new", "Accepted"), False),
        (PARENT % ("other", "Accepted"), False),
        (ANY % "ResolvedRefs", True),
        (ANY % "Programmed", False),
        ((ANY % "Accepted").replace("parents", "ancestors"), True),
        (json.dumps(["condition=Accepted", ANY % "ResolvedRefs"]), True),
        (json.dumps(["condition=Accepted", ANY % "Programmed"]), False),
    ],
)
def test_what_is_waited_for_holds_or_not(wanted: str, *, expected: bool) -> None:
    assert holds(wanted) is expected


@pytest.mark.parametrize("wanted", ["condition=Accepted", PARENT % ("new", "Accepted"), ANY % "Accepted"])
def test_an_object_without_a_status_is_waited_for(wanted: str) -> None:
    assert not holds(wanted, {"metadata": {"generation": 1}})


def test_a_condition_of_an_earlier_generation_does_not_count() -> None:
    assert not holds("condition=Accepted", ACCEPTED | {"metadata": {"generation": 3}})


def test_unless_asked_to_nothing_is_waited_for() -> None:
    assert is_ready({"metadata": {}})


@pytest.mark.parametrize(
    "wanted",
    [
        "Accepted",
        "condition=",
        "jsonpath=.status.phase",
        "jsonpath={.status.phase}=",
        "jsonpath={.status.phase}={.spec.phase}",
        "jsonpath={.status.parents[0]}",
        'jsonpath={.status.parents[?@.a=="b" || @.c=="d"]}',
        "jsonpath={.status..phase}",
    ],
)
def test_what_it_can_not_wait_for_is_refused_in_one_line(wanted: str) -> None:
    with pytest.raises(ProviderError) as refused:
        holds(wanted)
    assert str(refused.value) == f"the Kubernetes stand-in doesn't know how to wait for {wanted}"
