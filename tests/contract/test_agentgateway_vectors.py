"""The labelled backends of agentgateway's own tests, read from its Go module, against our arguments and our schemas.

What of a vector our arguments can say is said with them: what it calls invalid must then be refused, and what it calls
valid must give its very spec, but for what `SENT_ALWAYS` and `_in_our_words` name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from components import InvalidArguments, OpenAICompatibleLLMArgs
from components.openai_compatible_llm.args import BackendApi
from local.control_plane.custom_resource_definitions import AGENTGATEWAY, CRD_FILES
from local.toolchain.go import download_module
from tests.contract.schemas import StrictSchemas, spec_field
from tests.support.recording import record_component

API_TESTS = "controller/api/tests/testdata/agentgateway_{kind}_{label}.yaml"
TRANSLATED = (
    "controller/pkg/agentgateway/translator/testdata/backends/*.yaml",
    "controller/pkg/agentgateway/plugins/testdata/backendpolicy/*.yaml",
)

ARGUMENTS = {
    "ai.provider.openai.model": ("model",),
    "ai.provider.host": ("host",),
    "ai.provider.port": ("port",),
    "ai.provider.path": ("path",),
    "policies.auth.key": ("api_key",),
    "policies.auth.secretRef": ("api_key_secret",),
    "policies.auth.secretRef.name": ("api_key_secret", "name"),
    "policies.auth.passthrough": ("passthrough",),
    "policies.auth.location.header.name": ("auth_header", "header_name"),
    "policies.auth.location.header.prefix": ("auth_header", "prefix"),
}
# Each with what is below it.
NO_ARGUMENTS = {
    "a2a",
    "dynamicForwardProxy",
    "mcp",
    "static",
    "ai.policies",
    *(f"ai.provider.{name}" for name in ("anthropic", "azure", "azureopenai", "bedrock", "custom", "gemini")),
    *(f"ai.provider.{name}" for name in ("pathPrefix", "vertexai")),
    *(f"policies.{name}" for name in ("ai", "extAuth", "health", "http", "mcp", "tcp", "tls", "tunnel")),
    *(f"policies.auth.{name}" for name in ("aws", "azure", "credentials", "crossAppAccess", "gcp")),
    "policies.auth.oauthTokenExchange",
    "policies.auth.secretRef.group",
    "policies.auth.secretRef.kind",
    "policies.auth.secretRef.key",
}
# What the gateway takes where a backend doesn't say so; we always say it, and a backend without `auth` sends no key.
SENT_ALWAYS = {"host": "api.openai.com", "port": 443, "path": "/v1/chat/completions"}
NO_KEY: dict[str, Any] = {"passthrough": {}}

# Of an invalid one our arguments say the part that its label is about; this other part they can't say.
BESIDE_THE_LABEL = {
    "credential-ref-missing-name": ("group", "kind"),
    "credential-ref-empty-name": ("group", "kind"),
}
# Our arguments can say it, and what is missing in it is filled in.
CORRECTED = {"host-without-port"}
SCHEMA_LABELS = {"unknown fields", "Required value", "should have at least 1 items", "Unsupported value"}


@dataclass(frozen=True)
class Vector:
    """The spec of a backend with one provider; `error` is the label of an invalid one."""

    name: str
    error: str | None
    spec: dict[str, Any]

    @property
    def without_argument(self) -> list[str]:
        """Returns the fields for which there is no argument."""
        return [path for path, _ in _leaves(self.spec) if path not in ARGUMENTS and path != "ai.provider.openai"]


class _Loader(yaml.SafeLoader):
    """Leaves dates as strings, as Kubernetes does."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [resolver for resolver in resolvers if resolver[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@pytest.fixture(scope="module")
def module() -> Path:
    return download_module(AGENTGATEWAY)


@pytest.fixture(scope="module")
def labelled(module: Path) -> dict[str, list[dict[str, Any]]]:
    """The labelled objects of each kind, as in the file."""
    return {
        kind: [
            each for label in ("valid", "invalid") for each in _read(module / API_TESTS.format(kind=kind, label=label))
        ]
        for kind in ("backend", "policy")
    }


