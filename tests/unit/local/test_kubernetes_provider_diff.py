from collections.abc import Mapping

import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import DiffResponse, PropertyDiffKind
from pulumi.runtime.rpc import UNKNOWN

from local.kubernetes_provider.diff import (
    diff,
    imported_inputs,
    property_path,
    with_data_only,
    with_live_values,
)
from local.kubernetes_provider.values import (
    Object,
    as_properties,
    as_property,
    checkpoint,
    has_unknown,
    plain,
    without_secrets,
)

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


def changed(old: Object, new: Object, *, secret_mutable: bool = False) -> dict[str, PropertyDiffKind]:
    response = diff(old, new, secret_mutable=secret_mutable)
    return {path: change.kind for path, change in response.detailed_diff.items()}


def in_place(response: DiffResponse) -> bool:
    return bool(response.changes) and not response.replaces and not response.delete_before_replace


def test_equal_inputs_are_no_change() -> None:
    response = diff(ROUTE, ROUTE, secret_mutable=False)
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
    assert in_place(diff(ROUTE, new, secret_mutable=False))


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
    response = diff(ROUTE, new, secret_mutable=False)
    assert response.replaces == [f"metadata.{field}"]
    assert not response.delete_before_replace


@pytest.mark.parametrize("field", ["apiVersion", "kind"])
def test_another_kind_under_the_same_name_is_made_after_the_old_one_is_gone(field: str) -> None:
    response = diff(ROUTE, ROUTE | {field: "other"}, secret_mutable=False)
    assert response.replaces == [field]
    assert response.delete_before_replace


def test_a_secrets_data_is_replaced() -> None:
    response = diff(SECRET, SECRET | {"stringData": {"Authorization": "second"}}, secret_mutable=False)
    assert response.replaces == ["stringData.Authorization"]
    assert response.delete_before_replace


def test_a_mutable_secrets_data_is_updated_in_place() -> None:
    assert in_place(diff(SECRET, SECRET | {"stringData": {"Authorization": "second"}}, secret_mutable=True))


def test_a_secrets_type_is_replaced_even_where_its_data_is_mutable() -> None:
    response = diff(SECRET, SECRET | {"type": "other"}, secret_mutable=True)
    assert response.replaces == ["type"]


def test_a_secrets_labels_are_updated_in_place() -> None:
    new = SECRET | {"metadata": SECRET["metadata"] | {"labels": {"a": "b"}}}
    assert in_place(diff(SECRET, new, secret_mutable=False))


def test_data_of_another_kind_is_updated_in_place() -> None:
    old = ROUTE | {"kind": "Other", "data": {"a": "b"}}
    assert in_place(diff(old, old | {"data": {"a": "c"}}, secret_mutable=False))


def test_string_data_equals_the_same_data_encoded() -> None:
    imported = with_data_only(SECRET)
    assert imported["data"] == {"Authorization": "Zmlyc3Q="}
    assert changed(imported, SECRET) == {}
    assert set(changed(imported, SECRET | {"stringData": {"Authorization": "second"}})) == {"data.Authorization"}


def test_a_refresh_sees_live_values_where_inputs_are_and_nowhere_else() -> None:
    live = {
        "apiVersion": ROUTE["apiVersion"],
        "kind": "HTTPRoute",
        "metadata": ROUTE["metadata"] | {"uid": "1", "generation": 2},
        "spec": {
            "parentRefs": [{"name": "by-hand", "group": "gateway.networking.k8s.io"}],
            "rules": [{"matches": [{"path": {"value": "/mistral", "type": "PathPrefix"}}]}, {"name": "by-hand"}],
        },
        "status": {},
    }
    assert with_live_values(ROUTE, live) == ROUTE | {
        "spec": {
            "parentRefs": [{"name": "by-hand"}],
            "rules": [{"matches": [{"path": {"value": "/mistral"}}]}, {"name": "by-hand"}],
        }
    }


def test_a_refresh_reads_a_secrets_string_data_back_from_its_data() -> None:
    live = with_data_only(SECRET | {"stringData": {"Authorization": "by hand", "other": "x"}})
    assert with_live_values(SECRET, live) == SECRET | {"stringData": {"Authorization": "by hand"}}


def test_an_import_takes_what_a_program_could_have_said() -> None:
    live = ROUTE | {
        "metadata": {
            "name": "mistral",
            "namespace": "gloo-system",
            "uid": "1",
            "labels": {"a": "b"},
            "annotations": {"c": "d"},
        },
        "status": {"parents": []},
    }
    metadata = ROUTE["metadata"] | {"labels": {"a": "b"}, "annotations": {"c": "d"}}
    assert imported_inputs(live) == ROUTE | {"metadata": metadata}


def test_plain_values_are_without_secretness_and_nulls() -> None:
    properties = as_properties(ROUTE, {}) | {"extra": as_property({"port": 443, "ratio": 0.5, "no": None, "on": True})}
    assert plain(properties) == ROUTE | {"extra": {"port": 443, "ratio": 0.5, "on": True}}
    assert isinstance(plain(properties)["extra"]["port"], int)


def test_an_unknown_value_is_found_wherever_it_is() -> None:
    assert has_unknown({"spec": {"rules": [{"name": UNKNOWN}]}})
    assert not has_unknown(ROUTE)


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


def test_what_was_secret_in_the_inputs_is_secret_in_the_outputs() -> None:
    inputs = {
        "spec": PropertyValue({"token": PropertyValue("t", is_secret=True), "rules": as_property([{"name": "a"}])})
    }
    live = {"spec": {"token": "t", "rules": [{"name": "a"}], "added": 1}, "metadata": {"name": "n"}}
    assert secret_paths(as_properties(live, inputs)) == {"spec.token"}


def test_a_list_with_a_secret_in_it_is_secret_as_a_whole() -> None:
    like = PropertyValue([PropertyValue("public"), PropertyValue("hidden", True)])
    assert as_property(["hidden", "public"], like).is_secret


@pytest.mark.parametrize("quoted", ["s3cret", "czNjcmV0"])
def test_a_refusal_that_quotes_a_secret_is_shown_without_it(quoted: str) -> None:
    properties = {"stringData": PropertyValue({"Authorization": PropertyValue("s3cret")}, is_secret=True)}
    assert without_secrets(f"expected map, got {quoted}!", properties) == "expected map, got [secret]!"


def test_a_refusal_shows_what_is_not_secret() -> None:
    properties = {"spec": as_property({"type": "nonsense"})}
    assert without_secrets('Unsupported value: "nonsense"', properties) == 'Unsupported value: "nonsense"'
