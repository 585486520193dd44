"""The walk-throughs' objects pass the strict schemas, and misspelt ones don't."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.schemas import StrictSchemas

SEED = Path(__file__).resolve().parents[3] / "shared/seed"


@pytest.fixture(params=["mistral", "deepseek"])
def seed(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    path = SEED / f"{request.param}.yaml"
    if not path.exists():
        pytest.skip("the walk-throughs' objects are not available (../shared/seed)")
    return {manifest["kind"]: manifest for manifest in yaml.safe_load_all(path.read_text()) if manifest}


def test_the_seed_has_the_four_kinds(seed: dict[str, dict[str, Any]]) -> None:
    assert set(seed) == {"Secret", "Backend", "HTTPRoute", "BackendTLSPolicy"}


@pytest.mark.parametrize("kind", ["Secret", "Backend", "HTTPRoute", "BackendTLSPolicy"])
def test_the_seed_passes_the_strict_schemas(kind: str, seed: dict[str, dict[str, Any]], schemas: StrictSchemas) -> None:
    assert schemas.problems(seed[kind]) == []


@pytest.mark.parametrize(
    ("kind", "path", "wrong"),
    [
        ("Secret", "stringData", "stringDta"),
        ("Secret", "metadata.namespace", "namspace"),
        ("Backend", "spec.ai.llm", "lm"),
        ("Backend", "spec.ai.llm.host", "hst"),
        ("Backend", "spec.ai.llm.openai.model", "modle"),
        ("Backend", "spec.ai.llm.openai.authToken.secretRef.name", "nme"),
        ("Backend", "spec.ai.llm.path.full", "ful"),
        ("Backend", "metadata.namespace", "namspace"),
        ("HTTPRoute", "spec.parentRefs", "parentRef"),
        ("HTTPRoute", "spec.parentRefs.0.namespace", "namspace"),
        ("HTTPRoute", "spec.rules.0.matches.0.path.value", "valeu"),
        ("HTTPRoute", "spec.rules.0.backendRefs.0.group", "gruop"),
        ("BackendTLSPolicy", "spec.validation.hostname", "hostnme"),
        ("BackendTLSPolicy", "spec.validation.wellKnownCACertificates", "wellKnownCaCertificates"),
        ("BackendTLSPolicy", "spec.targetRefs.0.group", "gruop"),
    ],
)
def test_a_misspelt_field_is_refused_by_name(
    kind: str, path: str, wrong: str, seed: dict[str, dict[str, Any]], schemas: StrictSchemas
) -> None:
    manifest = copy.deepcopy(seed[kind])
    *parents, name = path.split(".")
    node: Any = manifest
    for step in parents:
        node = node[int(step)] if step.isdigit() else node[step]
    node[wrong] = node.pop(name)
    shown = "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in parents)
    assert f"{shown}.{wrong}: no such field; did you mean {name}?".lstrip(".") in schemas.problems(manifest)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("spec.ai.llm.port", "443", "spec.ai.llm.port: '443' is not of type 'integer'"),
        ("spec.ai.llm.port", 2**31, "spec.ai.llm.port: 2147483648 is not a 'int32'"),
        ("spec.ai.llm.host", "", "spec.ai.llm.host: '' should be non-empty"),
        ("spec.ai.llm.openai.authToken", {}, "spec.ai.llm.openai.authToken: 'kind' is a required property"),
        ("spec.type", "ai", "spec.type: 'ai' is not one of ['AI']"),
        ("apiVersion", "gateway.kgateway.dev/v1", "object: no schema for Backend of gateway.kgateway.dev/v1"),
    ],
)
def test_a_wrong_value_is_refused_with_path_and_reason(
    path: str, value: object, reason: str, seed: dict[str, dict[str, Any]], schemas: StrictSchemas
) -> None:
    manifest = copy.deepcopy(seed["Backend"])
    *parents, name = path.split(".")
    node: Any = manifest
    for step in parents:
        node = node[step]
    node[name] = value
    assert schemas.problems(manifest) == [reason]