@pytest.fixture(scope="module")
def vectors(module: Path, labelled: dict[str, list[dict[str, Any]]]) -> list[Vector]:
    found = [vector for manifests in labelled.values() for each in manifests for vector in _vectors(each, "")]
    for file in sorted(file for pattern in TRANSLATED for file in module.glob(pattern)):
        found.extend(vector for each in _read(file) for vector in _vectors(each, f"{file.stem}/"))
    return found


def _read(file: Path) -> list[dict[str, Any]]:
    with file.open() as text:
        return [manifest for manifest in yaml.load_all(text, Loader=_Loader) if manifest]


def _vectors(manifest: Mapping[str, Any], where: str) -> Iterator[Vector]:
    if manifest.get("kind") not in ("AgentgatewayBackend", "AgentgatewayPolicy"):
        return
    name, error, spec = where + manifest["metadata"]["name"], manifest.get("_err"), manifest["spec"]
    if manifest["kind"] == "AgentgatewayPolicy":
        # The `auth` for all backends of a target has the schema of the `auth` in a backend.
        if "auth" in spec.get("backend", {}):
            yield Vector(name, error, {"ai": {"provider": {"openai": {}}}, "policies": spec["backend"]})
    elif "groups" in spec.get("ai", {}):
        # A provider of a group has the schema of a lone one.
        for provider in (each for group in spec["ai"]["groups"] for each in group["providers"]):
            lone = {field: value for field, value in provider.items() if field not in ("name", "policies")}
            policies = {**spec.get("policies", {}), **provider.get("policies", {})}
            yield Vector(f"{name}/{provider['name']}", error, {"ai": {"provider": lone}, "policies": policies})
    else:
        yield Vector(name, error, spec)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, each in value.items():
            yield from _leaves(each, f"{path}.{name}".lstrip("."))
    elif value != {} or path != "policies":
        yield path, value


def _in_our_words(vector: Vector) -> Vector:
    """Without what says nothing, and what the label of an invalid one isn't about; a key stands in a Secret."""
    policies = {**vector.spec.get("policies", {})}
    auth = {**policies.get("auth", {})}
    if "secretRef" in auth:
        left_out = BESIDE_THE_LABEL.get(vector.name, ())
        auth["secretRef"] = {
            field: value
            for field, value in auth["secretRef"].items()
            if field not in left_out and (field, value) not in (("group", ""), ("kind", ""), ("kind", "Secret"))
        }
    if auth:
        policies["auth"] = auth
    return Vector(vector.name, vector.error, {**vector.spec, "policies": policies})


def _with_arguments(vectors: list[Vector], *, valid: bool) -> dict[str, Vector]:
    said = (_in_our_words(vector) for vector in vectors if (vector.error is None) is valid)
    return {vector.name: vector for vector in said if not vector.without_argument}


def _arguments(vector: Vector) -> OpenAICompatibleLLMArgs:
    args: dict[str, Any] = {"host": SENT_ALWAYS["host"], "api": BackendApi.AGENTGATEWAY, "endpoints": "chat"}
    for path, value in _leaves(vector.spec):
        if path == "ai.provider.openai":
            continue
        *outer, last = ARGUMENTS[path]
        into = args.setdefault(outer[0], {}) if outer else args
        into[last] = {"passthrough": True, "prefix": str(value).removesuffix(" ")}.get(last, value)
    if not args.keys() & {"api_key", "api_key_secret", "passthrough"}:
        args["passthrough"] = True
    return cast("OpenAICompatibleLLMArgs", args)


def _objects(args: OpenAICompatibleLLMArgs) -> list[dict[str, Any]]:
    return record_component(args, "vector").objects()


def _refused(args: OpenAICompatibleLLMArgs) -> bool:
    try:
        _objects(args)
    except InvalidArguments:
        return True
    return False


