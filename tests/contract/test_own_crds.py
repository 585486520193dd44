"""The project's own CRDs for kgateway against the real ones, where those are at hand."""

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.control_plane.custom_resource_definitions import OWN_FOLDER
from tests.contract.schemas import field_schema

REAL = Path(__file__).resolve().parents[3] / "shared/real/gateways/kgateway/crds"
OWN = ("backends", "trafficpolicies")

_RULES = "x-kubernetes-validations"
_COMPARED_ELSEWHERE = {"description", "properties", "items", _RULES}


def _rules(schema: Mapping[str, Any]) -> dict[str, str]:
    return {rule["message"]: rule["rule"] for rule in schema.get(_RULES, ())}


def _rules_over(names: set[str], rules: Mapping[str, str]) -> dict[str, str]:
    """Narrows the rules to the named fields, and leaves out rules about other fields alone."""
    narrowed = {}
    for message, rule in rules.items():
        choice = re.fullmatch(r"\[(.*?)\](\.filter\(.*)", rule)
        if choice:
            kept = [term for term in choice[1].split(",") if term[len("has(self.") : -1] in names]
            if kept:
                narrowed[message] = f"[{','.join(kept)}]{choice[2]}"
        elif set(re.findall(r"\bself\.(\w+)", rule)) <= names:
            narrowed[message] = rule
    return narrowed


def _schema_differences(ours: Mapping[str, Any], real: Mapping[str, Any], path: str) -> Iterator[str]:
    for keyword in sorted((set(ours) | set(real)) - _COMPARED_ELSEWHERE):
        own, other = ours.get(keyword), real.get(keyword)
        fewer_types = path == "spec.type" and keyword == "enum" and own and set(own) < set(other or ())
        if own != other and not fewer_types:
            yield f"{path}: {keyword} is {own!r}, really {other!r}"
    names = set(ours.get("properties", ()))
    expected = _rules_over(names, _rules(real))
    for message in sorted(expected.keys() | _rules(ours).keys()):
        if _rules(ours).get(message) != expected.get(message):
            yield f"{path}: rule {message!r} is {_rules(ours).get(message)!r}, really {expected.get(message)!r}"
    for name in sorted(names):
        child = f"{path}.{name}".lstrip(".")
        if name in real.get("properties", ()):
            yield from _schema_differences(ours["properties"][name], real["properties"][name], child)
        else:
            yield f"{child}: not in the real one"
    if "items" in ours:
        yield from _schema_differences(ours["items"], real.get("items", {}), f"{path}[]")


def _undescribed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _undescribed(child) for name, child in value.items() if name != "description"}
    return [_undescribed(child) for child in value] if isinstance(value, list) else value


def _frame_differences(ours: Mapping[str, Any], real: Mapping[str, Any]) -> Iterator[str]:
    if ours["metadata"]["name"] != real["metadata"]["name"]:
        yield f"metadata.name: {ours['metadata']['name']!r}, really {real['metadata']['name']!r}"
    for part in ("group", "names", "scope"):
        if ours["spec"][part] != real["spec"][part]:
            yield f"{part}: {ours['spec'][part]!r}, really {real['spec'][part]!r}"


def _version_differences(ours: Mapping[str, Any], real: Mapping[str, Any]) -> Iterator[str]:
    for part in sorted((set(ours) | set(real)) - {"schema"}):
        own, other = _undescribed(ours.get(part)), _undescribed(real.get(part))
        if own != other:
            yield f"{ours['name']} {part}: {own!r}, really {other!r}"
    yield from _schema_differences(ours["schema"]["openAPIV3Schema"], real["schema"]["openAPIV3Schema"], "")


def differences(ours: Mapping[str, Any], real: Mapping[str, Any]) -> list[str]:
    """Returns where our CRD differs from the real one; fields that ours leaves out don't count."""
    found = list(_frame_differences(ours, real))
    versions = {entry["name"]: entry for entry in ours["spec"]["versions"]}
    real_versions = {entry["name"]: entry for entry in real["spec"]["versions"]}
    if versions.keys() != real_versions.keys():
        return [*found, f"versions: {sorted(versions)}, really {sorted(real_versions)}"]
    for name, version in versions.items():
        found.extend(_version_differences(version, real_versions[name]))
    return found


def read_real_crd(plural: str) -> dict[str, Any]:
    if not REAL.exists():
        pytest.skip("the real CRDs are not at hand (../shared/real)")
    return dict(yaml.safe_load((REAL / f"gateway.kgateway.dev_{plural}.yaml").read_text()))


@pytest.fixture(scope="module")
def real_crd() -> dict[str, Any]:
    return read_real_crd("backends")