def _expected(vector: Vector) -> dict[str, Any]:
    auth = {**vector.spec["policies"].get("auth", NO_KEY)}
    if auth.pop("key", None) is not None:
        auth["secretRef"] = {"name": "vector-secret"}
    provider = {**SENT_ALWAYS, **vector.spec["ai"]["provider"]}
    return {"ai": {"provider": provider}, "policies": {"auth": auth, "tls": {"sni": provider["host"]}}}


def _undescribed(value: Any) -> Any:
    if isinstance(value, Mapping):
        texts = {name for name, each in value.items() if name == "description" and isinstance(each, str)}
        return {name: _undescribed(each) for name, each in value.items() if name not in texts}
    return [_undescribed(each) for each in value] if isinstance(value, list) else value


def _rule_messages(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        rules = value.get("x-kubernetes-validations")
        yield from (rule["message"] for rule in rules or () if "message" in rule)
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _rule_messages(each)


def _is_below(path: str, field: str) -> bool:
    return f"{path}.".startswith(f"{field}.")


def test_valid_vectors_are_accepted_and_give_their_spec(vectors: list[Vector], schemas: StrictSchemas) -> None:
    expressible = _with_arguments(vectors, valid=True)
    assert len(expressible) >= 20
    said = {path for vector in expressible.values() for path, _ in _leaves(vector.spec)}
    assert {*ARGUMENTS, "ai.provider.openai"} - said == {"policies.auth.secretRef", "policies.auth.passthrough"}
    for name, vector in expressible.items():
        objects = _objects(_arguments(vector))
        (spec,) = (each["spec"] for each in objects if each["kind"] == "AgentgatewayBackend")
        assert spec == _expected(vector), name
        assert [problem for each in objects for problem in schemas.problems(each)] == [], name


def test_invalid_vectors_are_refused_or_corrected(vectors: list[Vector], schemas: StrictSchemas) -> None:
    expressible = _with_arguments(vectors, valid=False)
    assert expressible.keys() >= {"credential-ref-missing-name", "credential-ref-empty-name", *CORRECTED}
    assert {name for name, vector in expressible.items() if not _refused(_arguments(vector))} == CORRECTED
    for name in CORRECTED:
        objects = _objects(_arguments(expressible[name]))
        assert [problem for each in objects for problem in schemas.problems(each)] == [], name


def test_every_field_without_an_argument_is_listed(vectors: list[Vector]) -> None:
    without_argument = {
        vector.name: vector.without_argument for vector in map(_in_our_words, vectors) if vector.without_argument
    }
    unknown = {
        path
        for paths in without_argument.values()
        for path in paths
        if not any(_is_below(path, each) for each in NO_ARGUMENTS)
    }
    assert unknown == set()


def test_auth_and_providers_have_the_same_schema_in_policies_and_groups(
    agentgateway_crd: dict[str, Any], module: Path
) -> None:
    backend = _undescribed(agentgateway_crd)
    chart = module / Path(*CRD_FILES[AGENTGATEWAY][0].split("/")[:-1])
    (policy,) = map(_undescribed, _read(chart / "agentgateway.dev_agentgatewaypolicies.yaml"))
    lone, grouped = (spec_field(backend, path) for path in ("ai.provider", "ai.groups.[].providers.[]"))
    assert grouped["properties"].items() >= lone["properties"].items()
    assert grouped["x-kubernetes-validations"] == lone["x-kubernetes-validations"]
    auth = spec_field(backend, "policies.auth")
    assert grouped["properties"]["policies"]["properties"]["auth"] == auth
    assert spec_field(policy, "backend.auth") == auth


def test_the_strict_schemas_agree_with_the_labels_except_for_rules(
    labelled: dict[str, list[dict[str, Any]]], agentgateway_crd: dict[str, Any], schemas: StrictSchemas
) -> None:
    rules = set(_rule_messages(agentgateway_crd))
    assert len(labelled["backend"]) >= 27
    for manifest in labelled["backend"]:
        label = manifest.get("_err", "")
        by_schema = label in SCHEMA_LABELS
        assert by_schema or any(label in message for message in rules), label
        problems = schemas.problems({field: value for field, value in manifest.items() if field != "_err"})
        assert bool(problems) is by_schema, (manifest["metadata"]["name"], problems)