def test_every_crd_of_our_own_is_compared() -> None:
    assert sorted(file.stem.partition("_")[2] for file in OWN_FOLDER.glob("*.yaml")) == sorted(OWN)


@pytest.mark.parametrize("plural", OWN)
def test_our_crd_says_nothing_that_the_real_one_does_not(plural: str, crds: dict[str, dict[str, Any]]) -> None:
    assert differences(crds[f"{plural}.gateway.kgateway.dev"], read_real_crd(plural)) == []


@pytest.mark.parametrize("plural", OWN)
def test_our_crd_has_descriptions_of_its_own(plural: str, crds: dict[str, dict[str, Any]]) -> None:
    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, Mapping) and isinstance(value.get("description"), str):
            yield " ".join(value["description"].split())
        for child in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
            yield from texts(child)

    assert set(texts(crds[f"{plural}.gateway.kgateway.dev"])).isdisjoint(texts(read_real_crd(plural)))


def _rename(schema: Any, name: str, wrong: str) -> None:
    schema["properties"][wrong] = schema["properties"].pop(name)


_LLM = "spec.ai.llm"
_MUTATIONS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "a misspelt property": (_LLM, lambda schema: _rename(schema, "host", "hst")),
    "a misspelt property of an array's items": (
        "status.conditions.[]",
        lambda schema: _rename(schema, "reason", "raeson"),
    ),
    "another type": (f"{_LLM}.port", lambda schema: schema.update(type="string")),
    "another format": (f"{_LLM}.port", lambda schema: schema.update(format="int64")),
    "a shorter length": (f"{_LLM}.host", lambda schema: schema.update(minLength=2)),
    "a dropped length": (f"{_LLM}.path.full", lambda schema: schema.pop("minLength")),
    "an invented maximum": (f"{_LLM}.port", lambda schema: schema.update(maximum=65535)),
    "another pattern": ("status.conditions.[].reason", lambda schema: schema.update(pattern=".*")),
    "a dropped default": (f"{_LLM}.openai.authToken.secretRef.name", lambda schema: schema.pop("default")),
    "a dropped requirement": (f"{_LLM}.openai", lambda schema: schema.pop("required")),
    "an invented requirement": ("spec.ai", lambda schema: schema.update(required=["llm"])),
    "a missing choice": (f"{_LLM}.openai.authToken.kind", lambda schema: schema.update(enum=["Inline", "SecretRef"])),
    "an invented backend type": ("spec.type", lambda schema: schema.update(enum=["AI", "ML"])),
    "no backend type": ("spec.type", lambda schema: schema.update(enum=[])),
    "a map that isn't atomic": (
        f"{_LLM}.openai.authToken.secretRef",
        lambda schema: schema.pop("x-kubernetes-map-type"),
    ),
    "a list that isn't a map": ("status.conditions", lambda schema: schema.pop("x-kubernetes-list-type")),
    "open to unknown fields": (_LLM, lambda schema: schema.update({"x-kubernetes-preserve-unknown-fields": True})),
    "a dropped rule on the header": (f"{_LLM}.authHeader", lambda schema: schema[_RULES].pop(0)),
    "a dropped rule on host and port": (_LLM, lambda schema: schema[_RULES].pop(0)),
    "a dropped rule on the provider": (_LLM, lambda schema: schema[_RULES].pop(1)),
    "a dropped rule on the backend": ("spec", lambda schema: schema[_RULES].pop(1)),
    "a rule that always holds": (f"{_LLM}.openai.authToken", lambda schema: schema[_RULES][0].update(rule="true")),
}


@pytest.mark.parametrize(("path", "mutate"), _MUTATIONS.values(), ids=_MUTATIONS.keys())
def test_a_mutated_schema_is_noticed(
    path: str, mutate: Callable[[Any], object], backend_crd: dict[str, Any], real_crd: dict[str, Any]
) -> None:
    mutated = copy.deepcopy(backend_crd)
    mutate(field_schema(mutated, path))
    assert differences(mutated, real_crd)


@pytest.mark.parametrize(
    ("part", "value"),
    [("group", "gateway.kgateway.io"), ("scope", "Cluster"), ("names", {"kind": "Backend"}), ("versions", [])],
)
def test_a_mutated_definition_is_noticed(
    part: str, value: Any, backend_crd: dict[str, Any], real_crd: dict[str, Any]
) -> None:
    mutated = {**backend_crd, "spec": {**backend_crd["spec"], part: value}}
    assert differences(mutated, real_crd)


def test_a_missing_status_subresource_is_noticed(backend_crd: dict[str, Any], real_crd: dict[str, Any]) -> None:
    mutated = copy.deepcopy(backend_crd)
    del mutated["spec"]["versions"][0]["subresources"]
    assert differences(mutated, real_crd)
